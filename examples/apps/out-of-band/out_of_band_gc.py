"""Middleware that moves Python's garbage collection from the midst of requests
to the pauses between them. To copy into an application:

    from out_of_band_gc import OutOfBandWSGI
    application = OutOfBandWSGI(application)    # Flask, Django, any WSGI

    from out_of_band_gc import OutOfBandASGI
    application = OutOfBandASGI(application)    # FastAPI, Starlette, any ASGI

Outside of all other middleware, so that nothing keeps the request for the work
from it.

Python frees most objects at once, without a collector. What the collector is
for, objects that refer to each other in a circle, it looks for in the midst of
whatever runs, among all that the application has loaded. This keeps it from
doing so. When there may be enough to find, it asks Peregrine for a pause, with
a header of some response. Peregrine then sends no more requests until those
that run are finished, and sends the one request by which this collects.

If the pause is long in coming, the collector runs as ever: memory is bounded
whatever happens. Without Peregrine this does nothing at all.

One server process for each process that Peregrine starts is what it is made
for: gunicorn with one worker, uvicorn without --workers.
"""

import gc
import hmac
import os
import threading

# A pause is due when so many objects that the collector watches have been made
# and not been freed. Python itself looks after some hundreds.
DUE_OBJECTS = 50_000

# After so many times as many, the collector runs for itself again.
LIMIT = 4

ASK = "!~Request-OOB-Work"
TOKEN = "!~OOB-Work-Token"


class _OutOfBand:
    def __init__(self, app, due_objects=DUE_OBJECTS, limit=LIMIT):
        self.app = app
        self.due_objects = due_objects
        self.limit = limit
        self.method = os.environ.get("PEREGRINE_OOB_WORK_METHOD")
        self.path = os.environ.get("PEREGRINE_OOB_WORK_PATH")
        self.token = os.environ.get("PEREGRINE_OOB_WORK_TOKEN", "")
        self._lock = threading.Lock()
        self._began = False

    def _is_work(self, method, path, token):
        return (
            method == self.method
            and path == self.path
            and hmac.compare_digest(token.encode("latin-1"), self.token.encode())
        )

    def _begin_once(self):
        """With the first request, in the process that serves it, after all
        forks. What is loaded by then lives as long as the process: the
        collector need not look at it ever again."""
        with self._lock:
            if not self._began:
                gc.collect()
                gc.freeze()
                gc.disable()
                self._began = True

    def _work(self):
        """No request runs now."""
        gc.collect()
        gc.disable()

    def _is_due(self):
        # Also counted while the collector is disabled.
        new_objects = gc.get_count()[0]
        if new_objects >= self.limit * self.due_objects:
            gc.enable()
        return new_objects >= self.due_objects


class OutOfBandWSGI(_OutOfBand):
    def __call__(self, environ, start_response):
        if not self.token:
            return self.app(environ, start_response)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        token = environ.get("HTTP_" + TOKEN.upper().replace("-", "_"), "")
        if self._is_work(method, path, token):
            self._work()
            start_response("204 No Content", [])
            return []

        def start(status, headers, exc_info=None):
            if self._is_due():
                headers = [*headers, (ASK, "true")]
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        self._begin_once()
        return self.app(environ, start)


class OutOfBandASGI(_OutOfBand):
    async def __call__(self, scope, receive, send):
        if not self.token or scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        token = headers.get(TOKEN.lower().encode(), b"").decode("latin-1")
        if self._is_work(scope["method"], scope["path"], token):
            self._work()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            return None

        async def send_asking(message):
            if message["type"] == "http.response.start" and self._is_due():
                asks = (ASK.lower().encode(), b"true")
                message = {**message, "headers": [*message.get("headers", []), asks]}
            await send(message)

        self._begin_once()
        return await self.app(scope, receive, send_asking)

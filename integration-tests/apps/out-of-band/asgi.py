import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[3] / "examples/apps/out-of-band"))

from journal import Entry, page
from out_of_band_gc import OutOfBandASGI


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = page()
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# However long a pause is in coming: it may be the other process's turn.
inner = OutOfBandASGI(app, limit=1_000)


async def application(scope, receive, send):
    if scope["type"] != "http":
        return await inner(scope, receive, send)
    entry = Entry(scope["method"], scope["path"])

    async def send_and_note(message):
        # Before the last piece: whoever has it may ask for the next page. A 204 has
        # none, and is over with its head.
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if message.get("status") == 204 or (is_last and not entry.closed):
            entry.close()
        await send(message)

    await inner(scope, receive, send_and_note)

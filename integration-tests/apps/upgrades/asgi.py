"""A WebSocket on which each message comes back. Its library is the server's."""

import os

open_sockets = 0


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await echo(receive, send)
    elif scope["type"] == "http":
        page = open_sockets if scope["path"] == "/open" else os.getpid()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(page).encode()})


async def echo(receive, send):
    global open_sockets
    open_sockets += 1
    try:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            if event.get("bytes") is not None:
                await send({"type": "websocket.send", "bytes": event["bytes"]})
            else:
                await send({"type": "websocket.send", "text": event["text"]})
        print(f"a socket was closed with {event['code']}", flush=True)
    finally:
        open_sockets -= 1

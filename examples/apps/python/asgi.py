"""The app of wsgi.py once more: plain ASGI, no framework."""

import asyncio

import pages


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)

    path = scope["path"]
    query = scope["query_string"].decode()

    async def respond(body, status=200, cache_control="no-store", content_type=pages.TEXT):
        content = body.encode()
        await start(send, status, cache_control, content_type, len(content))
        await send({"type": "http.response.body", "body": content})

    if path == "/":
        await respond(pages.INDEX)
    elif path == "/cached":
        await asyncio.sleep(pages.seconds(query, default=0.0))
        await respond(pages.rendering(), cache_control="public, max-age=60")
    elif path == "/private":
        await respond(pages.rendering(), cache_control="private, max-age=60")
    elif path == "/slow":
        await asyncio.sleep(pages.seconds(query))
        await respond("worth the wait\n")
    elif path == "/stream":
        await start(send)
        await stream(send, pages.seconds(query) / 5)
    elif path == "/echo":
        body = await read(receive)
        echo = pages.echo(scope["method"], path, query, headers(scope), body)
        await respond(echo, content_type=pages.JSON)
    elif path == "/pid":
        await respond(pages.pid())
    else:
        await respond("no such page\n", status=404)


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def start(send, status=200, cache_control="no-store", content_type=pages.TEXT, length=None):
    fields = [
        (b"cache-control", cache_control.encode()),
        (b"content-type", content_type.encode()),
    ]
    if length is not None:
        fields.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})


async def stream(send, pause):
    for number in range(1, 6):
        if number > 1:
            await asyncio.sleep(pause)
        line = pages.line(number).encode()
        await send({"type": "http.response.body", "body": line, "more_body": number < 5})


async def read(receive):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def headers(scope):
    """The request's header fields, those with several lines joined by commas."""
    fields = {}
    for name, value in scope["headers"]:
        name, value = name.decode("latin-1"), value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields

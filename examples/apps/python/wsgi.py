"""A small app to try Peregrine with: plain WSGI, no framework."""

import time

import pages


def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = environ["QUERY_STRING"]

    def respond(body, status="200 OK", cache_control="no-store", content_type=pages.TEXT):
        content = body.encode()
        start_response(status, [
            ("Cache-Control", cache_control),
            ("Content-Type", content_type),
            ("Content-Length", str(len(content))),
        ])
        return [content]

    if path == "/":
        return respond(pages.INDEX)
    if path == "/cached":
        time.sleep(pages.seconds(query, default=0.0))
        return respond(pages.rendering(), cache_control="public, max-age=60")
    if path == "/private":
        return respond(pages.rendering(), cache_control="private, max-age=60")
    if path == "/slow":
        time.sleep(pages.seconds(query))
        return respond("worth the wait\n")
    if path == "/stream":
        start_response("200 OK", [("Cache-Control", "no-store"), ("Content-Type", pages.TEXT)])
        return stream(pages.seconds(query) / 5)
    if path == "/echo":
        body = environ["wsgi.input"].read()
        echo = pages.echo(environ["REQUEST_METHOD"], path, query, headers(environ), body)
        return respond(echo, content_type=pages.JSON)
    if path == "/pid":
        return respond(pages.pid())
    return respond("no such page\n", status="404 Not Found")


def stream(pause):
    for number in range(1, 6):
        if number > 1:
            time.sleep(pause)
        yield pages.line(number).encode()


def headers(environ):
    """The request's header fields, which WSGI hides among the variables of CGI."""
    fields = {}
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            name = name.removeprefix("HTTP_")
        elif name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            continue
        fields[name.lower().replace("_", "-")] = value
    return fields

"""What the pages say. wsgi.py and asgi.py say it in their own ways."""

import itertools
import json
import os
import time
from urllib.parse import parse_qs

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

INDEX = """\
A small app behind Peregrine. Try:

/cached   may be cached for a minute: reload it, and it stays the same
/private  is for one visitor only: reload it, and the number grows
/slow     takes a second; ?seconds=3 takes three
/stream   five lines over a second; ?seconds=5 takes five
/echo     what the app received, as JSON
/pid      the process that answers
"""

_renderings = itertools.count(1)


def rendering():
    return f"rendering {next(_renderings)} by process {os.getpid()}\n"


def pid():
    return f"{os.getpid()}\n"


def line(number):
    return f"line {number} of 5, written at {time.time():.3f}\n"


def echo(method, path, query, headers, body):
    received = {
        "method": method,
        "path": path,
        "query": query,
        "headers": headers,
        "body": body.decode(errors="replace"),
    }
    return json.dumps(received, indent=2, ensure_ascii=False) + "\n"


def seconds(query, default=1.0):
    """What the query asks for, from 0 to 10."""
    try:
        wanted = float(parse_qs(query)["seconds"][0])
    except (KeyError, ValueError):
        return default
    return min(max(wanted, 0.0), 10.0)

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[3] / "examples/apps/out-of-band"))

from journal import Entry, page
from out_of_band_gc import OutOfBandWSGI


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [page()]


# However long a pause is in coming: it may be the other process's turn.
inner = OutOfBandWSGI(app, limit=1_000)


def application(environ, start_response):
    entry = Entry(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    answer = inner(environ, start_response)
    entry.close()
    return answer

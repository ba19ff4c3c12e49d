"""Writes a line for each request into the file that $JOURNAL names: process,
method, path, begin and end by the machine's own clock, and how often the
collector has run meanwhile."""

import gc
import os
import time

collections = 0


def count(phase, info):
    global collections
    collections += phase == "start"


gc.callbacks.append(count)


class Entry:
    def __init__(self, method, path):
        self.what = (os.getpid(), method, path)
        self.collections = collections
        self.closed = False
        self.begun = time.monotonic()

    def close(self):
        self.closed = True
        line = (*self.what, self.begun, time.monotonic(), collections - self.collections)
        with open(os.environ["JOURNAL"], "a") as journal:
            journal.write(" ".join(map(str, line)) + "\n")


def page():
    """Circles, which only the collector finds."""
    circles = []
    for _ in range(5_000):
        circle = []
        circle.append(circle)
        circles.append(circle)
    return f"{len(circles)}\n".encode()

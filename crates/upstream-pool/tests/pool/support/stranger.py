"""A program that is none of the application's: another server on the port.

    stranger.py PORT FOLDER

Has no parent, session or variable in common with who starts it, which goes on
when it listens. Answers whatever it is asked, and writes down what that was in
FOLDER/asked. Ends when FOLDER is gone.
"""

import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, folder = int(sys.argv[1]), sys.argv[2]
if "STRANGER" not in os.environ:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(reader)
            os.set_inheritable(writer, True)
            for number in 0, 1, 2:
                os.dup2(os.open(os.devnull, os.O_RDWR), number)
            environment = {"STRANGER": str(writer)}
            os.execve(sys.executable, [sys.executable, *sys.argv], environment)
        os._exit(0)
    os.wait()
    os.close(writer)
    os.read(reader, 1)
    sys.exit()


class Stranger(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        with open(folder + "/asked", "a") as file:
            file.write(self.command + " " + self.path + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"stranger")

    do_OPTIONS = do_POST = do_GET


server = ThreadingHTTPServer(("127.0.0.1", port), Stranger)
os.close(int(os.environ["STRANGER"]))
threading.Thread(target=server.serve_forever, daemon=True).start()
while os.path.isdir(folder):
    time.sleep(0.02)

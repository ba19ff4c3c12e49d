"""A small application for the tests: one path for each way to behave.

Listens on the Unix socket that is its first argument, or on $PORT. Writes a
line to the file $JOURNAL for each request that it begins to handle.
"""

import os
import signal
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one piece, as from any server for production.
    wbufsize = -1

    def address_string(self):
        return "peer"

    def log_message(self, *args):
        pass

    def do_OPTIONS(self):
        self.answer(b"")

    def do_GET(self):
        journal(self.command + " " + self.path)
        name = self.path.split("?")[0].split("/")[1]
        getattr(self, "path_" + name)()

    do_POST = do_GET

    def answer(self, body, *fields):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def path_pid(self):
        self.answer(str(os.getpid()).encode())

    def path_received(self):
        """Answers once it has read the body."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.path_pid()

    def path_fields(self):
        lines = [f"{name.lower()}: {value}" for name, value in self.headers.items()]
        body = "\n".join([self.path, *lines]).encode()
        self.answer(body, ("!~Secret", "1"), ("Keep-Alive", "timeout=5"), ("X-App", "1"))

    def path_echo(self):
        """Sends each piece back as it comes."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        while size := int(self.rfile.readline(), 16):
            self.chunk(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.chunk(b"")

    def path_wait(self):
        """Answers once the file that the rest of the path names exists."""
        path = self.path.removeprefix("/wait")
        while not os.path.exists(path):
            time.sleep(0.005)
        self.answer(str(os.getpid()).encode())

    def path_early(self):
        """Answers before it has read the body, which it never does."""
        self.send_response(413)
        self.send_header("Content-Length", "5")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"small")
        self.wfile.flush()
        self.close_connection = True

    def path_never(self):
        time.sleep(3600)

    def path_garbage(self):
        self.connection.sendall(b"I am no HTTP server\r\n\r\n")
        self.close_connection = True

    def path_close(self):
        self.close_connection = True

    def path_half(self):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        self.close_connection = True

    def path_chunk(self):
        self.connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"
        )
        self.close_connection = True

    def path_head(self):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        self.close_connection = True

    def path_huge(self):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
        self.close_connection = True

    def path_upgrade(self):
        self.connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        self.close_connection = True

    def path_shout(self):
        """Speaks another protocol from here on: all comes back in capitals, until
        there is no more, and then "bye"."""
        self.connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
            b"Upgrade: shout\r\nX-Saw: " + self.headers["Upgrade"].encode() + b"\r\n\r\nHELLO"
        )
        while data := self.connection.recv(65536):
            self.connection.sendall(data.upper())
        self.connection.sendall(b"bye")
        self.close_connection = True

    def path_die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def path_die_once(self):
        """The first process that comes here dies, the others answer."""
        try:
            os.close(os.open(os.environ["JOURNAL"] + ".died", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            self.answer(str(os.getpid()).encode())
        else:
            self.path_die()


def journal(line):
    if path := os.environ.get("JOURNAL"):
        with open(path, "a") as file:
            file.write(line + "\n")


def main():
    print("starting", flush=True)
    if len(sys.argv) > 1:
        base, address = socketserver.ThreadingUnixStreamServer, sys.argv[1]
    else:
        base, address = socketserver.ThreadingTCPServer, ("127.0.0.1", int(os.environ["PORT"]))

    class Server(base):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request, client_address):
            pass

    with Server(address, App) as server:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        server.serve_forever()


main()

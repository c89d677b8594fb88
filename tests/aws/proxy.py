"""A proxy on this machine, for what goes to AWS through one."""

import contextlib
import socket
import socketserver
import threading


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy for https that keeps in mind whom it was asked for; it looks names up as it likes: all lead to `port`."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.port, self.asked_for = port, []


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        target = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        self.server.asked_for.append(target)
        host, port = target.split(":")
        where = ("127.0.0.1", self.server.port) if self.server.port else (host, int(port))
        with socket.create_connection(where) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)


def _copy(one, other):
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)

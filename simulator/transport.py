"""The HTTP side: read a request, let it be performed or go wrong, and send the answer."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.exchange import Answer, Exchange

if TYPE_CHECKING:
    from simulator.server import Simulator

_CONTROL = "/_sim/"
_HOST = "127.0.0.1"


class Listener(ThreadingHTTPServer):
    """The listening socket, a thread for each connection, and their end."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, aws: "Simulator", port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__((_HOST, port), Handler)
        if tls:  # the handshake is made by the connection's own thread
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.aws, self.closing = aws, threading.Event()
        self._open: set[socket.socket] = set()
        self.port = self.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{_HOST}:{self.port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop listening and cut what is connected."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and keep it in mind."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that go away."""


class Handler(BaseHTTPRequestHandler):
    """One connection. The wire is EC2's query protocol; paths under /_sim/ control the simulator."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log: the journal is the record."""

    def do_GET(self) -> None:
        """Answer a control request without arguments."""
        self._control()

    def do_POST(self) -> None:
        """Answer an API request, or a control request."""
        self._control() if self.path.startswith(_CONTROL) else self._api()

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _control(self) -> None:
        path, _, query = self.path.partition("?")
        values = {**dict(parse_qsl(query)), **json.loads(self._body() or b"{}")}
        try:
            result, status = self.server.aws.control(path.removeprefix(_CONTROL), values), 200
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            result, status = {"error": f"{type(error).__name__}: {error}"}, 400
        body = json.dumps(result, default=lambda v: v.isoformat() if isinstance(v, datetime) else str(v)).encode()
        self._send(Answer(status, body, "application/json"), "control")

    def _api(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = Exchange(self.server.aws, headers, self.path, self._body())
        answer = exchange.run()
        if answer.wait_s and self.server.closing.wait(answer.wait_s):
            answer.ending = "reset"
        if answer.ending == "reset":
            self._reset()
        else:
            self._send(answer, exchange.request_id)

    def _reset(self) -> None:
        """Cut the connection with RST, as a broken network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, answer: Answer, request_id: str) -> None:
        body = answer.body
        now = self.server.aws.now()
        lines = [
            f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('?',))[0]}",
            f"Date: {format_datetime(now, usegmt=True)}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(body)}",
            f"x-amzn-RequestId: {request_id}",
            "Server: AmazonEC2",
        ]
        if answer.location:
            lines.append(f"Location: {answer.location}")
        head = "\r\n".join([*lines, "", ""]).encode()
        if answer.ending == "short":
            self.close_connection = True
            body = body[: len(body) // 2]
        if answer.ending == "drip":
            self._drip(head + body, answer.drip_s)
        else:
            self.wfile.write(head + body)

    def _drip(self, data: bytes, seconds: float) -> None:
        """Send the answer in crumbs that take so many seconds in all."""
        crumbs = 20
        size = len(data) // crumbs + 1
        for at in range(0, len(data), size):
            self.wfile.write(data[at : at + size])
            if self.server.closing.wait(seconds / crumbs):
                break

"""Connections that a call's deadline can cut, not used again after a long rest, made to no forbidden address."""

import contextlib
import ipaddress
import socket
import time
from typing import Any

from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from elements.aws.calls import current
from elements.aws.chunks import Answer
from elements.domain.endpoints import EndpointRefused, check_address


def watched(client: Any, idle_s: float, *, allow_private: bool) -> None:
    """Let all connections of a client be cut by the call that uses them; rested longer than `idle_s`, they are closed.

    Botocore has no setting for either. AWS and what lies on the way drop connections that rest, some without a word:
    a write on such a one may or may not have arrived.
    """
    http = client._endpoint.http_session
    classes = {scheme: _watched(pool, idle_s, allow_private) for scheme, pool in http._pool_classes_by_scheme.items()}
    http._pool_classes_by_scheme = http._manager.pool_classes_by_scheme = classes


def _watched(pool: Any, idle_s: float, allow_private: bool) -> Any:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        """A connection with a twin of its socket: TLS takes the socket itself over, and the twin cuts both."""

        _dns_host: str
        _twin: socket.socket | None = None
        _busy = False
        _used_at = 0.0

        def _new_conn(self) -> socket.socket:
            self.rest()
            # The names of others are the proxy's to look up; where the proxy itself is, the machine's owner decides.
            made: socket.socket = super()._new_conn() if self.proxy else self._to_checked_address()
            self._twin = made.dup()
            self._use()
            return made

        def _to_checked_address(self) -> socket.socket:
            """Look the name up once, check what it leads to, and connect to just that: the next answer may differ."""
            name, failed = self._dns_host, None
            try:
                for address in _looked_up(self, allow_private=allow_private):
                    self._dns_host = address
                    try:
                        made: socket.socket = super()._new_conn()
                        return made
                    except (NewConnectionError, ConnectTimeoutError) as error:
                        failed = failed or error
            finally:
                self._dns_host = name
            raise failed or NewConnectionError(self, "The name leads nowhere")

        def request(self, *args: Any, **kwargs: Any) -> None:
            self._use()
            # Half an answer is a connection that was lost, which a read tries again; botocore would take it as it is.
            super().request(*args, **{**kwargs, "enforce_content_length": True})

        def getresponse(self) -> Any:
            answer = super().getresponse()
            answer.__class__ = Answer
            return answer

        def _use(self) -> None:
            self._busy, self._used_at = True, time.monotonic()
            current().cutter.use(self)

        @property
        def is_connected(self) -> bool:
            return time.monotonic() - self._used_at < idle_s and bool(super().is_connected)

        def cut(self) -> None:
            """End it at once, from whatever thread."""
            twin = self._twin
            if twin is not None:
                with contextlib.suppress(OSError):  # it ended by itself
                    twin.shutdown(socket.SHUT_RDWR)

        def close(self) -> None:
            super().close()
            if not self._busy:  # an answer that ends with its connection is still to be read, and to be cut
                self.rest()

        def rest(self) -> None:
            """Have no call any more; what is closed is forgotten."""
            self._busy = False
            if self.sock is None and self._twin is not None:
                self._twin.close()
                self._twin = None

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _looked_up(connection: Any, *, allow_private: bool) -> list[str]:
    """Return the addresses of a connection's host, each checked; raises EndpointRefused when one of them is not."""
    try:
        found = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, reason) from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    try:
        for address in addresses:
            check_address(connection.host, ipaddress.ip_address(address), allow_private=allow_private)
    except EndpointRefused as refused:
        current().refused = str(refused)
        raise
    return addresses

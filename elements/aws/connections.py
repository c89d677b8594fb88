"""Connections that a call's deadline can cut, and that are not used again after a long rest."""

import contextlib
import socket
import time
from typing import Any

from elements.aws.calls import current


def watched(client: Any, idle_s: float) -> None:
    """Let all connections of a client be cut by the call that uses them; rested longer than `idle_s`, they are closed.

    Botocore has no setting for either. AWS and what lies on the way drop connections that rest, some without a word:
    a write on such a one may or may not have arrived.
    """
    http = client._endpoint.http_session
    classes = {scheme: _watched(pool, idle_s) for scheme, pool in http._pool_classes_by_scheme.items()}
    http._pool_classes_by_scheme = http._manager.pool_classes_by_scheme = classes


def _watched(pool: Any, idle_s: float) -> Any:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        """A connection with a twin of its socket: TLS takes the socket itself over, and the twin cuts both."""

        _twin: socket.socket | None = None
        _busy = False
        _used_at = 0.0

        def _new_conn(self) -> socket.socket:
            self.rest()
            made: socket.socket = super()._new_conn()
            self._twin = made.dup()
            self._use()
            return made

        def request(self, *args: Any, **kwargs: Any) -> None:
            self._use()
            super().request(*args, **kwargs)

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

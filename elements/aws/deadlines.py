"""An end to every HTTP attempt: a read time-out bounds each wait for bytes only, so an answer that drips never ends."""

import contextlib
import socket
import threading
import time
from typing import Any


class Deadline:
    """Cuts the connections of one gateway when an attempt, or all of its calls together, take too long.

    Botocore has no setting for this. Its connections are followed through their urllib3 pools; a cut connection
    looks to botocore like one that was lost.
    """

    def __init__(self, *, attempt_s: float, total_s: float | None) -> None:
        self._attempt_s, self._total_s, self._began = attempt_s, total_s, time.monotonic()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._twins: dict[int, socket.socket] = {}
        self.cut_after_s: float | None = None

    @property
    def passed(self) -> bool:
        """Tell whether no further call may begin."""
        return self._total_s is not None and time.monotonic() - self._began > self._total_s

    @property
    def total_s(self) -> float:
        """Return how long all calls together may take."""
        return self._total_s or 0.0

    def guard(self, client: Any) -> None:
        """Bound every attempt of a client."""
        http = client._endpoint.http_session
        watched = {scheme: self._watched(pool, id(client)) for scheme, pool in http._pool_classes_by_scheme.items()}
        http._pool_classes_by_scheme = http._manager.pool_classes_by_scheme = watched
        service = client.meta.service_model.service_name
        client.meta.events.register_first(f"before-send.{service}", self._begin)
        client.meta.events.register_first(f"response-received.{service}", self._end)

    def close(self) -> None:
        """End the attempt under way, if any, and let go of the connections."""
        self._end()
        with self._lock:
            for twin in self._twins.values():
                twin.close()
            self._twins = {}

    def _watched(self, pool: Any, client: int) -> Any:
        deadline = self

        class Connection(pool.ConnectionCls):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()
                deadline._follow(made, client)
                return made

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

    def _follow(self, made: socket.socket, client: int) -> None:
        """Keep a twin of a client's newest socket: TLS takes the socket itself over, and a twin cuts both."""
        with self._lock:
            older = self._twins.get(client)
            self._twins[client] = made.dup()
            if older is not None:
                older.close()
            if self.cut_after_s is not None:
                self._shut()

    def _begin(self, **kwargs: Any) -> None:
        self._end()
        left = self._attempt_s
        if self._total_s is not None:
            left = min(left, max(self._total_s - (time.monotonic() - self._began), 0.0))
        self.cut_after_s = None
        self._timer = threading.Timer(left, self._cut, (left,))
        self._timer.daemon = True
        self._timer.start()

    def _end(self, **kwargs: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, after_s: float) -> None:
        with self._lock:
            self.cut_after_s = after_s
            self._shut()

    def _shut(self) -> None:
        for twin in self._twins.values():
            with contextlib.suppress(OSError):  # it ended by itself
                twin.shutdown(socket.SHUT_RDWR)

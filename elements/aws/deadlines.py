"""An end to every HTTP attempt: a read time-out bounds each wait for bytes only, so an answer that drips never ends."""

import threading
import time
from typing import Protocol

# More than an attempt that was begun at the last moment may wait for its budget.
GRACE_S = 30.0


class Line(Protocol):
    """A connection that can be cut from another thread."""

    def cut(self) -> None:
        """End it at once."""

    def rest(self) -> None:
        """Have no call any more."""


class Deadline:
    """How long each attempt of a gateway, and all its calls together, may take."""

    def __init__(self, *, attempt_s: float, total_s: float | None) -> None:
        self._attempt_s, self._total_s, self._began = attempt_s, total_s, time.monotonic()

    @property
    def passed(self) -> bool:
        """Tell whether no further call may begin."""
        return self._total_s is not None and time.monotonic() - self._began > self._total_s

    @property
    def long_passed(self) -> bool:
        """Tell whether every call must have ended: those under way at the deadline were cut, or found no budget."""
        return self._total_s is not None and time.monotonic() - self._began > self._total_s + GRACE_S

    @property
    def total_s(self) -> float:
        """Return how long all calls together may take."""
        return self._total_s or 0.0

    @property
    def left_s(self) -> float:
        """Return how long an attempt that begins now may take."""
        if self._total_s is None:
            return self._attempt_s
        return min(self._attempt_s, max(self._total_s - (time.monotonic() - self._began), 0.0))


class Cutter:
    """Cuts the connection of one call when an attempt takes too long; to botocore it looks like one that was lost.

    Connections serve one call after another, of any element: only the one that the attempt under way uses is cut.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._lock = deadline, threading.Lock()
        self._timer: threading.Timer | None = None
        self._line: Line | None = None
        self.cut_after_s: float | None = None

    def begin(self) -> None:
        """Let an attempt begin."""
        self.end()
        left = self._deadline.left_s
        self.cut_after_s = None
        timer = threading.Timer(left, lambda: self._cut(left, timer))
        timer.daemon = True
        self._timer = timer
        timer.start()

    def use(self, line: Line) -> None:
        """Note the connection that the attempt goes over."""
        with self._lock:
            self._line = line
            if self.cut_after_s is not None:
                line.cut()

    def end(self) -> None:
        """Let go of the connection: all of the answer is here, or there is none."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._line is not None:
                self._line.rest()
            self._timer = self._line = None

    def _cut(self, after_s: float, timer: threading.Timer) -> None:
        with self._lock:
            if self._timer is timer:
                self.cut_after_s = after_s
                if self._line is not None:
                    self._line.cut()

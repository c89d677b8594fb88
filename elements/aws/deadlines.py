"""An end to every HTTP attempt: a read time-out bounds each wait for bytes only, so an answer that drips never ends."""

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

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


class Alarm:
    """Something to be done at a moment, unless it is called off before."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def call_off(self) -> None:
        """Let it not be done; it may be under way already."""
        self.act = None


class Alarms:
    """Rings alarms, which must take no time, in one thread: to start one for each attempt took 2 % of a small poll.

    The thread lives for as long as alarms are set. One that is called off is let go when the next one would ring.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._set: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def set(self, after_s: float, alarm: Alarm) -> None:
        """Let an alarm ring after so many seconds."""
        at = time.monotonic() + after_s
        with self._changed:
            is_next = not self._set or at < self._set[0][0]
            heapq.heappush(self._set, (at, next(self._numbers), alarm))
            if self._thread is None:
                thread = threading.Thread(target=self._run, daemon=True, name="deadlines")
                thread.start()
                self._thread = thread
            elif is_next:
                self._changed.notify()

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            try:
                (alarm.act or _nothing)()
            except Exception:  # the other alarms ring all the same
                log.exception("an attempt that took too long could not be cut")

    def _next(self) -> Alarm | None:
        """Wait for the next alarm and return it; None when none is set, and this thread ends."""
        with self._changed:
            while True:
                while self._set and self._set[0][2].act is None:
                    heapq.heappop(self._set)
                if not self._set:
                    self._thread = None
                    return None
                left_s = self._set[0][0] - time.monotonic()
                if left_s <= 0:
                    return heapq.heappop(self._set)[2]
                self._changed.wait(left_s)


def _nothing() -> None:
    """Do nothing: what was to be done was called off a moment ago."""


_alarms = Alarms()


def _forget() -> None:
    """Begin anew in a forked process: it has neither the thread of its parent nor its attempts."""
    global _alarms
    _alarms = Alarms()


os.register_at_fork(after_in_child=_forget)


class Cutter:
    """Cuts the connection of one call when an attempt takes too long; to botocore it looks like one that was lost.

    Connections serve one call after another, of any element: only the one that the attempt under way uses is cut.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._lock = deadline, threading.Lock()
        self._alarm: Alarm | None = None
        self._line: Line | None = None
        self.cut_after_s: float | None = None

    def begin(self) -> None:
        """Let an attempt begin."""
        self.end()
        left = self._deadline.left_s
        self.cut_after_s = None
        self._alarm = alarm = Alarm(lambda: self._cut(left, alarm))
        _alarms.set(left, alarm)

    def use(self, line: Line) -> None:
        """Note the connection that the attempt goes over."""
        with self._lock:
            self._line = line
            if self.cut_after_s is not None:
                line.cut()

    def end(self) -> None:
        """Let go of the connection: all of the answer is here, or there is none."""
        with self._lock:
            if self._alarm is not None:
                self._alarm.call_off()
            if self._line is not None:
                self._line.rest()
            self._alarm = self._line = None

    def _cut(self, after_s: float, alarm: Alarm) -> None:
        with self._lock:
            if self._alarm is alarm:
                self.cut_after_s = after_s
                if self._line is not None:
                    self._line.cut()

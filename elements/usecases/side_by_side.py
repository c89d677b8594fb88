"""Runs jobs side by side in threads and waits for none of them for long."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from django.db import connections

Job = Callable[[], None]
_NAME = "side-by-side"


def running() -> int:
    """Return how many jobs this process runs at the moment, those of earlier runs included."""
    return sum(thread.name == _NAME for thread in threading.enumerate())


class SideBySide:
    """Runs jobs in at most `at_once` threads, not counting those whose job takes longer than `patience_s`.

    Such a thread is set aside: it goes on by itself and another takes its place. Threads are used again within one
    run, and close their database connection at the end.
    """

    def __init__(self, jobs: Iterable[Job], *, at_once: int, patience_s: float) -> None:
        self._waiting, self._at_once, self._patience_s = deque(jobs), at_once, patience_s
        self._changed = threading.Condition()
        self._began: dict[threading.Thread, float] = {}

    def run(self) -> None:
        """Return when every job was begun and none is left but what was set aside."""
        with self._changed:
            while self._waiting or self._prompt():
                while self._waiting and len(self._prompt()) < self._at_once:
                    self._start()
                self._changed.wait(self._until_next_is_set_aside())

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, args=(self._waiting.popleft(),), daemon=True, name=_NAME)
        self._began[thread] = time.monotonic()
        thread.start()

    def _work(self, first: Job) -> None:
        job: Job | None = first
        try:
            while job is not None:
                job()
                job = self._next()
        finally:
            connections.close_all()
            with self._changed:
                del self._began[threading.current_thread()]
                self._changed.notify()

    def _next(self) -> Job | None:
        """Return another job for this thread, unless others took its place meanwhile."""
        me = threading.current_thread()
        with self._changed:
            del self._began[me]
            may_go_on = self._waiting and len(self._prompt()) < self._at_once
            self._began[me] = time.monotonic()
            return self._waiting.popleft() if may_go_on else None

    def _prompt(self) -> list[float]:
        """Return when the jobs began that are not set aside."""
        oldest = time.monotonic() - self._patience_s
        return [began for began in self._began.values() if began > oldest]

    def _until_next_is_set_aside(self) -> float:
        prompt = self._prompt()
        return max(0.0, min(prompt) + self._patience_s - time.monotonic()) if prompt else 0.0

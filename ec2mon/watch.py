"""Finds processes that live without working."""

import logging
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from mmap import mmap
from time import monotonic, sleep

from django.db import close_old_connections

from ec2mon import schema
from ec2mon.supervise import Child, host
from elements.models import WorkerBeat

log = logging.getLogger(__name__)

# A task may take 60 s; a process without any sign of life for longer is not busy but stuck.
SILENT_AFTER_S = 66.0
UNEASY_AFTER_S = 30.0
SETTLED_AFTER_S = 20.0
_LOOK_EVERY_S, _ASK_EVERY_S = 2.0, 10.0
_LOOKED, _OUTDATED = "looked", "outdated"


class Watch:
    """Reads the beats of this supervisor's processes, and asks queues for one.

    `run` does that in a process of its own, for the supervisor, which forks others, must have no connection to a
    database, and one that does not answer must not stop it. What came of it the supervisor sees in shared memory.

    `beats` names the beat that proves each child alive; `asks` are what to do to get one. Silence is counted by this
    machine's steady clock, and only while the database answers: neither a clock that is put right nor a database that
    is away makes anything look stuck. Where hosts share a queue, another one may answer; so one that was silent for
    long is asked more often, and so is one that just started.
    """

    def __init__(self, beats: Mapping[str, str], asks: Mapping[str, Callable[[], None]]) -> None:
        self._beats, self._asks, self._host = beats, asks, host()
        self._supervisor = os.getpid()
        self._known = _Shared(beats.values(), 0.0)
        self._heard = _Shared(beats.values(), monotonic())
        self._started = _Shared(beats.values(), 0.0)
        self._own = _Shared((_LOOKED, _OUTDATED), 0.0)
        self._own[_LOOKED] = monotonic()
        self._asked: dict[str, float] = {}
        self._troubled = False

    @property
    def outdated(self) -> str:
        """Return in a sentence that another version has migrated the database, "" when the watch found none."""
        return schema.newer(schema.applied()) if self._own[_OUTDATED] else ""

    def complaint(self, child: Child) -> str:
        """Return what is wrong with a child, or nothing."""
        beat = self._beats.get(child.name)
        if beat is None:
            return ""
        self._started[beat] = child.started_at
        if self._own[_LOOKED] - max(self._heard[beat], child.started_at) < SILENT_AFTER_S:
            return ""
        return f"it has shown no sign of life for {SILENT_AFTER_S:.0f} s"

    def run(self) -> None:
        """Look and ask for ever, until another version has migrated the database."""
        while not self._own[_OUTDATED]:
            close_old_connections()
            self.round()
            sleep(_LOOK_EVERY_S)

    def round(self) -> None:
        """Look and ask once. An error of any kind says nothing about the processes that are watched."""
        try:
            self._end_when_outdated()
            self._look()
            self._ask()
        except Exception as error:
            self._forgive(error)
        else:
            self._troubled = False

    def _end_when_outdated(self) -> None:
        """End all that the supervisor runs once another version has migrated the database under it."""
        if schema.newer(schema.applied()):
            self._own[_OUTDATED] = monotonic()
            os.kill(self._supervisor, signal.SIGTERM)

    def _look(self) -> None:
        beats: Sequence[tuple[str, datetime]] = list(
            WorkerBeat.objects.filter(host=self._host, queue__in=self._beats.values()).values_list("queue", "at")
        )
        now = monotonic()
        for beat, at in beats:
            if self._known[beat] != at.timestamp():
                self._known[beat], self._heard[beat] = at.timestamp(), now
        self._own[_LOOKED] = now

    def _ask(self) -> None:
        now = monotonic()
        for beat, ask in self._asks.items():
            is_new = now - (self._started[beat] or now) < SETTLED_AFTER_S
            is_quiet = now - self._heard[beat] > UNEASY_AFTER_S
            pause = _LOOK_EVERY_S if is_new or is_quiet else _ASK_EVERY_S
            if now - self._asked.get(beat, -_ASK_EVERY_S) >= pause:
                ask()
                self._asked[beat] = now

    def _forgive(self, error: Exception) -> None:
        for beat in self._beats.values():
            self._heard[beat] = monotonic()
        if not self._troubled:
            log.warning("the workers cannot be watched at the moment: %s", str(error).strip())
        self._troubled = True


class _Shared:
    """Seconds by name, which this process and those forked from it read and write; they outlive each watch."""

    def __init__(self, names: Iterable[str], seconds: float) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._all = memoryview(mmap(-1, 8 * max(1, len(self._places)))).cast("d")
        for name in self._places:
            self[name] = seconds

    def __getitem__(self, name: str) -> float:
        return float(self._all[self._places[name]])

    def __setitem__(self, name: str, seconds: float) -> None:
        self._all[self._places[name]] = seconds  # eight bytes at once: nobody reads half of them

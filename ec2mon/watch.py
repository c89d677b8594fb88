"""Finds processes that live without working."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
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


class Watch:
    """Reads the beats of this supervisor's processes, and asks queues for one.

    `beats` names the beat that proves each child alive; `asks` are what to do to get one. Silence is counted by this
    machine's steady clock, and only while the database answers: neither a clock that is put right nor a database that
    is away makes anything look stuck. Where hosts share a queue, another one may answer; so one that was silent for
    long is asked more often, and so is one that just started.
    """

    def __init__(self, beats: Mapping[str, str], asks: Mapping[str, Callable[[], None]]) -> None:
        self._beats, self._asks, self._host = beats, asks, host()
        self._known: dict[str, datetime] = {}
        self._heard = dict.fromkeys(beats.values(), monotonic())
        self._asked: dict[str, float] = {}
        self._started_at: dict[str, float] = {}
        self._looked_at = monotonic()
        self._troubled = False
        self.outdated = ""

    def start(self) -> None:
        """Watch from now on, in a thread: a database that does not answer must not stop the supervisor."""
        threading.Thread(target=self._run, daemon=True, name="watch").start()

    def complaint(self, child: Child) -> str:
        """Return what is wrong with a child, or nothing."""
        beat = self._beats.get(child.name)
        if beat is None:
            return ""
        self._started_at[beat] = child.started_at
        if self._looked_at - max(self._heard[beat], child.started_at) < SILENT_AFTER_S:
            return ""
        return f"it has shown no sign of life for {SILENT_AFTER_S:.0f} s"

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

    def _run(self) -> None:
        while not self.outdated:
            close_old_connections()
            self.round()
            sleep(_LOOK_EVERY_S)

    def _end_when_outdated(self) -> None:
        """End all that this supervisor runs once another version has migrated the database under it."""
        self.outdated = schema.newer(schema.applied())
        if self.outdated:
            os.kill(os.getpid(), signal.SIGTERM)

    def _look(self) -> None:
        beats: Sequence[tuple[str, datetime]] = list(
            WorkerBeat.objects.filter(host=self._host, queue__in=self._heard).values_list("queue", "at")
        )
        now = monotonic()
        for beat, at in beats:
            if self._known.get(beat) != at:
                self._known[beat], self._heard[beat] = at, now
        self._looked_at = now

    def _ask(self) -> None:
        now = monotonic()
        for beat, ask in self._asks.items():
            is_new = now - self._started_at.get(beat, now) < SETTLED_AFTER_S
            is_quiet = now - self._heard[beat] > UNEASY_AFTER_S
            pause = _LOOK_EVERY_S if is_new or is_quiet else _ASK_EVERY_S
            if now - self._asked.get(beat, -_ASK_EVERY_S) >= pause:
                ask()
                self._asked[beat] = now

    def _forgive(self, error: Exception) -> None:
        self._heard = dict.fromkeys(self._heard, monotonic())
        if not self._troubled:
            log.warning("the workers cannot be watched at the moment: %s", str(error).strip())
        self._troubled = True

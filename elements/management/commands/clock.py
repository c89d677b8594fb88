"""`manage.py clock`: look each second what is due, and queue it."""

import logging
import signal
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections
from django.utils import timezone

from elements import tasks
from elements.models import WorkerBeat

log = logging.getLogger(__name__)

BEAT = "clock"
TICK_S, BEAT_S, TROUBLED_S = 1.0, 10.0, 3.0


class Command(BaseCommand):
    """Tick until SIGTERM or SIGINT. Any number of clocks may run: what is due is won by one of them."""

    help = "Queue whatever is due, each second, until SIGTERM or SIGINT. `manage.py up` runs one."

    def handle(self, *args: Any, **options: Any) -> None:
        """Tick and sleep; a sleep is short enough to end within a second."""
        self._ended, self._troubled, self._beaten = False, False, -BEAT_S
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while not self._ended:
            began = time.monotonic()
            ticked = self._tick()
            time.sleep(max(0.0, (TICK_S if ticked else TROUBLED_S) - (time.monotonic() - began)))

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ended = True

    def _tick(self) -> bool:
        """Tick once and return whether that went well. The outermost edge: the next tick is tried whatever happens."""
        close_old_connections()
        try:
            tasks.tick(timezone.now())
            self._beat()
        except Exception as error:
            self._complain(error)
            self._troubled = True
            return False
        if self._troubled:
            log.warning("the clock ticks again")
        self._troubled = False
        return True

    def _complain(self, error: Exception) -> None:
        """Say what is wrong, once until it is over."""
        if self._troubled:
            return
        if isinstance(error, Error):
            log.error("the clock cannot use the database and goes on trying: %s", str(error).strip())
        else:
            log.error("the clock cannot queue what is due and goes on trying", exc_info=error)

    def _beat(self) -> None:
        """Prove now and then that this clock ticks."""
        if time.monotonic() - self._beaten >= BEAT_S:
            WorkerBeat.objects.stamp(BEAT, settings.BEAT_HOST, timezone.now())
            self._beaten = time.monotonic()

"""Which hosts work on the database, as their beats say."""

import os
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta

from elements.models import WorkerBeat
from elements.models.worker_beats import SILENT_AFTER_S


def hosts(now: datetime) -> list[str]:
    """Return the hosts whose workers or clock gave a sign of life within a minute; raises DatabaseError."""
    lately = now - timedelta(seconds=SILENT_AFTER_S)
    soon = now + timedelta(seconds=SILENT_AFTER_S)  # beats from further ahead are of a clock that was wrong
    return alive(WorkerBeat.objects.filter(at__gt=lately, at__lt=soon).values_list("host", flat=True))


def alive(found: Iterable[str]) -> list[str]:
    """Leave out those of this machine whose `manage.py up` has ended: their last beat may be a moment old."""
    return sorted(host for host in set(found) if not _has_ended(host))


def _has_ended(host: str) -> bool:
    name, _, pid = host.rpartition(":")
    if name != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False

"""Remove what has been kept long enough, in small steps that hold no lock for long."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from elements.models import Action, Activity, DebugRecord, Element, WorkerBeat

STEP = 500
# A run ends after this long, well before its task would be cut off; the next one goes on a minute later.
RUN_S = 20.0
ACTION_DAYS = 90
ACTIVITY_DAYS = 366

Job = Callable[[], int]


def prune(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Apply every retention: instances, scheduled events, history, Debug records, actions, Activity, sessions.

    Everything gets one step in turn, in an order of its own each time, so that one big backlog keeps nothing else
    waiting however short the run.
    """
    until = clock() + RUN_S
    jobs = [*_of_elements(now), *_of_all(now)]
    random.shuffle(jobs)
    waiting = deque(jobs)
    while waiting and clock() < until:
        job = waiting.popleft()
        if job() >= STEP:
            waiting.append(job)


def _of_elements(now: datetime) -> Iterator[Job]:
    for element in Element.objects.all():
        gone = element.instances.filter(gone_at__lt=_days_ago(now, element.gone_retention_days))
        yield partial(_step, gone, "gone_at")
        ended = element.scheduled_events.filter(cleared_at__lt=_days_ago(now, element.event_retention_days))
        yield partial(_step, ended, "cleared_at")
        past = element.changes.filter(at__lt=_days_ago(now, element.history_retention_days))
        yield partial(_step, past, "at")
        old = element.debug_records.filter(at__lt=_days_ago(now, element.debug_retention_days))
        yield partial(_step, old, "at")
        yield partial(_step_of_surplus, element)


def _of_all(now: datetime) -> Iterator[Job]:
    yield partial(_step_of_actions, _days_ago(now, ACTION_DAYS))
    yield lambda: Activity.objects.forget_before(_days_ago(now, ACTIVITY_DAYS), at_most=STEP)
    yield partial(_step, Session.objects.filter(expire_date__lt=now), "expire_date")
    yield partial(_step, WorkerBeat.objects.filter(at__lt=_days_ago(now, 1)), "at")


def _step(rows: "QuerySet[Any]", oldest_first: str) -> int:
    """Remove the oldest of the rows; return how many were found. The order is that of an index."""
    pks = list(rows.order_by(oldest_first).values_list("pk", flat=True)[:STEP])
    if pks:
        rows.model._default_manager.filter(pk__in=pks).delete()
    return len(pks)


def _step_of_surplus(element: Element) -> int:
    return _step(_surplus_records(element), "pk")


def _surplus_records(element: Element) -> "QuerySet[DebugRecord]":
    """Return the records older than the newest `debug_max_rows`."""
    if not element.debug_max_rows:
        return element.debug_records.all()
    newest = element.debug_records.newest().values_list("pk", flat=True)
    oldest_kept = newest[element.debug_max_rows - 1 : element.debug_max_rows].first()
    if oldest_kept is None:
        return element.debug_records.none()
    return element.debug_records.filter(pk__lt=oldest_kept)


def _step_of_actions(limit: datetime) -> int:
    """Remove old settled actions. They are numbered as they were asked for, so only the first ones are looked at."""
    ended = Action.objects.filter(settled_at__isnull=False).order_by("pk").values_list("pk", "settled_at")
    pks = [pk for pk, settled_at in ended[:STEP] if settled_at and settled_at < limit]
    if pks:
        Action.objects.filter(pk__in=pks).delete()
    return len(pks)


def _days_ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)

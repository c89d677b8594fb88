"""Move a scheduled event's start: note the request, ask AWS once, and keep what it said."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction

from elements.aws.errors import AwsError
from elements.domain.wording import absolute
from elements.models import Activity, Element, Poll, ScheduledEvent
from elements.models.scheduled_events import NOTHING_REQUESTED, ScheduledEventQuerySet
from elements.usecases.connect import KeysMissing, connect

# AWS shows a new start one or two minutes after it took it.
SHOWN_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request; the sentence says why it was refused, or why the outcome is not known."""

    outcome: Literal["moved", "repeated", "overtaken", "refused", "unknown"]
    sentence: str = ""


def reschedule(
    element: Element,
    event: ScheduledEvent,
    start: datetime,
    *,
    seen: datetime | None,
    by: str,
    clock: Callable[[], datetime],
) -> Asked:
    """Ask AWS once to let the event begin at `start`, which was checked against AWS's rules before.

    `seen` is when the last request that the form showed was made: a form sent twice asks AWS once, and one
    that somebody else was faster than asks nothing.
    """
    requested_at = clock()
    with transaction.atomic():
        if not ScheduledEvent.objects.request_move(event, start, by=by, now=requested_at, seen=seen):
            return _too_late(event, start, by)
        _note(element, event, f"asked to begin at {absolute(start, 'm')} UTC", start, by, requested_at)
    return _ask(element, event, start, by=by, requested_at=requested_at, clock=clock)


def name_of(event: ScheduledEvent) -> str:
    """Return `Reboot of playout-b-main`."""
    return f"{event.word} of {event.instance_name or event.instance_id_text}"


def _ask(
    element: Element,
    event: ScheduledEvent,
    start: datetime,
    *,
    by: str,
    requested_at: datetime,
    clock: Callable[[], datetime],
) -> Asked:
    try:
        connect(element, caller=by).modify_event_start(event.instance_id_text, event.event_id, start)
    except KeysMissing as missing:
        return _refused(element, event, str(missing), by, requested_at, clock())
    except AwsError as error:
        if error.definite:
            return _refused(element, event, error.sentence, by, requested_at, clock())
        _own_request(event, requested_at).update(request_error=error.sentence)
        return Asked("unknown", error.sentence)
    soon = clock() + SHOWN_AFTER
    Poll.objects.filter(element=element, due_at__gt=soon).update(due_at=soon)
    return Asked("moved")


def _too_late(event: ScheduledEvent, start: datetime, by: str) -> Asked:
    """Tell a form sent twice from one that somebody else was faster than."""
    row = ScheduledEvent.objects.get(pk=event.pk)
    if start in (row.requested_start_at, row.not_before) and row.requested_by in (by, ""):
        return Asked("repeated")
    if row.requested_start_at is None:
        return Asked("overtaken", "AWS has moved it meanwhile. Nothing was done. Look again.")
    asked_for = absolute(row.requested_start_at, "m")
    return Asked(
        "overtaken", f"{row.requested_by} has asked for {asked_for} UTC meanwhile. Nothing was done. Look again."
    )


def _refused(
    element: Element, event: ScheduledEvent, sentence: str, by: str, requested_at: datetime, now: datetime
) -> Asked:
    with transaction.atomic():
        _own_request(event, requested_at).update(**NOTHING_REQUESTED)
        _note(element, event, f"not moved: {sentence}", None, by, now)
    return Asked("refused", sentence)


def _own_request(event: ScheduledEvent, requested_at: datetime) -> ScheduledEventQuerySet:
    return ScheduledEvent.objects.filter(pk=event.pk, requested_at=requested_at)


def _note(element: Element, event: ScheduledEvent, text: str, start: datetime | None, by: str, now: datetime) -> None:
    old = absolute(event.not_before, "m") if event.not_before else ""
    Activity.objects.note(
        by=by,
        kind="action",
        text=f"{name_of(event)} {text}",
        now=now,
        element=element,
        instance_id=event.instance_id_text,
        changes={"Starts": [old, absolute(start, "m")]} if start else None,
    )

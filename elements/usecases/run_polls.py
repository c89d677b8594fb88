"""Decide which elements are read now, by whom, and never twice at once."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from elements.domain.lanes import BIG, LANES, QUICK, Batch, DuePoll, lane, plan
from elements.domain.traces import POLL, traced
from elements.models import Element, Poll, WorkerBeat
from elements.models.polls import LeaseLost
from elements.models.statements import Statement
from elements.usecases.leases import LEASE_S, kept
from elements.usecases.poll_element import ElementPoll, PollReport, Superseded, failure_values
from elements.usecases.side_by_side import SideBySide, running

log = logging.getLogger(__name__)

# Of this process, those that AWS keeps waiting included; more would cost more than they bring.
MOST_AT_ONCE = 48
CUT_OFF = (
    f"The last poll was not finished: the worker that ran it stopped, or stood still for more than {LEASE_S:.0f} s."
)

_WITHOUT_POLL = Statement(lambda: Element.objects.filter(poll__isnull=True).values_list("pk", flat=True))


def ensure() -> None:
    """Add the Poll row of elements that have none, due at once."""
    rows = [Poll(element_id=pk, due_at=timezone.now()) for pk in _WITHOUT_POLL.rows()]
    if rows:
        Poll.objects.bulk_create(rows, ignore_conflicts=True)


def claim_batches(now: datetime) -> list[Batch]:
    """Win the polls that are due and return them in batches for the queue.

    Of the big elements only so many are read at once that each host has a worker left for the others.
    """
    batches: list[Batch] = []

    def choose(due: Sequence[DuePoll]) -> list[int]:
        batches.extend(plan(due, room=_room_for_big(now) if any(lane(poll) is BIG for poll in due) else 0))
        return [pk for batch in batches for pk in batch.element_ids]

    Poll.objects.claim_due(now, choose=choose)
    return batches


def run_batch(element_ids: Collection[int], lane_name: str = QUICK.name, *, caller: str) -> None:
    """Poll the elements that are still queued side by side, each in a thread.

    Returns when all are done but those that take too long for their lane: they go on by themselves under their
    leases, so that a silent AWS never holds up the worker. When too many of them already do so, nothing is begun.
    """
    chosen = LANES[lane_name]
    if chosen is not QUICK and running() >= MOST_AT_ONCE:
        Poll.objects.put_back(element_ids)
        return
    jobs = [partial(_poll_quietly, pk, caller) for pk in element_ids]
    SideBySide(jobs, at_once=chosen.at_once, patience_s=chosen.patience_s).run()


def poll_once(element_id: int, *, caller: str, now: datetime, queued: bool = False) -> PollReport | None:
    """Poll an element under its lease; with `queued` only if it is queued and nobody took it up.

    None when it is paused, deleted, being read by another, or got another source meanwhile: it is due then.
    """
    token = _leased(element_id, now, queued)
    # read under the lease, so that nothing of it is of before another's poll
    element = Element.objects.to_poll(element_id) if token else None
    if token is None or element is None:
        return None
    with traced(POLL):
        return _poll(element, token, caller=caller, now=now)


def poll_in_turn(
    element: Element, *, caller: str, patience_s: float, clock: Callable[[], datetime]
) -> PollReport | None:
    """Poll an element now, waiting until nobody else reads it.

    None when the wait took too long, or it was paused or deleted meanwhile.
    """
    until = time.monotonic() + patience_s
    while True:
        report = poll_once(element.pk, caller=caller, now=clock())
        if report is not None or time.monotonic() >= until:
            return report
        if not Element.objects.filter(pk=element.pk, paused=False).exists():
            return None
        time.sleep(0.2)


def give_up_lost(now: datetime) -> None:
    """Note a failure for every poll whose lease ran out, so that silence is said, and let it be tried again.

    It is due at once, for it says nothing about AWS; only one that is lost each time waits longer and longer.
    """
    for poll in Poll.objects.lost(now):
        values = failure_values(poll, "CutOff", CUT_OFF, now=now, interval_s=poll.element.interval_s)
        if not poll.failures:
            values["due_at"] = now
        recent = poll.with_result(now, "failed", int(LEASE_S * 1000))
        Poll.objects.filter(pk=poll.pk, lease=poll.lease, leased_until=poll.leased_until).update(
            lease="",
            leased_until=None,
            attempted_at=poll.started_at,
            recent=recent,
            polls_total=F("polls_total") + 1,
            **values,
        )


def _poll(element: Element, token: str, *, caller: str, now: datetime) -> PollReport | None:
    """Poll under a lease, and give it back however that ends."""
    try:
        with kept(token):
            return ElementPoll(element, token, caller=caller, now=now).run()
    except (Element.DoesNotExist, Poll.DoesNotExist):
        log.info("element %s was deleted during its poll", element.pk)
    except Superseded:
        log.info("element %s got other keys or another address during its poll", element.pk)
        Poll.objects.filter(element=element, lease=token).update(lease="", leased_until=None, due_at=now)
    except LeaseLost:
        log.warning("the poll of element %s stood still too long; another worker has taken over", element.pk)
    except Exception:
        log.exception("the poll of element %s ended unexpectedly", element.pk)
        return _note_bug(element, token)
    except KeyboardInterrupt:
        Poll.objects.filter(element=element, lease=token).update(lease="", leased_until=None)
        raise
    return None


def _poll_quietly(element_id: int, caller: str) -> None:
    """Run one queued poll in a thread: the outermost edge of a batch, where what went wrong is logged."""
    try:
        if poll_once(element_id, caller=caller, now=timezone.now(), queued=True) is None:
            Poll.objects.put_back([element_id])  # another reads it, or it was paused: it is due when that is over
    except Exception:
        log.exception("the poll of element %s could not be run", element_id)


def _leased(element_id: int, now: datetime, queued: bool) -> str | None:
    """Win the lease of an element that may be read."""
    interval_s = Poll.objects.pace(element_id, now)
    if interval_s is None:
        return None
    return Poll.objects.lease(element_id, now=now, seconds=LEASE_S, interval_s=interval_s, queued=queued)


def _room_for_big(now: datetime) -> int:
    hosts = max(1, WorkerBeat.objects.hosts("default", now))
    return hosts * max(1, settings.WORKERS - 1) - Poll.objects.big_under_way(now)


def _note_bug(element: Element, token: str) -> PollReport:
    """Make an unexpected error visible on the page at once instead of when the lease runs out."""
    code, text = "InternalError", "ec2mon could not store the answer. The log of the worker says why."
    poll = Poll.objects.filter(element=element, lease=token).first()
    if poll is not None:
        values = failure_values(poll, code, text, now=timezone.now(), interval_s=element.interval_s)
        values["polls_total"] = F("polls_total") + 1
        Poll.objects.filter(pk=poll.pk, lease=token).update(lease="", leased_until=None, **values)
    return PollReport(element.name, element.region, ok=False, error_code=code, error=text)

"""Decide which elements are read now, by whom, and never twice at once."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import connection
from django.utils import timezone

from elements.models import Element, Poll
from elements.models.polls import LeaseLost
from elements.usecases.poll_element import LEASE_S, ElementPoll, PollReport, Superseded, failure_values

log = logging.getLogger(__name__)

# One element's thread may hang; the others of its batch, and the next batch, must not wait for it. The lease keeps it
# to one thread for each element, and the end of each attempt keeps that thread from staying.
BATCH_SIZE = 20
PATIENCE_S = 2.0
CUT_OFF = (
    f"The last poll was not finished: the worker that ran it stopped, or stood still for more than {LEASE_S:.0f} s."
)


def ensure() -> None:
    """Add the Poll row of elements that have none, due at once."""
    missing = Element.objects.filter(poll__isnull=True).values_list("pk", flat=True)
    rows = [Poll(element_id=pk, due_at=timezone.now()) for pk in missing]
    if rows:
        Poll.objects.bulk_create(rows, ignore_conflicts=True)


def claim_batches(now: datetime) -> list[list[int]]:
    """Win the polls that are due and return their element ids in batches for the queue."""
    won = Poll.objects.claim_due(now)
    return [list(won[start : start + BATCH_SIZE]) for start in range(0, len(won), BATCH_SIZE)]


def run_batch(element_ids: Iterable[int], *, caller: str) -> None:
    """Poll the elements that are still queued side by side, each in its own thread.

    Returns when all are done, or after PATIENCE_S: what still hangs then goes on by itself under its lease, so
    that a silent AWS never holds up the worker.
    """
    threads = [
        threading.Thread(target=_poll_quietly, args=(pk, caller), daemon=True, name=f"poll-{pk}") for pk in element_ids
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def poll_once(element_id: int, *, caller: str, now: datetime) -> PollReport | None:
    """Poll an element under its lease.

    None when it is paused, deleted, being read by another, or got another source meanwhile: it is due then.
    """
    element = Element.objects.filter(pk=element_id, paused=False).first()
    token = Poll.objects.lease(element_id, now=now, seconds=LEASE_S) if element else None
    if element is None or token is None:
        return None
    try:
        return ElementPoll(element, token, caller=caller, now=now).run()
    except (Element.DoesNotExist, Poll.DoesNotExist):
        log.info("element %s was deleted during its poll", element_id)
    except Superseded:
        log.info("element %s got other keys or another address during its poll", element_id)
        Poll.objects.filter(element_id=element_id, lease=token).update(lease="", leased_until=None, due_at=now)
    except LeaseLost:
        log.warning("the poll of element %s stood still too long; another worker has taken over", element_id)
    except Exception:
        log.exception("the poll of element %s ended unexpectedly", element_id)
        return _note_bug(element, token)
    except KeyboardInterrupt:
        Poll.objects.filter(element_id=element_id, lease=token).update(lease="", leased_until=None)
        raise
    return None


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
    lost = Poll.objects.filter(leased_until__lte=now).exclude(lease="").with_interval()
    for poll in lost:
        values = failure_values(poll, "CutOff", CUT_OFF, now=now, interval_s=poll.element.interval_s)
        if not poll.failures:
            values["due_at"] = now
        recent = poll.with_result(now, "failed", int(LEASE_S * 1000))
        Poll.objects.filter(pk=poll.pk, lease=poll.lease, leased_until=poll.leased_until).update(
            lease="", leased_until=None, attempted_at=poll.started_at, recent=recent, **values
        )


def _poll_quietly(element_id: int, caller: str) -> None:
    """Run one queued poll in a thread: the outermost edge of a batch, where what went wrong is logged."""
    try:
        # a task that comes late finds that another has polled meanwhile, and has nothing to do
        if Poll.objects.unqueue(element_id):
            poll_once(element_id, caller=caller, now=timezone.now())
    except Exception:
        log.exception("the poll of element %s could not be run", element_id)
    finally:
        connection.close()


def _note_bug(element: Element, token: str) -> PollReport:
    """Make an unexpected error visible on the page at once instead of when the lease runs out."""
    code, text = "InternalError", "ec2mon could not store the answer. The log of the worker says why."
    poll = Poll.objects.filter(element=element, lease=token).first()
    if poll is not None:
        values = failure_values(poll, code, text, now=timezone.now(), interval_s=element.interval_s)
        Poll.objects.filter(pk=poll.pk, lease=token).update(lease="", leased_until=None, **values)
    return PollReport(element.name, element.region, ok=False, error_code=code, error=text)

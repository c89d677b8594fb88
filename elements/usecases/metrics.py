"""Gather the figures of /metrics: those of the page System, of each element too, in a few statements."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.db.models import Count

from elements.domain.connections import CONNECTED, LATE, NEW, NOT_CONNECTED, PAUSED
from elements.domain.exposition import COUNTER, GAUGE, SUMMARY, Family, Sample
from elements.domain.machinery import PARTS, Queue
from elements.models import Action, Element, Poll
from elements.models.actions import OPEN
from elements.usecases.machinery import gather, lateness_s

_STATES = (CONNECTED, LATE, NOT_CONNECTED, PAUSED, NEW)
_ENDED = tuple(status for status, _ in Action.STATUSES if status not in OPEN)
_UNSHOWN = ("poll__recent", "poll__failure_text", "poll__status_failure_text", "account_arn")

Pairs = Sequence[tuple[Element, Poll]]


def metrics(now: datetime, queues: Sequence[Queue]) -> list[Family]:
    """Return every figure, for elements by their address."""
    elements = list(Element.objects.with_poll().defer(*_UNSHOWN))
    polls = [(one, one.poll) for one in elements if getattr(one, "poll", None)]
    return [*_machinery(now, queues, elements), *_polls(polls, now), *_totals(polls), *_actions(polls)]


def _machinery(now: datetime, queues: Sequence[Queue], elements: Sequence[Element]) -> Iterator[Family]:
    state = gather(now, queues, elements)
    known = [queue for queue in queues if queue.waiting is not None]
    beats = [Sample(_age_s(beat.at, now), {"queue": beat.queue, "host": beat.host}) for beat in state.beats]
    working = [Sample(int(not state.is_silent(state.last_beat(name))), {"queue": name}) for name in PARTS]
    yield _gauge("working", "1 while the clock, or the workers of a queue, prove to work on any host", working)
    yield _gauge("beat_age_seconds", "since the last proof that a host works on a queue, or is the clock", beats)
    yield _gauge("queue_readable", "1 while the queue answers", [_of(q, int(q.waiting is not None)) for q in queues])
    yield _gauge("queue_tasks", "tasks that wait for a worker", [_of(q, q.waiting or 0) for q in known])
    yield _gauge("queue_age_seconds", "how long the oldest task waits", [_of(q, state.waited_s(q)) for q in known])
    yield _gauge("polls_due", "polls whose time has come and which nobody reads", [Sample(state.polls.due)])
    yield _gauge("budgets_slowed", "budgets of requests below their full rate", [Sample(len(state.slowed))])


def _polls(polls: Pairs, now: datetime) -> Iterator[Family]:
    """Say how the polls of each element are; what is not known yet is left out."""
    reached = [(one, poll, poll.succeeded_at) for one, poll in polls if poll.succeeded_at]
    ages = [_at(one, _age_s(at, now)) for one, _, at in reached]
    late = [_at(one, lateness_s(one, poll, now)) for one, poll in polls if not one.paused]
    took = [_at(one, poll.duration_ms / 1000) for one, poll in polls if poll.duration_ms is not None]
    states = [(one, one.connection(now)) for one, _ in polls]
    yield _gauge("poll_age_seconds", "since the last good poll began", ages)
    yield _gauge("poll_lateness_seconds", "by how much the element's poll is late", late)
    yield _gauge("poll_last_duration_seconds", "how long the last poll took", took)
    yield _gauge("poll_failures_in_a_row", "polls failed since the last good one", _each(polls, lambda p: p.failures))
    yield _gauge(
        "element_connection",
        "1 for the state that the element's connection is in",
        [_at(one, int(found == state), state=state.state) for one, found in states for state in _STATES],
    )
    counts = ("running", "stopped", "changing")
    yield _gauge(
        "instances",
        "instances by what they do, as last read",
        [_at(one, poll.counts.get(name, 0), state=name) for one, poll in polls for name in counts],
    )
    failing = _each(polls, lambda poll: poll.counts.get("failing", 0))
    yield _gauge("instances_failing", "instances that fail status checks, as last read", failing)
    events = _each(polls, lambda poll: poll.counts.get("events", 0))
    yield _gauge("scheduled_events", "scheduled events that are not over, as last read", events)


def _totals(polls: Pairs) -> Iterator[Family]:
    failures = _each(polls, lambda poll: poll.failures_total)
    throttles = _each(polls, lambda poll: poll.throttles_total)
    took = [
        sample
        for one, poll in polls
        for sample in (
            Sample(poll.busy_ms_total / 1000, {"element": one.slug}, "_sum"),
            Sample(poll.polls_total, {"element": one.slug}, "_count"),
        )
    ]
    yield Family("ec2mon_poll_duration_seconds", SUMMARY, "polls that ended, and how long they took", took)
    yield Family("ec2mon_poll_failures_total", COUNTER, "polls that failed", failures)
    calls = _each(polls, lambda poll: poll.calls_total)
    yield Family("ec2mon_aws_calls_total", COUNTER, "requests sent to AWS, retries included", calls)
    yield Family("ec2mon_aws_throttles_total", COUNTER, "requests that AWS throttled", throttles)


def _actions(polls: Pairs) -> Iterator[Family]:
    """Count actions: those that are kept, and of the ended ones those that were removed since."""
    found: dict[tuple[int, str], int] = {
        (element, status): number
        for element, status, number in Action.objects.order_by()
        .values_list("element_id", "status")
        .annotate(number=Count("pk"))
    }
    ended = [
        _at(one, found.get((one.pk, status), 0) + poll.removed_actions.get(status, 0), outcome=status)
        for one, poll in polls
        for status in _ENDED
    ]
    under_way = [_at(one, sum(found.get((one.pk, status), 0) for status in OPEN)) for one, _ in polls]
    yield Family("ec2mon_actions_total", COUNTER, "actions that ended, by outcome", ended)
    yield _gauge("actions_open", "actions that have not ended", under_way)


def _age_s(at: datetime, now: datetime) -> float:
    """Return an age; what is ahead of now is of a clock that was put back, and no younger for it."""
    return abs((now - at).total_seconds())


def _each(polls: Pairs, value: Callable[[Poll], float]) -> list[Sample]:
    return [_at(one, value(poll)) for one, poll in polls]


def _at(element: Element, value: float, **labels: str) -> Sample:
    return Sample(value, {"element": element.slug, **labels})


def _of(queue: Queue, value: float) -> Sample:
    return Sample(value, {"queue": queue.name})


def _gauge(name: str, text: str, samples: Sequence[Sample]) -> Family:
    return Family(f"ec2mon_{name}", GAUGE, text, samples)

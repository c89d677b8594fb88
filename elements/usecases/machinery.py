"""Gather the state of the machinery for the page System and the check: a few statements, however many elements."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from elements.domain import machinery as m
from elements.domain.budgets import RECOVERY_S, speed
from elements.models import CallBudget, Element, Poll, WorkerBeat


def gather(now: datetime, queues: Sequence[m.Queue], elements: Iterable[Element]) -> m.Machinery:
    """Return what can be said now; the elements come with their Poll rows."""
    beats = [m.Beat(*row) for row in WorkerBeat.objects.order_by("host", "queue").values_list("queue", "host", "at")]
    every = list(elements)
    return m.Machinery(now, queues, beats, _polls(every, now), _slowed(every, now))


def _polls(every: Sequence[Element], now: datetime) -> m.Polls:
    polls: list[tuple[Element, Poll]] = [
        (one, one.poll) for one in every if not one.paused and getattr(one, "poll", None)
    ]
    states = [one.connection(now).state for one, _ in polls]
    late = [lateness_s(one, poll, now) for one, poll in polls]
    return m.Polls(
        polled=len(polls),
        paused=sum(one.paused for one in every),
        due=sum(poll.due_at <= now and not _is_kept(one, poll, now) for one, poll in polls),
        late=states.count("late"),
        not_connected=states.count("not-connected"),
        p50_s=m.percentile(late, 50),
        p95_s=m.percentile(late, 95),
        max_s=max(late, default=None),
    )


def lateness_s(one: Element, poll: Poll, now: datetime) -> float:
    """Return by how much the poll of an element is late."""
    return m.lateness_s(
        now,
        due_at=poll.due_at,
        is_read=_is_kept(one, poll, now),
        succeeded_at=poll.succeeded_at,
        failures=poll.failures,
        interval_s=poll.paced_interval_s(one.interval_s, now),
    )


def _is_kept(one: Element, poll: Poll, now: datetime) -> bool:
    """Tell whether nobody may begin to read the element: another reads it, or it is emptied after a move."""
    return one.cleared_at is not None or (poll.leased_until is not None and poll.leased_until > now)


def _slowed(elements: Sequence[Element], now: datetime) -> list[m.Slowed]:
    """Return the budgets of the elements that have not recovered yet, whoever looked at them last."""
    shared = {(one.budget_account, one.region) for one in elements}
    since = now.timestamp() - RECOVERY_S
    found = []
    for row in CallBudget.objects.filter(lowered_at__gt=since).order_by("account", "region", "kind"):
        part = speed(row.lowered_to, now.timestamp() - row.lowered_at)
        if part < 1 and (row.account, row.region) in shared:
            whole_at = datetime.fromtimestamp(row.lowered_at, UTC) + timedelta(
                seconds=(1 - row.lowered_to) * RECOVERY_S
            )
            found.append(m.Slowed(row.account, row.region, row.kind, int(part * 100), whole_at))
    return found

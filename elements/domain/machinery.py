"""The state of ec2mon's own machinery, and in words what is wrong with it and what to do."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from elements.domain.budgets import DESCRIBE, START, WRITE
from elements.domain.wording import NB, account, plural, span

CLOCK = "clock"
# Each queue, with what waits in it.
QUEUES = {"default": "polls", "ops": "actions"}
PARTS = (CLOCK, *QUEUES)
SILENT_AFTER_S = QUEUE_LATE_S = 60.0
POLLS_LATE_S = 30.0
# No beat is so far ahead of now: what says so was written by a clock that was wrong, and proves nothing.
AHEAD_S = 120.0
_TONES = {"crit": ("s-alert", "Wrong"), "warn": ("c-late", "Look at it"), "ok": ("s-ok", "Works")}


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a queue; None where the queue did not answer."""

    name: str
    waiting: int | None
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """The last proof that the clock or the workers of a queue work on a host."""

    queue: str
    host: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Polls:
    """How the polls of all elements keep their times; latenesses in seconds, None without any."""

    polled: int
    paused: int
    due: int
    late: int
    not_connected: int
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


@dataclass(frozen=True, slots=True)
class Slowed:
    """A budget of requests that is below its full rate since AWS throttled."""

    account: str
    region: str
    kind: str
    percent: int
    whole_at: datetime

    @property
    def shown(self) -> str:
        """Return whose budget it is."""
        if self.account.isdecimal():
            return f"account {account(self.account)} in {self.region}"
        return f"an access key whose account is not known yet in {self.region}"

    @property
    def requests(self) -> str:
        """Return what the budget is for."""
        return {DESCRIBE: "listings", WRITE: "stop, reboot and reschedule", START: "start"}.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Machinery:
    """What was measured at one moment."""

    now: datetime
    queues: Sequence[Queue]
    beats: Sequence[Beat]
    polls: Polls
    slowed: Sequence[Slowed]

    def last_beat(self, queue: str) -> datetime | None:
        """Return when the clock, or the workers of a queue, last proved to work on any host."""
        found = [beat.at for beat in self.beats if beat.queue == queue]
        return max(found, key=lambda at: (not is_ahead(at, self.now), at), default=None)

    def is_silent(self, at: datetime | None) -> bool:
        """Tell whether a beat is too old to prove anything."""
        return is_silent(at, self.now)

    def waited_s(self, queue: Queue) -> float:
        """Return how long the oldest task of a queue waits."""
        return max(0.0, (self.now - queue.oldest_at).total_seconds()) if queue.oldest_at else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what, and what to do."""

    tone: str
    text: str
    advice: str
    about: str

    @property
    def icon(self) -> str:
        """Return the glyph of its weight."""
        return _TONES[self.tone][0]

    @property
    def word(self) -> str:
        """Return the word of its weight."""
        return _TONES[self.tone][1]


def is_silent(at: datetime | None, now: datetime) -> bool:
    """Tell whether a beat proves nothing: there was none, or it is too old, or of a clock that was wrong."""
    return at is None or is_ahead(at, now) or (now - at).total_seconds() > SILENT_AFTER_S


def is_ahead(at: datetime, now: datetime) -> bool:
    """Tell whether only a clock that was wrong can have said so."""
    return (at - now).total_seconds() > AHEAD_S


def lateness_s(
    now: datetime, *, due_at: datetime, is_read: bool, succeeded_at: datetime | None, failures: int, interval_s: float
) -> float:
    """Return by how much a poll is late: past its time without being read, or its last success an interval ago.

    One that fails succeeds no sooner for being begun in time, so only when it is due counts.
    """
    overdue = 0.0 if is_read else (now - due_at).total_seconds()
    if succeeded_at is not None and not failures:
        overdue = max(overdue, (now - succeeded_at).total_seconds() - interval_s)
    return max(0.0, overdue)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that so many per cent do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else None


def figures(state: Machinery) -> list[str]:
    """Return in a line each how old queues are, when clock and workers worked last, and how late polls are."""
    lines = []
    for queue in state.queues:
        waits = "cannot be read" if queue.waiting is None else f"{plural(queue.waiting, 'task')} waiting"
        age = f", the oldest for {span(state.waited_s(queue))}" if queue.waiting else ""
        lines.append(f"queue {queue.name} ({QUEUES[queue.name]}): {waits}{age}")
    lines.append(f"clock: {_last(state, state.last_beat(CLOCK))}")
    workers = [beat for beat in state.beats if beat.queue != CLOCK]
    lines += [f"workers of {beat.queue} on {beat.host}: {_last(state, beat.at)}" for beat in workers]
    late = "none yet" if state.polls.p95_s is None else f"p95 {span(state.polls.p95_s)} late"
    return [*lines, f"polls of {plural(state.polls.polled, 'element')}: {late}"]


def findings(state: Machinery) -> list[Finding]:
    """Return what is wrong, what stops polls and actions first."""
    found = [*stoppages(state), *_hosts(state), *_polls(state.polls), *_slowed(state)]
    return sorted(found, key=lambda each: each.tone != "crit")


def stoppages(state: Machinery) -> Iterator[Finding]:
    """Return what keeps polls and actions from being done."""
    yield from _clock(state)
    for queue in state.queues:
        yield from _workers(state, queue.name)
        yield from _queue(state, queue)


def _clock(state: Machinery) -> Iterator[Finding]:
    at = state.last_beat(CLOCK)
    if state.is_silent(at):
        text = f"No clock ticks: {_last(state, at)}."
        advice = (
            "Start ec2mon with manage.py up, or on one of several hosts manage.py up --only clock. Without one polls"
            " begin once a minute, and only where workers run."
        )
        yield Finding("crit", text, advice, CLOCK)


def _workers(state: Machinery, queue: str) -> Iterator[Finding]:
    at = state.last_beat(queue)
    if state.is_silent(at):
        text = f"No worker takes {QUEUES[queue]} from the queue {queue}: {_last(state, at)}."
        advice = (
            "Start ec2mon with manage.py up, or on a host for workers manage.py up --only workers. Its log says why."
        )
        yield Finding("crit", text, advice, queue)


def _queue(state: Machinery, queue: Queue) -> Iterator[Finding]:
    if queue.waiting is None:
        advice = "See that Redis runs and that REDIS_URL is right. What was asked for is stored and follows then."
        yield Finding("crit", f"The queue {queue.name} cannot be read.", advice, queue.name)
    elif state.waited_s(queue) > QUEUE_LATE_S:
        text = (
            f"The queue {queue.name} is {span(state.waited_s(queue))} old: {plural(queue.waiting, 'task')} with"
            f" {QUEUES[queue.name]} {'waits' if queue.waiting == 1 else 'wait'} for a worker."
        )
        advice = (
            "Raise WORKERS in .env where processors are idle, or add a host for workers; their logs say what is slow."
        )
        yield Finding("warn", text, advice, queue.name)


def _hosts(state: Machinery) -> Iterator[Finding]:
    alive = {beat.queue for beat in state.beats if not state.is_silent(beat.at)}
    for beat in state.beats:
        if beat.queue in alive and state.is_silent(beat.at):
            what = "clock" if beat.queue == CLOCK else f"workers of the queue {beat.queue}"
            text = f"The {what} on {beat.host}: {_last(state, beat.at)}. Others do its work."
            advice = "Look at the log on that host. If it was taken away, this line goes a day after its last beat."
            yield Finding("warn", text, advice, "hosts")


def _polls(polls: Polls) -> Iterator[Finding]:
    if polls.p95_s is not None and polls.p95_s > POLLS_LATE_S:
        text = f"One poll in twenty is at least {span(polls.p95_s)} late."
        advice = "Raise WORKERS in .env, add a host for workers, or give large elements a longer interval."
        yield Finding("warn", text, advice, "polls")
    if polls.not_connected:
        text = f"{plural(polls.not_connected, 'element is', 'elements are')} not connected."
        yield Finding("warn", text, "The page General of each says why and what to do.", "polls")


def _slowed(state: Machinery) -> Iterator[Finding]:
    for each in state.slowed:
        left = span(max(0.0, (each.whole_at - state.now).total_seconds()))
        text = (
            f"AWS throttled {each.shown}: {each.percent}{NB}% of the budget for {each.requests} is used, all in {left}."
        )
        advice = (
            "Nothing need be done. If it comes back, other programs use up the account's limit: lower"
            " REQUEST_BUDGET_PERCENT, or poll less often."
        )
        yield Finding("warn", text, advice, "budgets")


def _last(state: Machinery, at: datetime | None) -> str:
    if at is None:
        return "there was no beat within the last day"
    if is_ahead(at, state.now):
        return "the last beat is of a clock that was wrong"
    return f"the last beat was {span((state.now - at).total_seconds())} ago"


def spread(values: Iterable[int]) -> str:
    """Return the least and the largest of some numbers of days: `7 days`, `3 to 30 days`, nothing without any."""
    every = set(values)
    if not every:
        return ""
    return plural(every.pop(), "day") if len(every) == 1 else f"{min(every)} to {plural(max(every), 'day')}"

"""When an element is connected, late, not connected, paused or new (the rules of the interface guide, 3.3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from elements.domain.wording import duration, interval

NOT_CONNECTED_AFTER_FAILURES = 3
NOT_CONNECTED_AFTER_INTERVALS = 5
NOT_CONNECTED_AT_LEAST_S = 120
LATE_GRACE_S = 5


@dataclass(frozen=True, slots=True)
class Connection:
    """The state of an element's connection to AWS and its look."""

    state: str
    word: str
    tone: str
    icon: str


CONNECTED = Connection("connected", "Connected", "ok", "c-ok")
LATE = Connection("late", "Late", "warn", "c-late")
NOT_CONNECTED = Connection("not-connected", "Not connected", "crit", "c-fail")
PAUSED = Connection("paused", "Polling paused", "idle", "c-paused")
NEW = Connection("new", "Waiting for first poll", "idle", "c-new")


@dataclass(frozen=True, slots=True)
class PollFacts:
    """What the rules look at: times of the last success, the run of failures, and its kind."""

    paused: bool
    interval_s: int
    succeeded_at: datetime | None
    failures: int
    refused: bool
    throttled: bool


def connection(facts: PollFacts, now: datetime) -> Connection:
    """Return the connection state at a moment."""
    if facts.paused:
        return PAUSED
    if facts.refused or facts.failures >= NOT_CONNECTED_AFTER_FAILURES:
        return NOT_CONNECTED
    if facts.succeeded_at is None:
        return LATE if facts.failures else NEW
    age = abs(now - facts.succeeded_at)  # one ahead of now is of a clock that was put back, and says no more
    limit_s = max(NOT_CONNECTED_AFTER_INTERVALS * facts.interval_s, NOT_CONNECTED_AT_LEAST_S)
    if age > timedelta(seconds=limit_s):
        return NOT_CONNECTED
    if facts.throttled or age > timedelta(seconds=2 * facts.interval_s + LATE_GRACE_S):
        return LATE
    return CONNECTED


def why_late(duration_ms: int | None, interval_s: int) -> str:
    """Return why data is late though no poll failed."""
    if duration_ms and duration_ms > interval_s * 1000:
        longer = f"A poll takes {duration(duration_ms)}, longer than the interval of {interval(interval_s)}."
        return f"{longer} Polls follow each other without a gap; choose a longer interval on Configuration."
    return "The last poll takes longer than usual, or no worker was free for it."

"""Actions in words: how one looks in a row, and how the instances asked together look in the dock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from elements.domain.actions import LAG
from elements.domain.instance_states import RULES, StateView, Verb
from elements.domain.wording import grouped, plural, span

SLOW_AFTER = LAG
_UNDER_WAY = {"start": "s-pending", "stop": "s-stopping", "reboot": "i-reboot"}


def action_view(
    verb: Verb, status: str, *, requested_at: datetime, answered_at: datetime | None, now: datetime
) -> StateView | None:
    """Return how a row shows an action instead of the instance's state; None when the state says it all.

    Without AWS's answer nothing is known, so the state stays what it was.
    """
    rule = RULES[verb]
    if status in ("requested", "sent"):
        return StateView(f"{rule.word} requested", "busy", "c-late")
    if status == "accepted":
        waited = now - (answered_at or requested_at)
        if waited >= SLOW_AFTER:
            text = f"Still {rule.doing.lower()}, after {span(waited.total_seconds())}"
            return StateView(text, "warn", _UNDER_WAY[verb])
        return StateView(rule.doing, "busy", _UNDER_WAY[verb])
    if status in ("failed", "refused", "expired"):
        return StateView(f"{rule.word} failed", "crit", "s-alert")
    if status == "unknown":
        return StateView(f"Outcome of {rule.word.lower()} unknown", "idle", "s-unknown")
    return None


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """How the instances that were asked together stand; `name` is that of the only one, "" for several."""

    verb: Verb
    name: str
    total: int
    done: int
    failed: int
    unknown: int
    unanswered: int
    requested_at: datetime
    answered_at: datetime | None
    settled_at: datetime | None

    @property
    def open(self) -> int:
        """Return how many have not ended."""
        return self.total - self.done - self.failed - self.unknown


@dataclass(frozen=True, slots=True)
class BatchWords:
    """What the dock says: a tone, and a title around the instance's name, which is not ours to order."""

    tone: str
    lead: str
    tail: str


def batch_words(facts: BatchFacts, now: datetime) -> BatchWords:
    """Say how the instances that were asked together stand."""
    return _under_way(facts, now) if facts.open else _ended(facts)


def took(facts: BatchFacts) -> str:
    """Return how long all of it took, "" while it goes on."""
    if facts.settled_at is None or facts.open:
        return ""
    return span((facts.settled_at - facts.requested_at).total_seconds())


def _under_way(facts: BatchFacts, now: datetime) -> BatchWords:
    doing = RULES[facts.verb].doing
    waited = now - (facts.answered_at or facts.requested_at)
    if facts.unanswered == facts.open:
        return BatchWords("warn", f"AWS did not answer the request to {facts.verb} ", _count(facts))
    if waited >= SLOW_AFTER:
        after = f", after {span(waited.total_seconds())}"
        some = f"{grouped(facts.open)} of " if facts.open < facts.total else ""
        return BatchWords("warn", f"Still {doing.lower()} {some}", _count(facts) + after)
    counts = (facts.done, "done"), (facts.failed + facts.unknown, "failed")
    return BatchWords("busy", f"{doing} ", _count(facts) + _listed(counts))


def _ended(facts: BatchFacts) -> BatchWords:
    rule = RULES[facts.verb]
    if facts.done == facts.total:
        return BatchWords("ok", "", f"{_count(facts)} {rule.done}")
    if facts.total == 1:
        tail = " failed" if facts.failed else " may or may not have worked"
        return BatchWords("crit" if facts.failed else "warn", f"{rule.word} of ", tail)
    tail = _listed(((facts.failed, "failed"), (facts.unknown, "unknown")))
    if not facts.done:
        return BatchWords("crit" if facts.failed else "warn", "", f"None of {_count(facts)} {rule.done}{tail}")
    return BatchWords("warn", f"{grouped(facts.done)} of ", f"{_count(facts)} {rule.done}{tail}")


def _count(facts: BatchFacts) -> str:
    return plural(facts.total, "instance") if facts.total > 1 else ""


def _listed(counts: Iterable[tuple[int, str]]) -> str:
    return "".join(f", {grouped(number)} {word}" for number, word in counts if number)

"""History: what counts as a change of an instance, when it happened, and which request made it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from elements.domain.check_words import CHECKS
from elements.domain.connections import LATE_GRACE_S
from elements.domain.instance_states import RULES, Verb

Kind = Literal["new", "state", "gone", "back", "check", "event", "gap"]
KINDS: tuple[Kind, ...] = get_args(Kind)

GONE, CLEARED = "gone", "cleared"
USER_SHUTDOWN = "Client.UserInitiatedShutdown"
# AWS stamps a change to the second, and by a clock of its own.
SLACK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Difference:
    """One change before it is stored; the fields are those of a Change."""

    instance_id: str
    kind: Kind
    at: datetime
    before: str = ""
    after: str = ""
    what: str = ""
    event_id: str = ""
    from_at: datetime | None = None
    to_at: datetime | None = None
    action_pk: int | None = None
    by: str = ""
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What was held of an instance: its state, its checks in the order of CHECKS, and when it was last written."""

    state: str
    checks: tuple[str, str, str]
    observed_at: datetime
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of an instance through ec2mon, from when AWS was asked until it ended; None while it goes on."""

    pk: int
    instance_id: str
    verb: Verb
    by: str
    reason_before: str
    sent_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What is known of a scheduled event: its stage, or that AWS stopped listing it, and its start."""

    stage: str
    starts_at: datetime | None


def newcomer(values: Mapping[str, Any], *, last_read_at: datetime, read_at: datetime) -> Difference:
    """Return that AWS lists an instance which it did not list at the last read."""
    launched_at = values["launched_at"]
    at = launched_at if launched_at and last_read_at < launched_at <= read_at else read_at
    return Difference(values["instance_id"], "new", at, after=values["state"])


def missing(instance_id: str, state: str, at: datetime) -> Difference:
    """Return that AWS no longer lists an instance."""
    return Difference(instance_id, "gone", at, before=state, after=GONE)


def differences(before: Before, values: Mapping[str, Any], read_at: datetime) -> list[Difference]:
    """Return what changed between what was held of an instance and a row of new values.

    Without status columns in the new values nothing is said about checks.
    """
    found = []
    if before.is_gone:
        found.append(Difference(values["instance_id"], "back", read_at, before=GONE, after=values["state"]))
    elif before.state != values["state"]:
        found.append(
            Difference(
                values["instance_id"],
                "state",
                _within(values["state_since_at"], before.observed_at, read_at),
                before=before.state,
                after=values["state"],
                reason_code=values["state_reason_code"],
                reason=values["state_reason"],
            )
        )
    for check, old in zip(CHECKS, before.checks, strict=True):
        new = values.get(check.field, old)
        if (old == "impaired") != (new == "impaired"):
            at = values["impaired_since_at"] if new == "impaired" else None
            at = _within(at, before.observed_at, read_at)
            found.append(Difference(values["instance_id"], "check", at, before=old, after=new, what=check.field))
    return found


def unchecked(instance_id: str, checks: Iterable[str], at: datetime) -> list[Difference]:
    """Return which failing checks ended because the instance no longer runs."""
    return [
        Difference(instance_id, "check", at, before="impaired", what=check.field)
        for check, result in zip(CHECKS, checks, strict=True)
        if result == "impaired"
    ]


def event_difference(
    event: Difference, before: EventFacts | None, after: EventFacts, *, asked_by: str
) -> Difference | None:
    """Return what became of a scheduled event, None when nothing did.

    `event` says which one, of which instance, and when it was seen; `asked_by` is who asked for such a move.
    """
    if before is None:
        return replace(event, after=after.stage, to_at=after.starts_at)
    if before.stage != after.stage:
        return replace(event, before=before.stage, after=after.stage, to_at=after.starts_at)
    if before.starts_at == after.starts_at:
        return None
    this = replace(event, before=before.stage, after=after.stage, by=asked_by)
    return replace(this, from_at=before.starts_at, to_at=after.starts_at)


def gap(last_read_at: datetime | None, read_at: datetime, interval_s: int) -> Difference | None:
    """Return the time in which nothing was observed: longer between two reads than Connected allows."""
    if last_read_at is None or read_at - last_read_at <= timedelta(seconds=2 * interval_s + LATE_GRACE_S):
        return None
    return Difference("", "gap", read_at, from_at=last_read_at, to_at=read_at)


def attributed(found: Iterable[Difference], requests: Sequence[Request]) -> list[Difference]:
    """Give each change of state the latest request that explains it; what has none was done elsewhere."""
    by_instance: dict[str, list[Request]] = {}
    for request in requests:
        by_instance.setdefault(request.instance_id, []).append(request)
    return [_with_cause(each, by_instance.get(each.instance_id, ())) for each in found]


def _with_cause(difference: Difference, requests: Sequence[Request]) -> Difference:
    if difference.kind != "state":
        return difference
    explaining = [request for request in requests if _explains(request, difference)]
    if not explaining:
        return difference
    last = max(explaining, key=lambda request: request.sent_at)
    return replace(difference, action_pk=last.pk, by=last.by)


def _explains(request: Request, difference: Difference) -> bool:
    """Tell whether a request leads to such a change, and whether the time fits.

    A start that AWS takes back ends as stopped again, with a reason that is not a user's, or with the old one.
    """
    ended_at = request.ended_at or difference.at
    if not request.sent_at - SLACK <= difference.at <= ended_at + SLACK:
        return False
    rule = RULES[request.verb]
    if request.verb != "reboot" and difference.after in (*rule.passing, rule.goal):
        return True
    is_fall = request.verb == "start" and difference.before == "pending" and difference.after == "stopped"
    is_own = difference.reason_code != USER_SHUTDOWN or difference.reason_code == request.reason_before
    return is_fall and is_own


def _within(moment: datetime | None, after: datetime, until: datetime) -> datetime:
    """Return the moment AWS names when it lies after what is known, else the moment of the read."""
    return moment if moment and after < moment <= until else until

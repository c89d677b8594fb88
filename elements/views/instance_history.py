"""What happened to one instance, newest first: what was asked through ec2mon, by whom, and how it ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from elements.domain.action_words import action_view
from elements.domain.instance_states import RULES, VERBS, state_view
from elements.domain.wording import duration, span
from elements.models import Action, Activity, Instance, ScheduledEvent

ENTRIES = 25
# AWS stamps a stop to the second and may do so a little before or after we hear of it.
SLACK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `who` is a name from outside, `joint` leads to it."""

    at: datetime
    icon: str
    tone: str
    text: str
    who: str = ""
    more: str = ""
    code: str = ""
    request_id: str = ""
    joint: str = " by "


def history(
    row: Instance,
    actions: Sequence[Action],
    activities: Iterable[Activity],
    events: Iterable[ScheduledEvent],
    now: datetime,
) -> list[Entry]:
    """Return the newest entries of all kinds."""
    found = [_of_action(action, now) for action in actions]
    found += [Entry(each.at, "i-user", "", each.text, who=each.username) for each in activities]
    found += [
        Entry(each.first_seen_at, "i-cal", "", f"{each.word} announced by AWS", more=each.event_id) for each in events
    ]
    stopped = _stopped_elsewhere(row, actions)
    if stopped is not None:
        found.append(stopped)
    if row.gone_at:
        found.append(Entry(row.gone_at, "s-unknown", "", "No longer listed by AWS"))
    found.append(Entry(row.first_seen_at, "i-plus", "", "First seen by ec2mon"))
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:ENTRIES]


def _of_action(action: Action, now: datetime) -> Entry:
    verb = next(verb for verb in VERBS if verb == action.verb)
    rule = RULES[verb]
    view = action_view(
        verb, action.status, requested_at=action.requested_at, answered_at=action.answered_at, now=now
    ) or state_view(rule.goal)
    text = {"confirmed": rule.done.capitalize(), "unanswered": f"{rule.word} not answered by AWS"}
    return Entry(
        action.requested_at,
        view.icon,
        view.tone,
        text.get(action.status, view.word),
        who=action.requested_by,
        more=". ".join(part for part in (_course(action, rule.goal), action.message) if part),
        code=action.error_code,
        request_id=action.request_id,
        joint=" by " if action.status in ("requested", "sent", "accepted", "confirmed") else ", asked for by ",
    )


def _course(action: Action, goal: str) -> str:
    """Return `accepted in 287 ms, running after 41 s`."""
    parts = []
    if action.status in ("accepted", "confirmed", "failed", "unknown") and action.sent_at and action.answered_at:
        parts.append(f"accepted in {duration((action.answered_at - action.sent_at).total_seconds() * 1000)}")
    if action.status == "confirmed" and action.settled_at:
        parts.append(f"{goal} after {span((action.settled_at - action.requested_at).total_seconds())}")
    return ", ".join(parts)


def _stopped_elsewhere(row: Instance, actions: Sequence[Action]) -> Entry | None:
    """Return the entry of a stop that nobody asked for through ec2mon."""
    since = row.state_since_at
    if row.state != "stopped" or since is None:
        return None
    for action in actions:
        ended = action.settled_at or since
        if action.verb == "stop" and action.requested_at - SLACK <= since <= ended + SLACK:
            return None
    reason = f"AWS reason: {row.state_reason}" if row.state_reason else ""
    return Entry(since, "s-stopped", "", "Stopped, not by ec2mon", more=reason)

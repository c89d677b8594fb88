"""What happened to one instance, newest first: what was asked through ec2mon, and every change that was observed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from elements.domain.action_words import action_view
from elements.domain.history_words import change_words
from elements.domain.instance_states import CHANGING, RULES, VERBS, Verb, state_view
from elements.domain.wording import duration, span
from elements.models import Action, Activity, Change, Instance

ENTRIES = 25
# How many more each page of them shows, and at most.
MORE, AT_MOST = 75, 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `who` is a name from outside, `joint` leads to it, the other times are its own."""

    at: datetime
    icon: str
    tone: str
    text: str
    who: str = ""
    more: str = ""
    code: str = ""
    request_id: str = ""
    joint: str = " by "
    from_at: datetime | None = None
    to_at: datetime | None = None


def entries_asked_for(text: str) -> int:
    """Return how many entries an address asks for; anything else than a number asks for the usual."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        return ENTRIES
    return min(max(int(text), ENTRIES), AT_MOST)


def history(
    row: Instance,
    actions: Sequence[Action],
    activities: Iterable[Activity],
    changes: Sequence[Change],
    now: datetime,
) -> list[Entry]:
    """Return the entries of all kinds, newest first."""
    found = [_of_action(action, now) for action in actions]
    found += [Entry(each.at, "i-user", "", each.text, who=each.username) for each in activities]
    found += [_of_change(each) for each in _told(changes, actions, row.first_seen_at)]
    if not any(each.kind == "new" for each in changes):
        found.append(Entry(row.first_seen_at, "i-plus", "", "First seen by ec2mon"))
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def _told(changes: Sequence[Change], actions: Iterable[Action], first_seen_at: datetime) -> list[Change]:
    """Leave out what a request tells, ways to a state that was reached since, and gaps before the instance was seen."""
    by_pk = {action.pk: action for action in actions}
    last = next((each for each in changes if each.kind == "state"), None)
    found = []
    for each in changes:
        is_passing = each.kind == "state" and each.after in CHANGING and each is not last
        is_early = each.kind == "gap" and each.at <= first_seen_at
        if not (is_passing or is_early or _says_it(by_pk.get(each.action_id or 0), each)):
            found.append(each)
    return found


def _says_it(action: Action | None, change: Change) -> bool:
    """Tell whether the entry of a request says all about a change that it led to."""
    if action is None:
        return False
    missed = action.status == "failed" and change.after == RULES[_verb(action)].goal
    return (action.is_open or action.status in ("confirmed", "failed")) and not missed


def _of_change(change: Change) -> Entry:
    words = change_words(change.difference)
    return Entry(
        change.at,
        words.icon,
        words.tone,
        words.text,
        who=change.by,
        more=words.more,
        joint=words.joint,
        from_at=change.from_at,
        to_at=change.to_at,
    )


def _of_action(action: Action, now: datetime) -> Entry:
    verb = _verb(action)
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


def _verb(action: Action) -> Verb:
    return next(verb for verb in VERBS if verb == action.verb)

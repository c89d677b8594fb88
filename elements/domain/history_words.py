"""History in words: how one change reads."""

from dataclasses import dataclass

from elements.domain.check_words import CHECKS, check_view
from elements.domain.history import CLEARED, USER_SHUTDOWN, Difference
from elements.domain.instance_states import state_view
from elements.domain.scheduled_events import event_icon, event_word
from elements.domain.wording import span

# Source: EC2's StateReason codes, API reference of StateReason and "Why did my instance stop".
REASONS = {
    USER_SHUTDOWN: "Somebody asked AWS for it, for example in the AWS console",
    "Client.UserInitiatedHibernate": "Somebody asked AWS to hibernate it",
    "Client.InstanceInitiatedShutdown": "Its operating system shut down",
    "Client.InternalError": "AWS could not start it. The usual cause is an encrypted volume whose key may not be used",
    "Client.VolumeLimitExceeded": "The account reached its limit of volumes",
    "Server.ScheduledStop": "AWS stopped it for a scheduled event",
    "Server.SpotInstanceShutdown": "AWS took the Spot capacity back",
    "Server.SpotInstanceTermination": "AWS took the Spot capacity back",
    "Server.InternalError": "An error inside AWS",
    "Server.InsufficientInstanceCapacity": "AWS had no capacity for this type in this zone",
}
_STATES = {"running": "Started", "pending": "Starting"}
_STAGES = {
    "scheduled": "announced by AWS",
    "completed": "completed",
    "canceled": "canceled by AWS",
    CLEARED: "no longer listed by AWS",
}
_TITLES = {check.field: check.title for check in CHECKS}


@dataclass(frozen=True, slots=True)
class Words:
    """How a change reads: a glyph and its tone, what happened, what leads to who did it, and why."""

    icon: str
    tone: str
    text: str
    joint: str = ""
    more: str = ""


def change_words(change: Difference) -> Words:
    """Say what changed; who did it follows the joint when it was asked for through ec2mon."""
    match change.kind:
        case "new":
            return Words("i-plus", "", f"New, first listed by AWS as {_lower(change.after)}")
        case "back":
            return Words("i-plus", "", f"Listed by AWS again, {_lower(change.after)}")
        case "gone":
            return Words("s-unknown", "", "No longer listed by AWS", more=f"It was {_lower(change.before)} before")
        case "check":
            return _check_words(change)
        case "event":
            return _event_words(change)
        case "gap":
            return Words("c-late", "", f"Not observed for {_length(change)}")
    return _state_words(change)


def reason_words(code: str, text: str) -> str:
    """Say why AWS changed a state: what its code means, then its own words."""
    own = f"AWS reason: {text or code}" if text or code else ""
    return ". ".join(part for part in (REASONS.get(code, ""), own) if part)


def _state_words(change: Difference) -> Words:
    view = state_view(change.after)
    fell_back = change.before == "pending" and change.after == "stopped" and change.reason_code != USER_SHUTDOWN
    text = "Start failed" if fell_back else _STATES.get(change.after, view.word)
    why = "" if change.after in _STATES else reason_words(change.reason_code, change.reason)
    icon, tone = ("s-alert", "crit") if fell_back else (view.icon, view.tone)
    if change.by:
        return Words(icon, tone, text, ", asked for by ", why)
    return Words(icon, tone, f"{text}, not by ec2mon", more=why)


def _check_words(change: Difference) -> Words:
    title = _TITLES.get(change.what, change.what)
    if change.after == "impaired":
        return Words("s-alert", "crit", f"{title} failed")
    if change.after == "ok":
        return Words("s-ok", "ok", f"{title} passed again")
    return Words("s-dotted", "", f"{title} no longer fails", more=check_view(change.after, "").word)


def _event_words(change: Difference) -> Words:
    word, icon = event_word(change.what), event_icon(change.what)
    if change.before == change.after:
        how = "moved" if change.by else "moved, not by ec2mon"
        return Words(icon, "", f"{word} {how}", " by ", change.event_id)
    if change.before == CLEARED and change.after == "scheduled":
        return Words(icon, "", f"{word} listed by AWS again", more=change.event_id)
    return Words(icon, "", f"{word} {_STAGES.get(change.after, change.after)}", more=change.event_id)


def _lower(state: str) -> str:
    return state_view(state).word.lower()


def _length(change: Difference) -> str:
    if change.from_at is None or change.to_at is None:
        return span(0)
    return span((change.to_at - change.from_at).total_seconds())

"""Scheduled events: which are over, and how AWS's codes read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Stage = Literal["scheduled", "completed", "canceled"]

# Source: EC2 user guide, scheduled events: the description of an event that is over gains such a prefix.
_PREFIXES: dict[str, Stage] = {"[completed]": "completed", "[canceled]": "canceled", "[cancelled]": "canceled"}

EVENT_WORDS = {
    "instance-reboot": "Reboot",
    "system-reboot": "Host reboot",
    "system-maintenance": "Host maintenance",
    "instance-retirement": "Retirement",
    "instance-stop": "Stop",
}
EVENT_ICONS = {
    "instance-reboot": "i-reboot",
    "system-reboot": "i-reboot",
    "system-maintenance": "i-tool",
    "instance-retirement": "s-alert",
    "instance-stop": "i-stop",
}
STOPPING_CODES = ("instance-stop", "instance-retirement")


@dataclass(frozen=True, slots=True)
class Description:
    """AWS's description without its prefix, and the stage the prefix tells."""

    stage: Stage
    text: str


def read_description(raw: str) -> Description:
    """Split a leading `[Completed]` or `[Canceled]` off; the code never decides whether an event is over."""
    text = raw.strip()
    for prefix, stage in _PREFIXES.items():
        if text.lower().startswith(prefix):
            return Description(stage, text[len(prefix) :].strip())
    return Description("scheduled", text)


def event_word(code: str) -> str:
    """Return the word for a code; an unknown code stands for itself."""
    return EVENT_WORDS.get(code, code)


def event_icon(code: str) -> str:
    """Return the glyph for a code."""
    return EVENT_ICONS.get(code, "i-cal")


def urgency(code: str, not_before: datetime | None, now: datetime) -> str:
    """Return crit, warn or "" for an event that is ahead: crit below 1 h, or below 24 h when AWS will stop it."""
    if not_before is None:
        return ""
    hours = (not_before - now).total_seconds() / 3600
    if hours < 1 or (hours < 24 and code in STOPPING_CODES):
        return "crit"
    return "warn" if hours < 24 else ""

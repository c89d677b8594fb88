"""EC2's instance states: names, codes, words on screen, and what may be asked of an instance in each."""

from dataclasses import dataclass
from typing import Literal

Verb = Literal["start", "stop", "reboot"]
VERBS: tuple[Verb, ...] = ("start", "stop", "reboot")

STATES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")
CHANGING = ("pending", "stopping", "shutting-down")
UNKNOWN = "unknown"

# Source: InstanceState.Code in EC2's service model; the high byte is noise to be ignored.
_NAME_OF_CODE = {0: "pending", 16: "running", 32: "shutting-down", 48: "terminated", 64: "stopping", 80: "stopped"}


@dataclass(frozen=True, slots=True)
class StateView:
    """How a state looks: its word, its tone (ok, busy, idle, warn, crit) and the glyph's name in the sprite."""

    word: str
    tone: str
    icon: str


_VIEWS = {
    "running": StateView("Running", "ok", "s-running"),
    "pending": StateView("Starting", "busy", "s-pending"),
    "stopping": StateView("Stopping", "busy", "s-stopping"),
    "stopped": StateView("Stopped", "idle", "s-stopped"),
    "shutting-down": StateView("Shutting down", "busy", "s-shutting-down"),
    "terminated": StateView("Terminated", "idle", "s-terminated"),
    "gone": StateView("Gone", "idle", "s-unknown"),
}
_UNKNOWN_VIEW = StateView("Unknown", "idle", "s-unknown")


def state_name(name: str | None, code: int | None) -> str:
    """Return EC2's state name; the code's low byte decides only when the name is missing."""
    if name:
        return name
    return _NAME_OF_CODE.get(code & 0xFF, UNKNOWN) if code is not None else UNKNOWN


def state_view(state: str) -> StateView:
    """Return the look of a state; a state nobody knows looks unknown."""
    return _VIEWS.get(state, _UNKNOWN_VIEW)


@dataclass(frozen=True, slots=True)
class VerbRule:
    """What a verb needs, what it leads to, and its words."""

    needs: tuple[str, ...]
    passing: tuple[str, ...]
    goal: str
    word: str
    doing: str
    done: str


RULES: dict[Verb, VerbRule] = {
    "start": VerbRule(("stopped",), ("pending",), "running", "Start", "Starting", "started"),
    "stop": VerbRule(("running", "pending"), ("stopping",), "stopped", "Stop", "Stopping", "stopped"),
    "reboot": VerbRule(("running",), (), "running", "Reboot", "Rebooting", "rebooted"),
}

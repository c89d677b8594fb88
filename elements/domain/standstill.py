"""What a page says while workers or clock stand still, so that nobody takes an old screen for a live one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from elements.domain.machinery import CLOCK, is_ahead, is_silent

_POLLS, _ACTIONS = "default", "ops"
_EFFECTS = {
    _POLLS: "Nothing is polled: what you see is old and gets older.",
    _ACTIONS: "Actions of many instances are not sent, and nobody looks how actions end.",
    CLOCK: "Polls begin once a minute at best.",
}


@dataclass(frozen=True, slots=True)
class Standstill:
    """Who is silent, since when (None: for longer than is kept, or a wrong clock said) and what that means."""

    who: str
    since: datetime | None
    effect: str


def standstill(beats: Mapping[str, datetime | None], now: datetime) -> Standstill | None:
    """Return who is silent of the clock and the workers of each queue, by their last beats; None when nobody is.

    Where nothing ever ran nothing has stopped: what commands read shows its own age.
    """
    if not any(beats.values()):
        return None
    silent = [part for part, at in beats.items() if is_silent(at, now)]
    if not silent:
        return None
    known = [at for part in silent if (at := beats[part]) is not None and not is_ahead(at, now)]
    since = min(known) if len(known) == len(silent) else None
    return Standstill(_who(silent), since, next(text for part, text in _EFFECTS.items() if part in silent))


def _who(silent: list[str]) -> str:
    who = ["workers" if _ACTIONS in silent else "workers that poll"] if _POLLS in silent else []
    if not who and _ACTIONS in silent:
        who = ["workers that send actions"]
    who += ["clock"] if CLOCK in silent else []
    return " and ".join(who).capitalize()

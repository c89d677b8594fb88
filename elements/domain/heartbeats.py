"""The last polls as a row of bars: short succeeded, medium slow or throttled, tall failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HEIGHTS = {"ok": ("b-ok", 16, 8), "slow": ("b-slow", 8, 16), "failed": ("b-bad", 2, 22)}


@dataclass(frozen=True, slots=True)
class Bar:
    """One poll; widths and places are SVG attributes in per cent, for no style may stand in a page."""

    kind: str
    x: str
    width: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The bars and what a screen reader says of them."""

    label: str
    bars: Sequence[Bar]


def heartbeat(recent: Sequence[Sequence[Any]], slots: int = 60) -> Heartbeat:
    """Draw the newest polls, the latest at the right; `recent` holds [time, ok | slow | failed, ms]."""
    shown = [str(result[1]) for result in recent[-slots:]]
    step = 100 / slots
    first = slots - len(shown)
    bars = [
        Bar(_HEIGHTS[kind][0], f"{(first + place) * step:.3f}%", f"{step * 0.62:.3f}%", *_HEIGHTS[kind][1:])
        for place, kind in enumerate(shown)
        if kind in _HEIGHTS
    ]
    counts = {kind: shown.count(kind) for kind in _HEIGHTS}
    label = (
        f"Last {len(shown)} polls: {counts['ok']} succeeded, {counts['slow']} slow or throttled,"
        f" {counts['failed']} failed"
    )
    return Heartbeat(label, bars)

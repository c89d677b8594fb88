"""The state bar: what an instance was in over the last days, as stretches of time, rectangles and one sentence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from elements.domain.check_words import CHECKS
from elements.domain.history import GONE, Difference
from elements.domain.instance_states import CHANGING

Kind = Literal["run", "stop", "busy", "bad", "gap", "none"]

DAYS = 7
# In per cent of the bar: a stretch that matters stays visible however short it was.
AT_LEAST = 0.6
# A day's name further right than this would be cut off.
LAST_LABEL = 95.0
TOLD_AT_MOST = 8
TOLD_FROM = timedelta(minutes=30)
_TITLES = {check.field: check.title for check in CHECKS}
_WORDS = {
    "run": "Running",
    "stop": "Stopped",
    "busy": "Changing state",
    "gap": "Not observed",
    "none": "Not there",
}
# Class, top and height of each kind, in the order they are drawn: what matters most lies on top.
_SHAPES: Mapping[Kind, tuple[str, int, int]] = {
    "run": ("l-run", 8, 26),
    "stop": ("l-stop", 32, 2),
    "busy": ("l-busy", 8, 26),
    "gap": ("l-gap", 8, 26),
    "bad": ("l-bad", 2, 32),
}


@dataclass(frozen=True, slots=True)
class Present:
    """What is held of the instance now; `observed_until` is the last good read when that is too long ago."""

    state: str
    failing: frozenset[str]
    first_seen_at: datetime
    observed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which nothing changed; `failing` are the fields of the checks that failed in it."""

    kind: Kind
    begins_at: datetime
    ends_at: datetime
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the bar: its class, and SVG lengths."""

    paint: str
    x: str
    width: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a day begins, with its name where there is room for it."""

    x: str
    label_x: str
    label: str


@dataclass(frozen=True, slots=True)
class StateBar:
    """What the page draws, between which moments, and says to those who do not see it."""

    begins_at: datetime
    ends_at: datetime
    rects: Sequence[Rect]
    ticks: Sequence[Tick]
    sentence: str


def state_bar(present: Present, changes: Sequence[Difference], now: datetime) -> StateBar:
    """Return the bar of the days before now; `changes` of these days, oldest first."""
    begin = now - timedelta(days=DAYS)
    found = stretches(present, changes, begin, now)
    return StateBar(begin, now, _rects(found, begin, now), _ticks(begin, now), sentence(found, begin, now))


def stretches(present: Present, changes: Sequence[Difference], begin: datetime, end: datetime) -> list[Stretch]:
    """Cut the time into stretches in which nothing changed."""
    state, failing, blind = _first_state(present, changes), _first_failing(present, changes), 0
    steps: list[tuple[datetime, int, Difference | None]] = [
        (each.at, 0, each) for each in changes if each.kind != "gap"
    ]
    for from_at, to_at in _unseen(present, changes, begin, end):
        steps += [(from_at, 1, None), (to_at, -1, None)]
    found, at = list[Stretch](), begin
    for moment, step, change in sorted(steps, key=lambda each: each[0]):
        moment = min(max(moment, begin), end)
        _append(found, _stretch(state, failing, blind, at, moment))
        at, blind = moment, blind + step
        if change is None:
            continue
        if change.kind == "check":
            failing = failing | {change.what} if change.after == "impaired" else failing - {change.what}
        else:
            state = change.after
    _append(found, _stretch(state, failing, blind, at, end))
    return found


def sentence(found: Sequence[Stretch], begin: datetime, end: datetime) -> str:
    """Say what the bar shows: what was most of the time, then each of the rest, the newest last."""
    if len(found) == 1:
        return f"{_word(found[0])} for all of the last {DAYS} days."
    lengths: dict[Kind, timedelta] = {}
    for each in found:
        lengths[each.kind] = lengths.get(each.kind, timedelta()) + (each.ends_at - each.begins_at)
    most = max(lengths, key=lambda kind: lengths[kind])
    is_most = most != "bad" and lengths[most] > (end - begin) / 2
    rest = [each for each in found if not (is_most and each.kind == most) and not _is_brief(each)]
    parts = [f"{_WORDS[most]} for most of the last {DAYS} days."] if is_most else []
    if len(rest) > TOLD_AT_MOST:
        parts.append(f"{len(rest) - TOLD_AT_MOST} more stretches of time before these:")
    parts += [f"{_word(each)} {_when(each, begin, end)}." for each in rest[-TOLD_AT_MOST:]]
    return " ".join([*parts, "Times are in UTC."])


def _first_state(present: Present, changes: Iterable[Difference]) -> str:
    states = (each for each in changes if each.kind not in ("check", "event", "gap"))
    return next((each.before for each in states), present.state)


def _first_failing(present: Present, changes: Sequence[Difference]) -> frozenset[str]:
    first = {each.what: each.before == "impaired" for each in reversed(changes) if each.kind == "check"}
    return frozenset(field for field in _TITLES if first.get(field, field in present.failing))


def _unseen(
    present: Present, changes: Sequence[Difference], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times in which nothing was observed: before the first read, in gaps, and since the last good read."""
    if present.first_seen_at > begin and not any(each.kind == "new" for each in changes):
        yield begin, present.first_seen_at
    for each in changes:
        if each.kind == "gap" and each.from_at and each.to_at:
            yield each.from_at, each.to_at
    if present.observed_until:
        yield present.observed_until, end


def _stretch(state: str, failing: frozenset[str], blind: int, begins_at: datetime, ends_at: datetime) -> Stretch:
    kind = "gap" if blind else _kind(state)
    if kind == "run" and failing:
        return Stretch("bad", begins_at, ends_at, tuple(field for field in _TITLES if field in failing))
    return Stretch(kind, begins_at, ends_at)


def _kind(state: str) -> Kind:
    if state in CHANGING:
        return "busy"
    if state in ("", GONE, "terminated"):
        return "none"
    return {"running": "run", "stopped": "stop"}.get(state, "gap")  # type: ignore[return-value]


def _append(found: list[Stretch], new: Stretch) -> None:
    """Add a stretch that lasts; one like the last prolongs it."""
    if new.ends_at <= new.begins_at:
        return
    if found and (found[-1].kind, found[-1].failing) == (new.kind, new.failing):
        new = Stretch(new.kind, found.pop().begins_at, new.ends_at, new.failing)
    found.append(new)


def _rects(found: Sequence[Stretch], begin: datetime, end: datetime) -> list[Rect]:
    order = list(_SHAPES)
    drawn = sorted((each for each in found if each.kind in _SHAPES), key=lambda each: order.index(each.kind))
    return [_rect(each, begin, end) for each in drawn]


def _rect(stretch: Stretch, begin: datetime, end: datetime) -> Rect:
    paint, y, height = _SHAPES[stretch.kind]
    x, width = _share(stretch.begins_at - begin, begin, end), _share(stretch.ends_at - stretch.begins_at, begin, end)
    if stretch.kind in ("busy", "gap", "bad"):
        width = max(width, AT_LEAST)
        x = min(x, 100 - width)
    return Rect(paint, f"{x:.2f}%", f"{width:.2f}%", y, height)


def _ticks(begin: datetime, end: datetime) -> list[Tick]:
    first = begin.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    ticks = []
    for number in range(DAYS):
        day = first + timedelta(days=number)
        x = _share(day - begin, begin, end)
        ticks.append(Tick(f"{x:.2f}%", f"{x + 0.4:.2f}%", f"{day:%a} {day.day}" if x < LAST_LABEL else ""))
    return ticks


def _share(length: timedelta, begin: datetime, end: datetime) -> float:
    return 100 * (length / (end - begin))


def _is_brief(stretch: Stretch) -> bool:
    """Tell whether a stretch is only the way to another state."""
    return stretch.kind == "busy" and stretch.ends_at - stretch.begins_at < TOLD_FROM


def _word(stretch: Stretch) -> str:
    if stretch.kind == "bad":
        return f"{' and '.join(_TITLES[field] for field in stretch.failing)} failing"
    return _WORDS[stretch.kind]


def _when(stretch: Stretch, begin: datetime, end: datetime) -> str:
    """Say when a stretch was, by the day and the minute."""
    first, last = _moment(stretch.begins_at), _moment(stretch.ends_at)
    if stretch.ends_at >= end:
        return f"since {first}"
    return f"until {last}" if stretch.begins_at <= begin else f"from {first} to {last}"


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%B %H:%M}"

"""The Overview's table of elements and its tiles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from elements.domain.connections import Connection
from elements.domain.scheduled_events import event_word
from elements.models import Element, Poll

BARS = 30
_GAP = 0.8
_BEATS = {"ok": ("b-ok", 16, 8), "slow": ("b-slow", 8, 16), "failed": ("b-bad", 2, 22), "": ("b-none", 22, 2)}


@dataclass(frozen=True, slots=True)
class Row:
    """One element with what its Poll row counted; `coming` are its scheduled events within 48 h."""

    element: Element
    poll: Poll | None
    connection: Connection
    coming: int = 0
    show: str = ""

    def count(self, name: str) -> int:
        """Return one of the counts, 0 before the first poll."""
        return int(self.poll.counts.get(name) or 0) if self.poll else 0

    @property
    def total(self) -> int:
        """Return how many instances are known."""
        return self.count("total")

    @property
    def running(self) -> int:
        """Return how many of them run."""
        return self.count("running")

    @property
    def failing(self) -> int:
        """Return how many fail a status check."""
        return self.count("failing")

    @property
    def data_at(self) -> datetime | None:
        """Return when the data is from."""
        return self.poll.succeeded_at if self.poll else None

    @property
    def is_old(self) -> bool:
        """Tell whether the age of the data stands out."""
        return self.connection.state in ("late", "not-connected")

    @property
    def next_event_at(self) -> datetime | None:
        """Return when the next scheduled event begins or began."""
        return parse_datetime(self.poll.counts.get("next_event_at") or "") if self.poll else None

    @property
    def next_event(self) -> str:
        """Return the word for the next scheduled event."""
        return event_word(self.poll.counts.get("next_event_code") or "") if self.poll else ""

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """Return the pieces of the bar as class, place and width in per cent."""
        healthy = max(self.running - self.failing, 0)
        parts = {"run": healthy, "bad": self.failing, "busy": self.count("changing"), "stop": self.count("stopped")}
        pieces, place, whole = [], 0.0, max(self.total, sum(parts.values()), 1)
        for name, number in parts.items():
            width = 100 * number / whole
            if number:
                pieces.append((f"p-{name}", round(place, 2), round(max(width - _GAP, 0.4), 2)))
            place += width
        return pieces

    @property
    def polls(self) -> list[str]:
        """Return how the last polls ended, oldest first."""
        return [str(entry[1]) for entry in (self.poll.recent if self.poll else [])][-BARS:]

    @property
    def beats(self) -> list[tuple[str, str]]:
        """Return the bars of the last polls as class and path, in a field of 90 x 24."""
        paths: dict[str, str] = {}
        for place, outcome in enumerate([""] * (BARS - len(self.polls)) + self.polls):
            name, top, height = _BEATS.get(outcome, _BEATS["failed"])
            paths[name] = paths.get(name, "") + f"M{place * 3} {top}h2v{height}h-2z"
        return list(paths.items())

    @property
    def beats_text(self) -> str:
        """Return the same in words."""
        ok, slow = self.polls.count("ok"), self.polls.count("slow")
        failed = len(self.polls) - ok - slow
        return f"Last {BARS} polls: {ok} succeeded, {slow} slow or throttled, {failed} failed"

    @property
    def href(self) -> str:
        """Return where the element's name leads: what the table is filtered by, else its instances."""
        return filtered(self.element, self.show)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a tile counts, and the word for elements that have some of it."""

    word: str
    count: Callable[[Row], int]


KINDS: Mapping[str, Kind] = {
    "running": Kind("running instances", lambda row: row.running),
    "stopped": Kind("stopped instances", lambda row: row.count("stopped")),
    "changing": Kind("instances that change their state", lambda row: row.count("changing")),
    "failing": Kind("failing status checks", lambda row: row.failing),
    "events": Kind("scheduled events in 48 h", lambda row: row.coming),
    "not-connected": Kind("no connection", lambda row: int(row.connection.state == "not-connected")),
}
_FILTERS = {
    "running": "state:running",
    "stopped": "state:stopped",
    "changing": "state:changing",
    "failing": "checks:impaired",
}


def filtered(element: Element, kind: str) -> str:
    """Return the address of the element's own list of a kind."""
    if kind == "events":
        return reverse("elements:events", args=[element.slug])
    if kind == "not-connected":
        return reverse("elements:general", args=[element.slug])
    query = f"?{urlencode({'q': _FILTERS[kind]})}" if kind in _FILTERS else ""
    return reverse("elements:instances", args=[element.slug]) + query


def tile_href(rows: Sequence[Row], kind: str) -> str:
    """Return where a tile leads: the list of the only element that has some, else the elements that have."""
    having = [row for row in rows if KINDS[kind].count(row)]
    if len(having) == 1:
        return filtered(having[0].element, kind)
    return f"?{urlencode({'show': kind})}#elements"


@dataclass(frozen=True, slots=True)
class Totals:
    """What the tiles say."""

    rows: Sequence[Row]

    def _sum(self, kind: str) -> tuple[int, str]:
        return sum(KINDS[kind].count(row) for row in self.rows), tile_href(self.rows, kind)

    @property
    def tiles(self) -> dict[str, tuple[int, str]]:
        """Return number and address by kind."""
        return {kind.replace("-", "_"): self._sum(kind) for kind in KINDS}

    @property
    def known(self) -> int:
        """Return how many instances are known."""
        return sum(row.total for row in self.rows)

    @property
    def last_known(self) -> int:
        """Return how many of them belong to elements that are not connected."""
        return sum(row.total for row in self.rows if row.connection.state == "not-connected")

    def in_state(self, state: str) -> int:
        """Return how many elements are in a connection state."""
        return sum(row.connection.state == state for row in self.rows)

    @property
    def others(self) -> str:
        """Return `1 late, 1 paused`."""
        words = {"late": "late", "paused": "paused", "new": "waiting for the first poll"}
        return ", ".join(f"{n} {word}" for state, word in words.items() if (n := self.in_state(state)))

    @property
    def polled(self) -> list[Row]:
        """Return the elements that are polled and have data."""
        return [row for row in self.rows if row.data_at and row.connection.state != "paused"]

    @property
    def oldest_at(self) -> datetime | None:
        """Return when the oldest of their data is from."""
        return min((row.data_at for row in self.polled if row.data_at), default=None)

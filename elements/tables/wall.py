"""The Wall: one card for each element, one glyph for each instance."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from elements.domain.instance_rows import CHECK_RANKS
from elements.domain.instance_states import state_view
from elements.domain.scheduled_events import event_word, urgency
from elements.models import Instance, ScheduledEvent
from elements.tables.latest import Latest, latest
from elements.tables.overview import Row

# An element with more instances than this shows a bar and the failing ones by name.
MOST_OF_ELEMENT = 300
# So do the largest elements when all together have more: a browser draws no more of them gladly, all day long.
MOST_OF_ALL = 3000
MOST_NAMES = 12
MOST_EVENTS = 500
# An instance that goes leaves its place empty for so long: the others keep theirs.
PLACE_KEPT = timedelta(days=1)
EVENTS_WITHIN = timedelta(hours=48)
# So long the last change of an element stands on its card.
CHANGES_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One instance, or the place that one left."""

    instance_id: str
    name: str
    word: str
    tone: str
    icon: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Coming:
    """The next scheduled event of an element; without a name when it is not soon."""

    word: str
    at: datetime
    tone: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One element: its counts, and its instances as glyphs, or as a bar when there are too many."""

    row: Row
    now: datetime
    cells: Sequence[Cell] = ()
    is_large: bool = False
    failing: Sequence[tuple[str, str]] = field(default=())
    soon: Coming | None = None
    latest: Latest | None = None

    @property
    def href(self) -> str:
        """Return the address of the element's instances."""
        return reverse("elements:instances", args=[self.row.element.slug])

    @property
    def coming(self) -> Coming | None:
        """Return the next scheduled event."""
        return self.soon or coming(self.row, self.now)

    @property
    def changing(self) -> int:
        """Return how many instances change their state."""
        return self.row.count("changing")

    @property
    def stopped(self) -> int:
        """Return how many are stopped."""
        return self.row.count("stopped")

    @property
    def is_stale(self) -> bool:
        """Tell whether what is shown is no longer what is."""
        return self.row.connection.state in ("not-connected", "paused")

    @property
    def tone(self) -> str:
        """Return the class of the card's edge."""
        if self.row.connection.state == "not-connected":
            return "is-bad is-stale"
        if self.row.connection.state == "paused":
            return "is-stale"
        event = self.coming
        needs_somebody = self.row.connection.state == "late" or self.row.failing or (event and event.tone == "crit")
        return "is-warn" if needs_somebody else ""

    @property
    def more_failing(self) -> int:
        """Return how many failing ones are not named."""
        return max(self.row.failing - len(self.failing), 0)


def coming(row: Row, now: datetime) -> Coming | None:
    """Return an element's next scheduled event as its last poll counted it."""
    if row.next_event_at is None or row.poll is None:
        return None
    code = row.poll.counts.get("next_event_code") or ""
    return Coming(row.next_event, row.next_event_at, urgency(code, row.next_event_at, now))


def cards(rows: Sequence[Row], small: set[int], user: User | AnonymousUser, now: datetime) -> list[Card]:
    """Return a card for each row, those in `small` with glyphs: five queries, however much there is to show."""
    cells = _cells({row.element.pk for row in rows if row.element.cleared_at is None} & small, now)
    # The newest comes first, so that it is the one that stays.
    last = {change.element_id: change for change in reversed(latest(user, now, CHANGES_WITHIN))}
    failing = _failing([row.element.pk for row in rows if row.failing and row.element.pk not in small])
    soon = _soon([row.element.pk for row in rows if row.next_event_at], now)
    return [
        Card(
            row,
            now,
            cells=cells[row.element.pk],
            is_large=row.element.pk not in small,
            failing=failing[row.element.pk],
            soon=soon.get(row.element.pk),
            latest=last.get(row.element.pk),
        )
        for row in rows
    ]


def with_glyphs(rows: Sequence[Row]) -> set[int]:
    """Return the elements whose instances are shown one by one: the smaller ones first."""
    found, left = set(), MOST_OF_ALL
    for row in sorted(rows, key=lambda row: (row.total, row.element.pk)):
        left -= row.total
        if row.total <= MOST_OF_ELEMENT and left >= 0:
            found.add(row.element.pk)
    return found


def _cells(element_ids: set[int], now: datetime) -> dict[int, list[Cell]]:
    """Return the glyphs of each element in the order in which the instances were first seen."""
    kept = Q(gone_at__isnull=True) | Q(gone_at__gt=now - PLACE_KEPT)
    columns = ("element_id", "instance_id", "display_name", "state", "checks_rank", "gone_at")
    found: dict[int, list[Cell]] = defaultdict(list)
    rows = Instance.objects.filter(kept, element_id__in=element_ids).order_by("element_id", "first_seen_at", "pk")
    # An element whose instances come and go all day could leave more places than instances.
    for element_id, *values in rows.values_list(*columns)[: 2 * MOST_OF_ALL]:
        found[element_id].append(_cell(*values))
    for places in found.values():
        while places and places[-1].is_gone:
            places.pop()
    return found


def _cell(instance_id: str, name: str, state: str, checks_rank: int, gone_at: datetime | None) -> Cell:
    if gone_at is not None:
        return Cell(instance_id, name, "Gone", "", "", is_gone=True)
    if checks_rank == CHECK_RANKS["impaired"]:
        return Cell(instance_id, name, "failing status checks", "crit", "s-alert")
    view = state_view(state)
    return Cell(instance_id, name, view.word, view.tone, view.icon)


def _failing(element_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return ID and name of the first failing instances of each element."""
    place = Window(RowNumber(), partition_by="element_id", order_by=["display_name", "id"])
    rows = Instance.objects.listed().failing().filter(element_id__in=element_ids)
    ranked = rows.annotate(place=place).filter(place__lte=MOST_NAMES).order_by("element_id", "place")
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for element_id, instance_id, name in ranked.values_list("element_id", "instance_id", "display_name"):
        found[element_id].append((instance_id, name))
    return found


def _soon(element_ids: Sequence[int], now: datetime) -> dict[int, Coming]:
    """Return the most urgent, else the next scheduled event within 48 h of each element, with its instance."""
    events = ScheduledEvent.objects.upcoming(now).filter(element_id__in=element_ids)
    columns = ("element_id", "code", "not_before", "instance__display_name", "instance_id_text")
    soon = events.filter(not_before__lte=now + EVENTS_WITHIN).order_by("not_before", "pk").values_list(*columns)
    found: dict[int, Coming] = {}
    for element_id, *values in soon[:MOST_EVENTS]:
        event = _coming(now, *values)
        if element_id not in found or (event.tone == "crit" and found[element_id].tone != "crit"):
            found[element_id] = event
    return found


def _coming(now: datetime, code: str, at: Any, name: str | None, instance_id: str) -> Coming:
    return Coming(event_word(code), at, urgency(code, at, now), name or instance_id)

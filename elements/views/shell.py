"""What the frame of every page shows: the side list and what the user may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from django.contrib.auth.models import Group
from django.db.models import DateTimeField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from elements.domain.connections import Connection
from elements.domain.machinery import AHEAD_S, PARTS
from elements.domain.standstill import Standstill, standstill
from elements.models import Element, Poll, UserSettings
from elements.models.access import hidden_but_for, sees_all
from elements.models.statements import Given, Statement

# With more elements than this the side list has a field to filter it.
MANY = 12
# What few pages show, and is large.
_UNSHOWN = ("poll__recent", "poll__removed_actions", "account_arn")


@dataclass(frozen=True, slots=True)
class Entry:
    """One element in the side list."""

    name: str
    slug: str
    region: str
    connection: Connection
    running: int
    failing: int
    has_data: bool
    # Of when the data is, where it is old enough to say so.
    old_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame's data; one query when signed in, none otherwise."""

    now: datetime
    elements: tuple[Entry, ...] = ()
    may_operate: bool = False
    may_set_up: bool = False
    may_see_activity: bool = False
    rows: Mapping[str, Element] = field(default_factory=dict)
    standstill: Standstill | None = None

    @property
    def attention(self) -> int:
        """Return how many instances and connections fail, for the title of a tab in the background."""
        return sum(entry.failing + (entry.connection.state == "not-connected") for entry in self.elements)

    @property
    def has_many(self) -> bool:
        """Tell whether the side list is long enough to be filtered."""
        return len(self.elements) > MANY

    @property
    def state(self) -> tuple[object, ...]:
        """Return what the side list shows, without the times that run by themselves."""
        shown = ((e.name, e.region, e.connection.state, e.running, e.failing, e.old_at) for e in self.elements)
        return (self.standstill, *shown)


def shell(request: HttpRequest) -> dict[str, Shell | UserSettings]:
    """Return the context of the frame, and how its reader likes the pages."""
    user = getattr(request, "user", None)
    return {"shell": shell_of(request), "likes": UserSettings.objects.of(user) if user else UserSettings()}


def shell_of(request: HttpRequest) -> Shell:
    """Return the frame's data, read once for each request."""
    if not hasattr(request, "_shell"):
        request._shell = _read(request)  # type: ignore[attr-defined]
    found: Shell = request._shell  # type: ignore[attr-defined]
    return found


def _read(request: HttpRequest) -> Shell:
    now, user = timezone.now(), getattr(request, "user", None)
    if user is None or not user.has_perm("elements.view_element"):
        return Shell(now)
    rows = _elements(sees_all(user)).rows(user=user.pk, soon=now + timedelta(seconds=AHEAD_S))
    return Shell(
        now,
        tuple(_entry(element, now) for element in rows),
        rows={element.slug: element for element in rows},
        standstill=standstill_of(rows, now),
        may_operate=user.has_perm("elements.operate_element"),
        may_set_up=user.has_perm("elements.change_element"),
        may_see_activity=user.has_perm("elements.view_activity"),
    )


@cache
def _elements(all_of_them: bool) -> Statement:
    hidden = hidden_but_for(Group.objects.filter(user=Given("user")))
    seen = Element.objects.all() if all_of_them else Element.objects.exclude(pk__in=hidden)
    return Statement(lambda: seen.with_poll().with_beats(PARTS, Given("soon", DateTimeField)).defer(*_UNSHOWN))


def standstill_of(elements: Sequence[Element], now: datetime) -> Standstill | None:
    """Return what stands still, as elements read `with_beats` tell; without elements nothing can be old."""
    if not elements:
        return None
    texts = {part: getattr(elements[0], f"beat_{part}") for part in PARTS}
    beats = {part: parse_datetime(text) if text else None for part, text in texts.items()}
    return standstill({part: at and (at if at.tzinfo else at.replace(tzinfo=UTC)) for part, at in beats.items()}, now)


def _entry(element: Element, now: datetime) -> Entry:
    poll: Poll | None = getattr(element, "poll", None)
    counts = poll.counts if poll else {}
    data_at, connection = poll.succeeded_at if poll else None, element.connection(now)
    return Entry(
        name=element.name,
        slug=element.slug,
        region=element.region,
        connection=connection,
        running=counts.get("running", 0),
        failing=counts.get("failing", 0),
        has_data=data_at is not None,
        old_at=data_at if connection.state in ("not-connected", "paused") else None,
    )

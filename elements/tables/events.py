"""The Events page: one row for each scheduled event, and the days ahead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from elements.domain.display_keys import display_key_values
from elements.domain.rescheduling import is_overdue
from elements.models import ScheduledEvent

DAYS = 28
LINKS_A_DAY = 4
_FAR = datetime.max.replace(tzinfo=UTC)
_NARROW_KEY = {"td": {"class": "d two"}}


@dataclass(frozen=True, slots=True)
class EventRow:
    """A scheduled event as the page shows it at a moment. Times that run by themselves are not in it."""

    pk: int
    key_values: tuple[str, ...]
    instance_id: str
    instance_name: str
    has_page: bool
    description: str
    word: str
    icon: str
    code: str
    tone: str
    in_progress: bool
    starts: datetime | None
    ends: datetime | None
    latest: datetime | None
    obstacle: str
    ending: str
    ended: datetime | None
    asked_for: datetime | None
    asked_by: str
    asked_at: datetime | None
    asked_error: str
    asked_overdue: bool

    @property
    def key(self) -> str:
        """Return the display key as a text."""
        return "/".join(self.key_values)

    @property
    def anchor(self) -> str:
        """Return the row's key and place in the page; an event may concern several instances."""
        return f"event-{self.pk}"

    @property
    def row_class(self) -> str:
        """Return the tint of the row."""
        if self.in_progress:
            return "is-busy"
        return "is-attn" if self.tone == "crit" else ""

    @property
    def glyph_tone(self) -> str:
        """Return the tone of the event's glyph and word."""
        return self.tone or "idle"

    @property
    def lasts_s(self) -> float | None:
        """Return how long it lasts, as far as AWS says."""
        return (self.ends - self.starts).total_seconds() if self.ends and self.starts else None

    @property
    def ends_that_day(self) -> bool:
        """Tell whether the time of the end says enough without its day."""
        return bool(self.ends and self.starts and self.ends.date() == self.starts.date())

    @property
    def sort_key(self) -> str:
        """Return the display key without the difference of capital letters."""
        return self.key.casefold()

    @property
    def sort_name(self) -> str:
        """Return the instance's name without the difference of capital letters."""
        return self.instance_name.casefold()

    @property
    def sort_starts(self) -> datetime:
        """Return the start; what has none comes last."""
        return self.starts or _FAR

    @property
    def sort_ends(self) -> datetime:
        """Return the end; what has none comes last."""
        return self.ends or _FAR

    @property
    def sort_latest(self) -> datetime:
        """Return the deadline; what has none comes last."""
        return self.latest or _FAR


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the strip."""

    date: date
    is_today: bool
    rows: tuple[EventRow, ...]
    more: int

    @property
    def is_weekend(self) -> bool:
        """Tell whether it is shaded."""
        return self.date.weekday() >= 5

    @property
    def names_month(self) -> bool:
        """Tell whether its month stands beside it."""
        return self.date.day == 1


def in_zone(title: str) -> SafeString:
    """Return a column's head that names the time zone, which the script keeps current."""
    return format_html("{}, <span data-tz-name>UTC</span>", title)


class EventsTable(tables.Table):
    """Scheduled events that are ahead or in progress."""

    caption = "Scheduled events"
    row_header = "instance"
    live = "events"
    noun, nouns, gone = "event", "events", "active"
    empty_template = "elements/events/_empty.html"

    key = tables.TemplateColumn(
        template_name="elements/events/_key.html", verbose_name="Display key", order_by="sort_key", attrs=_NARROW_KEY
    )
    instance = tables.TemplateColumn(
        template_name="elements/events/_instance.html", order_by="sort_name", attrs={"td": {"class": "a"}}
    )
    event = tables.TemplateColumn(
        template_name="elements/events/_word.html", order_by="word", attrs={"td": {"class": "c two"}}
    )
    starts = tables.TemplateColumn(
        template_name="elements/events/_starts.html",
        verbose_name=in_zone("Starts"),
        order_by="sort_starts",
        attrs={"td": {"class": "b two"}},
    )
    ends = tables.TemplateColumn(
        template_name="elements/events/_ends.html",
        order_by="sort_ends",
        attrs={"td": {"class": "two lo"}, "th": {"class": "lo"}},
    )
    latest = tables.TemplateColumn(
        template_name="elements/events/_latest.html",
        verbose_name="Latest start",
        order_by="sort_latest",
        attrs={"td": {"class": "two"}},
    )
    move = tables.TemplateColumn(
        template_name="elements/events/_move.html",
        verbose_name="Reschedule",
        orderable=False,
        attrs={"td": {"class": "e num stick-e"}, "th": {"class": "stick-e"}},
    )
    move.header_hidden = True

    class Meta:
        attrs = {"class": "t t--stack t--evt"}
        order_by = "starts"
        row_attrs = {
            "data-key": lambda record: record.anchor,
            "id": lambda record: record.anchor,
            "class": lambda record: record.row_class,
        }


class EndedTable(EventsTable):
    """Scheduled events that are over."""

    live = ""
    starts = tables.TemplateColumn(
        template_name="elements/events/_started.html",
        verbose_name=in_zone("Started"),
        order_by="sort_starts",
        attrs={"td": {"class": "b mute"}},
    )
    ends = tables.TemplateColumn(
        template_name="elements/events/_ended_cell.html", order_by="sort_ends", attrs={"td": {"class": "mute lo"}}
    )
    outcome = tables.TemplateColumn(
        template_name="elements/events/_outcome.html", orderable=False, attrs={"td": {"class": "e two"}}
    )

    class Meta(EventsTable.Meta):
        exclude = ("latest", "move")
        orderable = False


def row_of(event: ScheduledEvent, key_format: str, now: datetime, closed: str) -> EventRow:
    """Return an event's row; `closed` is why AWS is not asked for anything now."""
    begun = event.is_active and event.not_before is not None and event.not_before <= now
    return EventRow(
        pk=event.pk,
        key_values=_key_values(event, key_format),
        instance_id=event.instance_id_text,
        instance_name=event.instance_name or event.instance_id_text,
        has_page=event.instance_id is not None,
        description=event.description,
        word=event.word,
        icon=event.icon,
        code=event.code,
        tone="" if begun or not event.is_active else event.tone(now),
        in_progress=begun,
        starts=event.not_before,
        ends=event.not_after,
        latest=event.not_before_deadline,
        obstacle=event.obstacle(now) or closed,
        ending=event.ending,
        ended=event.ended_at or event.cleared_at,
        asked_for=event.requested_start_at if event.is_active else None,
        asked_by=event.requested_by,
        asked_at=event.requested_at,
        asked_error=event.request_error,
        asked_overdue=is_overdue(event.requested_at, now),
    )


def _key_values(event: ScheduledEvent, key_format: str) -> tuple[str, ...]:
    return display_key_values(
        key_format,
        instance_id=event.instance_id_text,
        instance_name=event.instance_name,
        code=event.code,
        event_id=event.event_id,
    )


def days_ahead(rows: Sequence[EventRow], now: datetime) -> list[Day]:
    """Return the next 28 days in UTC; what has begun stands on today."""
    today = now.astimezone(UTC).date()
    by_day: dict[date, list[EventRow]] = {}
    for row in rows:
        if row.starts is not None:
            by_day.setdefault(max(row.starts.astimezone(UTC).date(), today), []).append(row)
    dates = [today + timedelta(days=n) for n in range(DAYS)]
    return [_day(day, today, by_day.get(day, [])) for day in dates]


def _day(day: date, today: date, rows: Iterable[EventRow]) -> Day:
    found = sorted(rows, key=lambda row: (not row.tone, row.sort_starts))
    shown = found if len(found) <= LINKS_A_DAY else found[: LINKS_A_DAY - 1]
    ordered = tuple(sorted(shown, key=lambda row: row.sort_starts))
    return Day(day, day == today, ordered, len(found) - len(shown))

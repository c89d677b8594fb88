"""Find what has been kept long enough, of all elements with the same few statements."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Max, Model, OuterRef, Subquery

from elements.domain.retention import EASY, odds
from elements.models import Change, DebugRecord, Element, Instance, ScheduledEvent

# About what two or three runs find new where 1,000 elements are polled each 30 s.
_LATELY = 10_000


class Retention(NamedTuple):
    """The rows of each element that are kept for so many days, counted from a moment in one of their columns."""

    model: type[Model]
    column: str
    days: str


RETENTIONS = (
    Retention(DebugRecord, "at", "debug_retention_days"),
    Retention(Change, "at", "history_retention_days"),
    Retention(ScheduledEvent, "cleared_at", "event_retention_days"),
    Retention(Instance, "gone_at", "gone_retention_days"),
)


class Backlog(NamedTuple):
    """What one element has too much of: rows whose column is below a value."""

    element_id: int
    below: datetime | int
    overdue: timedelta


def by_age(now: datetime) -> dict[Retention, list[Backlog]]:
    """Return by retention which elements have rows that are too old, the most overdue first. One statement."""
    oldest = {f"oldest_{number}": _oldest(each, now) for number, each in enumerate(RETENTIONS)}
    elements = list(Element.objects.order_by().values("pk", *(each.days for each in RETENTIONS), **oldest))
    return {
        each: _most_overdue_first(
            _old(row["pk"], row[f"oldest_{number}"], now - timedelta(days=row[each.days])) for row in elements
        )
        for number, each in enumerate(RETENTIONS)
    }


def by_number(chance: Callable[[], float] = random.random) -> list[Backlog]:
    """Return which elements have more Debug records than they may, the most overdue first.

    Where there are many elements, it looks at those that lately had many records, and at others now and then.
    """
    limits = dict(Element.objects.order_by().values_list("pk", "debug_max_rows"))
    if sum(limits.values()) > EASY:
        lately = _written_lately()
        limits = {pk: limit for pk, limit in limits.items() if chance() < odds(limit, lately[pk])}
    alike = defaultdict(list)
    for pk, limit in limits.items():
        alike[limit].append(pk)
    surplus = dict[int, int]()
    for limit, pks in alike.items():
        records = DebugRecord.objects.filter(element=OuterRef("pk")).newest().values("pk")
        newest = Subquery(records[limit : limit + 1])
        found = Element.objects.filter(pk__in=pks).order_by().values_list("pk", newest)
        surplus.update({pk: record for pk, record in found if record is not None})
    return _overdue_by_number(surplus)


def oldest_of(model: type[Model], column: str, shares: Iterable[tuple[Backlog, int]]) -> list[tuple[int, int]]:
    """Return element and key of the oldest rows of each backlog, so many of each. One statement."""
    quote = connection.ops.quote_name
    table, name = quote(model._meta.db_table), quote(column)
    one = (
        f"SELECT * FROM (SELECT element_id, id FROM {table} WHERE element_id = %s AND {name} < %s"  # noqa: S608
        f" ORDER BY {name} LIMIT %s) AS oldest"
    )
    parts, parameters = list[str](), list[Any]()
    for backlog, share in shares:
        parts.append(one)
        parameters += [backlog.element_id, _stored(backlog.below), share]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        return cursor.fetchall()


def _oldest(kept: Retention, now: datetime) -> Subquery:
    rows = kept.model._default_manager.filter(element=OuterRef("pk"), **{f"{kept.column}__lt": now})
    return Subquery(rows.order_by(kept.column).values(kept.column)[:1])


def _old(element_id: int, oldest: datetime | None, limit: datetime) -> Backlog | None:
    return Backlog(element_id, limit, limit - oldest) if oldest is not None and oldest < limit else None


def _written_lately() -> Counter[int]:
    newest = DebugRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
    records = DebugRecord.objects.filter(pk__gt=newest - _LATELY).order_by()
    return Counter(dict(records.values_list("element_id").annotate(Count("pk"))))


def _overdue_by_number(surplus: dict[int, int]) -> list[Backlog]:
    """Return as backlogs what is given as the newest record that each element has too much."""
    if not surplus:
        return []
    oldest = Subquery(DebugRecord.objects.filter(element=OuterRef("pk")).order_by("at").values("at")[:1])
    began = dict(Element.objects.filter(pk__in=surplus).order_by().values_list("pk", oldest))
    ended = dict(DebugRecord.objects.filter(pk__in=surplus.values()).values_list("element_id", "at"))
    return _most_overdue_first(
        Backlog(pk, record + 1, ended[pk] - began[pk]) for pk, record in surplus.items() if pk in ended and began[pk]
    )


def _most_overdue_first(backlogs: Iterable[Backlog | None]) -> list[Backlog]:
    return sorted((each for each in backlogs if each), key=lambda each: each.overdue, reverse=True)


def _stored(value: datetime | int) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value

"""How large the database is, asked in ways that cost the same however large it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.db.models import Model

from elements.domain.machinery import spread
from elements.domain.wording import grouped
from elements.models import Action, Activity, Change, DebugRecord, Element, Instance, ScheduledEvent
from elements.usecases.prune import ACTION_DAYS, ACTIVITY_DAYS

# Rows are counted up to here; beyond, their numbers say how many there can be at most.
COUNTED = 100_000
_TABLES: dict[type[Model], str] = {
    Instance: "Instances",
    Change: "History",
    DebugRecord: "Debug records",
    Action: "Actions",
    Activity: "Activity",
    ScheduledEvent: "Scheduled events",
}


@dataclass(frozen=True, slots=True)
class Table:
    """About how many rows a table has, and how long they are kept; rows are None until PostgreSQL estimated them."""

    name: str
    rows: int | None
    how: str
    kept: str


@dataclass(frozen=True, slots=True)
class Database:
    """The engine, its size, SQLite's write-ahead log (None elsewhere) and the tables that grow."""

    engine: str
    size_bytes: int
    log_bytes: int | None
    tables: Sequence[Table]


def measure(elements: Sequence[Element]) -> Database:
    """Ask the database for its size, in two statements."""
    postgres = connection.vendor == "postgresql"
    size, rows = _of_postgres() if postgres else _of_sqlite()
    kept = _kept(elements)
    tables = [Table(name, *each, kept[model]) for (model, name), each in zip(_TABLES.items(), rows, strict=True)]
    return Database("PostgreSQL" if postgres else "SQLite", size, None if postgres else _log_bytes(), tables)


def _of_postgres() -> tuple[int, list[tuple[int | None, str]]]:
    names = [model._meta.db_table for model in _TABLES]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT relname, reltuples::bigint FROM pg_class"
            " WHERE oid = ANY (SELECT to_regclass(n) FROM unnest(%s::text[]) n)",
            [names],
        )
        estimates = dict(cursor.fetchall())
    return size, [_estimate(estimates.get(name, -1)) for name in names]


def _estimate(rows: int) -> tuple[int | None, str]:
    return (rows, "about") if rows >= 0 else (None, "")


def _of_sqlite() -> tuple[int, list[tuple[int | None, str]]]:
    columns = []
    for model in _TABLES:
        table, pk = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(model._meta.pk.attname)
        columns.append(f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {COUNTED + 1}))")  # noqa: S608 - our names
        columns.append(f"(SELECT MAX({pk}) FROM {table}) - (SELECT MIN({pk}) FROM {table}) + 1")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        size = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT {', '.join(columns)}")
        found = cursor.fetchone()
    pairs = zip(found[::2], found[1::2], strict=True)
    return size, [(most, "at most") if counted > COUNTED else (counted, "") for counted, most in pairs]


def _log_bytes() -> int:
    """Return the size of the write-ahead log beside the file; a database in memory has none."""
    try:
        return Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size
    except OSError:
        return 0


def _kept(elements: Sequence[Element]) -> dict[type[Model], str]:
    """Return for how long the rows of each table are kept."""
    gone = spread(one.gone_retention_days for one in elements)
    ended = spread(one.event_retention_days for one in elements)
    records = max((one.debug_max_rows for one in elements), default=0)
    debug = spread(one.debug_retention_days for one in elements)
    return {
        Instance: f"{gone} once gone" if gone else "",
        Change: spread(one.history_retention_days for one in elements),
        DebugRecord: f"{debug}, at most {grouped(records)} for each element" if debug else "",
        Action: f"{ACTION_DAYS} days",
        Activity: f"{ACTIVITY_DAYS} days",
        ScheduledEvent: f"{ended} once ended" if ended else "",
    }

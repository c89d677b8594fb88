"""Keep what a poll reads on disk until the read is complete, so that memory holds a page of it and no more."""

import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot

BATCH = 400
# A database without a name is a temporary file that nobody else can open and that goes with its connection.
_NAMELESS = ""
_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -4000;
    CREATE TABLE instances (id TEXT PRIMARY KEY, name TEXT, body BLOB);
    CREATE TABLE statuses (id TEXT PRIMARY KEY, body BLOB, has_events INTEGER);
    CREATE TABLE names (id TEXT PRIMARY KEY, name TEXT, shown TEXT);
    BEGIN;
"""
_ALL = "SELECT i.id, i.body, i.name, s.body FROM instances i LEFT JOIN statuses s USING (id)"

# Packed as plain values, snapshots take a third of the time; a time is dearer than all the others together.
_MEMBERS = [each.name for each in fields(InstanceSnapshot)]
_LAUNCHED_AT = _MEMBERS.index("launched_at")
_of_instance = attrgetter(*_MEMBERS)
_of_status = attrgetter(*(each.name for each in fields(StatusSnapshot)))


class Spooled(NamedTuple):
    """An instance with the name that its format gives, and its status when that was new too."""

    instance: InstanceSnapshot
    name: str
    status: StatusSnapshot | None


class Spool:
    """Snapshots of one read, by instance ID; the later one counts."""

    def __init__(self) -> None:
        self.instances = self.statuses = 0

    def add_instances(self, named: Iterable[tuple[InstanceSnapshot, str]]) -> None:
        """Keep instances with the names that the format gives them."""
        rows = [(each.instance_id, name, _packed_instance(each)) for each, name in named]
        self.instances += len(rows)
        self._insert("instances", 3, rows)

    def add_statuses(self, statuses: Iterable[StatusSnapshot]) -> None:
        """Keep statuses."""
        rows = [(each.instance_id, _packed(_of_status(each)), bool(each.events)) for each in statuses]
        self.statuses += len(rows)
        self._insert("statuses", 3, rows)

    def forget_instances(self) -> None:
        """Drop the instances, because reading them began anew."""
        if self.instances:
            self._db.execute("DELETE FROM instances")
            self.instances = 0

    def drop_instances(self, instance_ids: Iterable[str]) -> None:
        """Drop some of the instances."""
        self._delete("instances", instance_ids)

    def drop_statuses(self, instance_ids: Iterable[str]) -> None:
        """Drop some of the statuses."""
        self._delete("statuses", instance_ids)

    def forget_statuses(self) -> None:
        """Drop the statuses, because reading them began anew."""
        if self.statuses:
            self._db.execute("DELETE FROM statuses")
            self.statuses = 0

    def batches(self) -> Iterator[list[Spooled]]:
        """Yield the instances in the order of their IDs, each with its status."""
        for rows in self._pages(f"{_ALL} WHERE i.id > ?", "i.id") if self.instances else ():
            yield [_spooled(*row) for row in rows]

    def by_name(self) -> Iterator[list[Spooled]]:
        """Yield the same in the order of their names; nothing may be written down meanwhile.

        Most indexes of the database are in that order, or begin with what few values are of, so that rows stored in it
        touch a fraction of their pages.
        """
        if self.instances:
            self._db.execute("CREATE INDEX IF NOT EXISTS in_order ON instances (name COLLATE NOCASE, id)")
            found = self._db.execute(f"{_ALL} ORDER BY i.name COLLATE NOCASE, i.id")
            while rows := found.fetchmany(BATCH):
                yield [_spooled(*row) for row in rows]

    def lone_statuses(self) -> Iterator[list[StatusSnapshot]]:
        """Yield the statuses of instances that were not looked at."""
        query = "SELECT id, body FROM statuses WHERE id > ? AND id NOT IN (SELECT id FROM instances)"
        for rows in self._pages(query, "id") if self.statuses else ():
            yield [_status(body) for _, body in rows]

    def with_events(self) -> list[str]:
        """Return the IDs of the instances that have scheduled events."""
        found = self._db.execute("SELECT id FROM statuses WHERE has_events") if self.statuses else ()
        return [instance_id for (instance_id,) in found]

    def events(self, first: str, last: str) -> Iterator[StatusSnapshot]:
        """Yield the statuses that have scheduled events, of instances from one ID to another."""
        query = "SELECT body FROM statuses WHERE id BETWEEN ? AND ? AND has_events ORDER BY id"
        for (body,) in self._db.execute(query, (first, last)) if self.statuses else ():
            yield _status(body)

    def has_status(self, instance_id: str) -> bool:
        """Tell whether a status was new."""
        return bool(
            self.statuses and self._db.execute("SELECT 1 FROM statuses WHERE id = ?", (instance_id,)).fetchone()
        )

    def names(self) -> Iterator[list[tuple[str, str]]]:
        """Yield the instance IDs with the names that the format gives."""
        yield from self._pages("SELECT id, name FROM instances WHERE id > ?", "id") if self.instances else ()

    def rename(self, names: Iterable[tuple[str, str]]) -> None:
        """Give instances, by ID, the names of another format."""
        self._db.executemany("UPDATE instances SET name = ?2 WHERE id = ?1", list(names))

    def set_names(self, stored: Iterable[tuple[str, str, str]]) -> None:
        """Make all names findable: those of the instances here, and of the stored ones that are not.

        A stored one is its instance ID, the name that the format gives it, and the one that is shown.
        """
        self._db.execute("DELETE FROM names")
        self._db.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", stored)
        self._db.execute("INSERT OR REPLACE INTO names SELECT id, name, NULL FROM instances")
        self._db.execute("CREATE INDEX IF NOT EXISTS by_name ON names (name)")

    def alike(self) -> dict[str, str]:
        """Return the names that several instances have, by instance ID."""
        query = "SELECT id, name FROM names WHERE name IN (SELECT name FROM names GROUP BY name HAVING COUNT(*) > 1)"
        return dict(self._db.execute(query))

    def holders(self, names: Iterable[str]) -> dict[str, str]:
        """Return the instances that have one of the names, with it, by ID."""
        query, found = "SELECT id, name FROM names WHERE name = ?", dict[str, str]()
        for name in names:
            found.update(self._db.execute(query, (name,)).fetchall())
        return found

    def stored_names(self) -> Iterator[list[tuple[str, str, str]]]:
        """Yield what `set_names` was given of the instances that are not here, in the order of their names.

        Nothing may be written down meanwhile, see `by_name`.
        """
        found = self._db.execute("SELECT id, name, shown FROM names WHERE shown IS NOT NULL ORDER BY name, id")
        while rows := found.fetchmany(BATCH):
            yield rows

    def close(self) -> None:
        """Give the disk space back."""
        if "_db" in self.__dict__:
            self._db.close()

    def _insert(self, table: str, columns: int, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})", rows)  # noqa: S608

    def _delete(self, table: str, ids: Iterable[str]) -> None:
        if gone := [(each,) for each in ids]:
            self._db.executemany(f"DELETE FROM {table} WHERE id = ?", gone)  # noqa: S608

    def _pages(self, query: str, key: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query page by page; its first column is the key it goes on from."""
        last = ""
        while rows := self._db.execute(f"{query} ORDER BY {key} LIMIT {BATCH}", (last,)).fetchall():
            yield rows
            last = rows[-1][0]

    @cached_property
    def _db(self) -> sqlite3.Connection:
        db = sqlite3.connect(_NAMELESS, isolation_level=None, check_same_thread=False)
        db.executescript(_TABLES)
        return db


def _spooled(_: str, body: bytes, name: str, status: bytes | None) -> Spooled:
    return Spooled(_instance(body), name, _status(status) if status else None)


def _packed(values: object) -> bytes:
    return pickle.dumps(values, protocol=5)


def _packed_instance(each: InstanceSnapshot) -> bytes:
    values = list(_of_instance(each))
    values[_LAUNCHED_AT] = each.launched_at and each.launched_at.isoformat()
    return _packed(values)


def _instance(body: bytes) -> InstanceSnapshot:
    values = pickle.loads(body)  # noqa: S301
    launched_at = values[_LAUNCHED_AT]
    values[_LAUNCHED_AT] = launched_at and datetime.fromisoformat(launched_at)
    return InstanceSnapshot(*values)


def _status(body: bytes) -> StatusSnapshot:
    return StatusSnapshot(*pickle.loads(body))  # noqa: S301

"""Counts statements, rows written, and how long the database is locked for others, in whatever thread.

SQLite copies its log into the database within the call that commits, when others may write already. Here the same is
done by a call of its own, so that it does not count as locked.
"""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_FRAME = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|SET )", re.IGNORECASE)
# As SQLite does unless told otherwise: 1,000 pages.
_LOG_BYTES = 4_096_000
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE|COPY|REPLACE)\b", re.IGNORECASE)


class Meter:
    """`with Meter() as meter`: then `queries`, and the longest write transaction in seconds."""

    def __init__(self) -> None:
        self.queries, self.longest_write_s = 0, 0.0
        self._lock, self._of_thread = threading.Lock(), threading.local()

    def __enter__(self) -> Self:
        self._wrapped = list(connections.all())
        for each in self._wrapped:
            each.execute_wrappers.append(self._execute)
            _copy_log_after(each, pages=0)
        connection_created.connect(self._created)
        self._originals = {name: getattr(BaseDatabaseWrapper, name) for name in ("_commit", "_rollback")}
        for name, original in self._originals.items():
            setattr(BaseDatabaseWrapper, name, self._ending(original))
        return self

    def __exit__(self, *error: object) -> None:
        for name, original in self._originals.items():
            setattr(BaseDatabaseWrapper, name, original)
        connection_created.disconnect(self._created)
        for each in self._wrapped:
            if self._execute in each.execute_wrappers:
                each.execute_wrappers.remove(self._execute)
            _copy_log_after(each, pages=1000)

    def _created(self, connection: Any, **kwargs: Any) -> None:
        if self._execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._execute)
            self._wrapped.append(connection)
            _copy_log_after(connection, pages=0)

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        text = sql if isinstance(sql, str) else str(sql)
        began = time.monotonic()
        done = execute(sql, params, many, context)
        if _FRAME.match(text):
            # what BEGIN IMMEDIATE waits for is somebody else's transaction
            self._of_thread.began, self._of_thread.wrote = time.monotonic(), text.upper().startswith("BEGIN IMM")
            return done
        written = _WRITE.match(text)
        with self._lock:
            self.queries += 1
            if written and not context["connection"].in_atomic_block:
                self.longest_write_s = max(self.longest_write_s, time.monotonic() - began)
        if written:
            self._of_thread.wrote = True
            self._of_thread.began = getattr(self._of_thread, "began", began)
        return done

    def _ending(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def end(connection: Any) -> Any:
            done = original(connection)
            if getattr(self._of_thread, "wrote", False):
                with self._lock:
                    self.longest_write_s = max(self.longest_write_s, time.monotonic() - self._of_thread.began)
                _copy_log(connection)
            self._of_thread.__dict__.clear()
            return done

        return end


def _copy_log_after(wrapper: BaseDatabaseWrapper, *, pages: int) -> None:
    if wrapper.vendor == "sqlite" and wrapper.connection is not None:
        wrapper.connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")


def _copy_log(wrapper: BaseDatabaseWrapper) -> None:
    log = Path(f"{wrapper.settings_dict['NAME']}-wal")
    if wrapper.vendor == "sqlite" and log.exists() and log.stat().st_size > _LOG_BYTES:
        wrapper.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


class RowCounter:
    """`with RowCounter(table) as rows`: then `rows.written`, counted by triggers, whatever wrote and however."""

    def __init__(self, table: str) -> None:
        self._table, self.written = table, 0

    def __enter__(self) -> Self:
        with connection.cursor() as cursor:
            for statement in self._statements():
                cursor.execute(statement)
        return self

    def __exit__(self, *error: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM bench_rows")
            self.written = cursor.fetchone()[0]
            for event in ("INSERT", "UPDATE", "DELETE"):
                on = "" if connection.vendor == "sqlite" else f" ON {self._table}"
                cursor.execute(f"DROP TRIGGER bench_{event}{on}")
            cursor.execute("DROP TABLE bench_rows")

    def _statements(self) -> list[str]:
        made = ["CREATE TABLE bench_rows (n integer)"]
        does = "BEGIN INSERT INTO bench_rows VALUES (1); END"
        if connection.vendor != "sqlite":
            body = "BEGIN INSERT INTO bench_rows VALUES (1); RETURN NULL; END"
            made.append(f"CREATE OR REPLACE FUNCTION bench_row() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            does = "FOR EACH ROW EXECUTE FUNCTION bench_row()"
        events = ("INSERT", "UPDATE", "DELETE")
        return made + [f"CREATE TRIGGER bench_{event} AFTER {event} ON {self._table} {does}" for event in events]

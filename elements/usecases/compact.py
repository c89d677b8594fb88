"""Keep a SQLite database as small as what is in it. PostgreSQL does so by itself."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from elements.domain.strides import Stride

# A run ends after this long; the next one goes on a minute later.
RUN_S = 5.0
# The log of what was written grows past its usual 4 MB while somebody reads for long.
MOST_LOG_BYTES = 32_000_000
# Free pages are given back down to this share of the file: what is written next needs some.
KEPT_FREE = 0.05
_INCREMENTAL = 2
# Whoever reads right now ends the attempt, for nobody could write as long as it waits.
_PATIENCE_MS = 50


def compact(*, clock: Callable[[], float] = time.monotonic) -> None:
    """Give disk space back that rows no longer need, in small steps, and empty the log when it has grown large."""
    if connection.vendor == "sqlite":
        _give_back(clock)
        if _log_bytes() > MOST_LOG_BYTES:
            _empty_log()


def begin_compact(sender: Any, using: str, **kwargs: Any) -> None:
    """Let a database without any table be one that can give back space, before the first table is made."""
    if connection.vendor == "sqlite" and using == connection.alias and not connection.introspection.table_names():
        _pragma("auto_vacuum = INCREMENTAL")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")


def _give_back(clock: Callable[[], float]) -> None:
    if _pragma("auto_vacuum") != _INCREMENTAL:
        return
    until, stride = clock() + RUN_S, Stride()
    while clock() < until:
        surplus = _pragma("freelist_count") - int(_pragma("page_count") * KEPT_FREE)
        if surplus <= 0:
            return
        pages, began = min(stride.size, surplus), clock()
        _pragma(f"incremental_vacuum({pages})")
        stride.took(pages, clock() - began)


def _log_bytes() -> int:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    return log.stat().st_size if log.exists() else 0


def _empty_log() -> None:
    """Copy the log into the database, which keeps nobody waiting, then cut off what came meanwhile, which does."""
    _pragma("wal_checkpoint(PASSIVE)")
    patience = _pragma("busy_timeout")
    _pragma(f"busy_timeout = {_PATIENCE_MS}")
    try:
        _pragma("wal_checkpoint(TRUNCATE)")
    finally:
        _pragma(f"busy_timeout = {patience}")


def _pragma(text: str) -> int:
    """Run a pragma to its end and return the first number that it says."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {text}")
        rows = cursor.fetchall()
    return int(rows[0][0]) if rows else 0

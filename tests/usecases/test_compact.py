"""All on a real file: what is measured is its size."""

import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from elements.usecases import compact

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"


@pytest.fixture
def open_database(tmp_path, monkeypatch):
    """Open files as ec2mon does; compact takes the one opened last for its own."""
    opened = []

    def open_(name="new.sqlite3"):
        database = DatabaseWrapper({**connections.settings["default"], "NAME": str(tmp_path / name)}, "default")
        monkeypatch.setattr(compact, "connection", database)
        opened.append(database)
        return database

    yield open_
    for database in opened:
        database._close()


@pytest.fixture
def database(open_database):
    """Return a database that was empty when its first migration began."""
    database = open_database()
    compact.begin_compact(sender=None, using="default")
    run(database, "CREATE TABLE rows (id INTEGER PRIMARY KEY, text)")
    return database


def run(database, sql):
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def fill(database, rows):
    series = f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})"
    run(database, f"{series} INSERT INTO rows (text) SELECT hex(zeroblob(500)) FROM n")


def size(database):
    """Return the size of the file when all that was written is in it."""
    run(database, "PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(database.settings_dict["NAME"]).stat().st_size


def log_size(database):
    return Path(f"{database.settings_dict['NAME']}-wal").stat().st_size


def test_a_migrated_database_can_give_space_back():
    with connection.cursor() as cursor:
        mode = cursor.execute("PRAGMA auto_vacuum").fetchone()[0]

    assert mode == compact._INCREMENTAL


def test_what_rows_took_is_given_back_but_for_a_twentieth(database):
    fill(database, 5_000)
    full = size(database)
    run(database, "DELETE FROM rows WHERE id > 500")

    compact.compact()

    pages, free = run(database, "PRAGMA page_count")[0][0], run(database, "PRAGMA freelist_count")[0][0]
    assert size(database) < full / 5
    assert 0 < free <= pages * compact.KEPT_FREE + 1
    assert run(database, "SELECT COUNT(*) FROM rows") == [(500,)]
    assert run(database, "PRAGMA integrity_check") == [("ok",)]


def test_space_is_given_back_in_steps_and_only_as_long_as_a_run_lasts(database):
    fill(database, 5_000)
    full = size(database)
    run(database, "DELETE FROM rows")
    moments = iter([0.0, 1.0, 2.0, 3.0, compact.RUN_S + 1])

    compact.compact(clock=lambda: next(moments))

    assert 0 < full - size(database) <= 100 * 4096


def test_a_database_of_an_earlier_version_is_left_as_it_is_until_the_documented_line_is_run(open_database, tmp_path):
    (tmp_path / "data").mkdir()
    database = open_database("data/ec2mon.sqlite3")
    run(database, "CREATE TABLE rows (id INTEGER PRIMARY KEY, text)")
    compact.begin_compact(sender=None, using="default")
    fill(database, 5_000)
    run(database, "DELETE FROM rows WHERE id > 500")
    full = size(database)
    compact.compact()
    left_alone = size(database)
    database._close()
    line = re.search(r'^ +\.venv/bin/python -c "(.*VACUUM.*)"$', OPERATING.read_text(), re.MULTILINE).group(1)

    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, check=True)

    database = open_database("data/ec2mon.sqlite3")
    assert left_alone == full
    assert size(database) < full / 5
    assert run(database, "PRAGMA auto_vacuum") == [(compact._INCREMENTAL,)]
    assert run(database, "PRAGMA journal_mode") == [("wal",)]


def test_the_log_is_cut_off_when_it_has_grown(database, monkeypatch):
    monkeypatch.setattr(compact, "MOST_LOG_BYTES", 500_000)
    fill(database, 1_000)
    grown = log_size(database)

    compact.compact()

    assert grown > 500_000
    assert log_size(database) == 0


def test_a_small_log_is_left_alone(database):
    fill(database, 1_000)
    grown = log_size(database)

    compact.compact()

    assert log_size(database) == grown


def test_the_log_shrinks_by_itself_after_it_had_to_grow(database):
    fill(database, 30_000)
    grown = log_size(database)

    run(database, "PRAGMA wal_checkpoint(RESTART)")
    fill(database, 1)

    assert grown > 16_000_000
    assert log_size(database) <= 16_000_000


def test_somebody_who_reads_for_long_keeps_no_writer_waiting(database, monkeypatch):
    monkeypatch.setattr(compact, "MOST_LOG_BYTES", 0)
    fill(database, 10)
    reader = sqlite3.connect(database.settings_dict["NAME"], isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM rows").fetchall()
    fill(database, 10)
    patience = run(database, "PRAGMA busy_timeout")

    began = time.monotonic()
    compact.compact()
    waited_s = time.monotonic() - began
    reader.close()

    assert waited_s < 5
    assert log_size(database) > 0
    assert run(database, "PRAGMA busy_timeout") == patience

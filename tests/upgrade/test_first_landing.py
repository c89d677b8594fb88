"""The database of the first landing, brought up to date by this version: everything is kept, and nothing is sent."""

import os
import sqlite3
import uuid
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.upgrade import saved
from tests.upgrade.saved import Installation

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return saved.write(tmp_path_factory.mktemp("saved") / "first.sqlite3")


@pytest.mark.once
def test_sqlite(old, tmp_path):
    installation = Installation(tmp_path / "data")
    saved.write(installation.database)

    facts = installation.facts("--migrate")

    saved.assert_everything_is_kept(facts, old)


@pytest.mark.services
def test_postgresql(old, tmp_path):
    installation = Installation(tmp_path / "data", DATABASE_URL=_fresh_database())
    with closing(_connect(installation.env["DATABASE_URL"])) as server:
        installation.manage("shell", "-c", _MAKE_TABLES_OF_THEN)
        _load(server, old)

    facts = installation.facts("--migrate")

    saved.assert_everything_is_kept(facts, old)


_MAKE_TABLES_OF_THEN = (
    "from django.core.management import call_command as call;"
    "[call('migrate', app, verbosity=0) for app in ('django_q', 'contenttypes', 'auth', 'sessions')];"
    "call('migrate', 'elements', '0001', verbosity=0)"
)


def _fresh_database():
    """Make an empty database beside the one of the tests, and return its URL."""
    known, name = urlsplit(os.environ["DATABASE_URL"]), f"ec2mon_upgrade_{uuid.uuid4().hex[:12]}"
    with closing(_connect(known.geturl())) as server:
        server.execute(f"CREATE DATABASE {name}")
    return known._replace(path=f"/{name}").geturl()


def _connect(url):
    import psycopg

    return psycopg.connect(url, autocommit=True)


def _load(server, old):
    """Put the rows of the SQLite database into the tables of the same migrations."""
    types = {
        (table, column): kind
        for table, column, kind in server.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
    }
    tables = {table for table, _ in types} - {"django_migrations"}
    server.execute("SET session_replication_role = replica")  # the order of tables does not matter then
    with closing(sqlite3.connect(old)) as rows:
        rows.row_factory = sqlite3.Row
        for table in sorted(tables):
            server.execute(f'TRUNCATE "{table}" CASCADE')
        for table in sorted(tables):
            for row in rows.execute(f'SELECT * FROM "{table}"'):
                columns = row.keys()
                values = [bool(row[c]) if types[table, c] == "boolean" else row[c] for c in columns]
                names = ", ".join(f'"{c}"' for c in columns)
                server.execute(
                    f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(columns))})',
                    values,
                )
            if types.get((table, "id")) in ("bigint", "integer"):
                server.execute(f"""SELECT setval(pg_get_serial_sequence('"{table}"', 'id'), max(id)) FROM "{table}" """)

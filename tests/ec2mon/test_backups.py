"""Copies are taken while ec2mon works and put back while it does not; what was under way then does not go on."""

import re
import socket
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from ec2mon import backups
from simulator.server import Simulator
from tests.upgrade import saved
from tests.upgrade.saved import Installation

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data")
    saved.write(made.database)
    return made


def rows(file, sql):
    with closing(sqlite3.connect(file)) as database:
        return database.execute(sql).fetchall()


def beat(file, host):
    at = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO elements_workerbeat (queue, host, at) VALUES ('clock', ?, ?)", (host, at))


def test_a_copy_taken_while_others_write_is_whole_private_and_without_sign_ins(tmp_path):
    database, copy, stopped = saved.write(tmp_path / "live.sqlite3"), tmp_path / "copy", threading.Event()
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO django_session VALUES ('the-session-of-maria', 'x', '2030-01-01')")
        db.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")

    def write():
        with closing(sqlite3.connect(database, timeout=20)) as db:
            for number in range(10_000):
                if stopped.is_set():
                    return
                with db:
                    db.execute("INSERT INTO pairs VALUES (?, 0)", (number,))
                    db.execute("UPDATE pairs SET b = a WHERE b = 0")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backups.take(database, copy.with_name(f"copy-{number}"))
    finally:
        stopped.set()
        writer.join()

    for number in range(5):
        file = copy.with_name(f"copy-{number}")
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]
        assert rows(file, "SELECT count(*) FROM pairs WHERE a != b") == [(0,)]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"the-session-of-maria" not in file.read_bytes()
    assert rows(database, "SELECT count(*) FROM django_session") == [(1,)]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_copy_overwrites_nothing_and_leaves_nothing_half_done(tmp_path):
    database, file = saved.write(tmp_path / "live.sqlite3"), tmp_path / "copy"
    file.write_text("dear to somebody")
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(database.read_bytes()[:40_000])

    for source, target in ((database, file), (broken, tmp_path / "other"), (database, tmp_path / "no" / "such")):
        with pytest.raises(backups.Refused):
            backups.take(source, target)

    assert file.read_text() == "dear to somebody"
    assert {path.name for path in tmp_path.iterdir()} == {"live.sqlite3", "copy", "broken.sqlite3"}


def test_a_copy_goes_to_a_drive_without_hard_links_too_and_overwrites_nothing_there(tmp_path, monkeypatch):
    database, file = saved.write(tmp_path / "live.sqlite3"), tmp_path / "copy"

    def no_links(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(backups.os, "link", no_links)

    backups.take(database, file)
    with pytest.raises(backups.Refused, match="exists and is left as it is"):
        backups.take(database, file)

    assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"live.sqlite3", "copy"}


def test_the_key_is_no_part_of_a_copy_unless_asked_for(installation, tmp_path):
    installation.manage("migrate", "-v0")

    said = installation.manage("backup", str(tmp_path / "plain"))
    warned = installation.manage("backup", str(tmp_path / "both"), "--with-key")
    refused = installation.refused("backup", str(tmp_path / "both"), "--with-key")

    assert "needs FIELD_ENCRYPTION_KEY" in said
    assert not (tmp_path / "plain.key").exists()
    assert saved.ENCRYPTION_KEY.encode() not in (tmp_path / "plain").read_bytes()
    key = tmp_path / "both.key"
    assert key.read_text() == f"FIELD_ENCRYPTION_KEY={saved.ENCRYPTION_KEY}\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "has the AWS keys of all elements: part them" in warned
    assert "exists and is left as it is" in refused


def test_a_copy_of_an_old_version_on_a_new_machine_shows_ages_and_sends_nothing(tmp_path):
    with Simulator(delay_s=0) as aws:
        copy, machine = saved.write(tmp_path / "backup.sqlite3"), Installation(tmp_path / "new")
        with closing(sqlite3.connect(copy)) as db, db:
            db.execute("UPDATE elements_element SET endpoint_url = ?, sts_endpoint_url = ?", (aws.url, aws.url))
            # As if the copy had been taken a moment ago: what was asked for could still be sent.
            at = [datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=ahead) for ahead in (0, 59)]
            moments = [moment.isoformat(sep=" ") for moment in at]
            db.execute(
                "UPDATE elements_action SET requested_at = ?, expires_at = ? WHERE status = 'requested'", moments
            )
            db.execute("UPDATE elements_poll SET lease = 'x', leased_until = '2099-01-01'")

        said = machine.manage("restore", str(copy))
        machine.manage("shell", "-c", _TICK)

        facts = machine.facts()
        saved.assert_everything_is_kept(facts, copy)
        assert "Start ec2mon: until it has polled, pages show how old all is." in said
        assert "The former database" not in said
        assert re.search(r"last known state, .*old", facts["pages"]["/e/studio-koln/instances/"][1], re.DOTALL)
        sent = [call.action for call in aws.journal()]
        assert not {"StartInstances", "StopInstances", "RebootInstances"} & set(sent)
    assert rows(machine.database, "SELECT lease, leased_until FROM elements_poll") == [("", None)] * 2
    assert rows(machine.database, "SELECT count(*) FROM elements_workerbeat") == [(0,)]
    [(text,)] = rows(machine.database, "SELECT text FROM elements_activity WHERE username = 'ec2mon'")
    assert text == "Database restored from backup.sqlite3"


_TICK = (
    "from elements import tasks; from elements.models import Action; from django.utils import timezone;"
    "tasks.tick(timezone.now());"
    "[tasks.perform_actions(one.element_id, [one.pk]) for one in Action.objects.all()];"
    "[tasks.follow(one.element_id) for one in Action.objects.all()]"
)


def test_the_former_database_is_kept_and_a_wrong_key_is_said(installation, tmp_path):
    installation.manage("backup", str(tmp_path / "copy"))
    with closing(sqlite3.connect(installation.database)) as db, db:
        db.execute("UPDATE elements_element SET name = 'Later' WHERE name = 'Studio Köln'")
    installation.env["FIELD_ENCRYPTION_KEY"] = Fernet.generate_key().decode()

    said = installation.manage("restore", str(tmp_path / "copy"))

    [aside] = installation.database.parent.glob("ec2mon.sqlite3.before-*")
    assert str(aside) in said
    assert rows(aside, "SELECT count(*) FROM elements_element WHERE name = 'Later'") == [(1,)]
    assert rows(installation.database, "SELECT count(*) FROM elements_element WHERE name = 'Later'") == [(0,)]
    assert "FIELD_ENCRYPTION_KEY does not open stored AWS keys" in said


def test_a_database_behind_a_link_is_replaced_where_it_lies_and_put_back_there(installation, tmp_path):
    disk, count = tmp_path / "disk", "SELECT count(*) FROM elements_element"
    disk.mkdir()
    there = installation.database.rename(disk / "live.sqlite3")
    installation.database.symlink_to(there)
    good, bad = saved.write(tmp_path / "good"), saved.write(tmp_path / "bad")
    with closing(sqlite3.connect(good)) as db, db:
        db.execute("UPDATE elements_element SET name = 'Of the copy' WHERE name = 'Studio Köln'")
    with closing(sqlite3.connect(bad)) as db, db:
        db.execute("DROP TABLE elements_debugrecord")

    installation.manage("restore", str(good))
    refused = installation.refused("restore", str(bad))

    assert "The former database is back." in refused
    assert installation.database.readlink() == there
    assert rows(there, f"{count} WHERE name = 'Of the copy'") == [(1,)]
    [aside] = disk.glob("live.sqlite3.before-*")
    assert not aside.is_symlink() and rows(aside, f"{count} WHERE name = 'Of the copy'") == [(0,)]
    assert list(installation.database.parent.glob("ec2mon.sqlite3*")) == [installation.database]


def test_nothing_is_restored_while_something_works_unless_forced(installation, tmp_path):
    copy = saved.write(tmp_path / "copy")
    beat(installation.database, f"{socket.gethostname()}:999999999")  # of a `manage.py up` that has ended
    assert backups.who_works(installation.database, datetime.now(UTC)) == []

    beat(installation.database, "studio-pc:1234")
    refused = installation.refused("restore", str(copy))
    forced = installation.manage("restore", str(copy), "--force")

    assert "studio-pc:1234 works on the database. End that first (or --force). Nothing was changed." in refused
    assert "is restored" in forced


def test_an_open_database_is_in_use_whoever_has_it(installation):
    with closing(sqlite3.connect(installation.database)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM elements_element").fetchone()

        assert backups.who_works(installation.database, datetime.now(UTC)) == [""]
    assert backups.who_works(installation.database, datetime.now(UTC)) == []


@pytest.mark.parametrize("kind", ["none", "text", "other", "newer", "damaged"])
def test_what_is_no_backup_of_this_version_changes_nothing(tmp_path, kind):
    database, file = saved.write(tmp_path / "live.sqlite3"), tmp_path / "file"
    before = database.read_bytes()
    if kind == "text":
        file.write_text("no database " * 1000)
    elif kind != "none":
        saved.write(file)
    if kind == "damaged":
        file.write_bytes(file.read_bytes()[:100_000] + b"\xff" * 50_000)
    with closing(sqlite3.connect(file)) as db, db:
        if kind == "other":
            db.execute("DELETE FROM django_migrations")
        if kind == "newer":
            db.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('elements', '9999_x', '2030-01-01')")
    if kind == "none":
        file.unlink()

    with pytest.raises(backups.Refused):
        backups.restore(file, database, datetime.now(UTC))

    assert database.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} - {"file"} == {"live.sqlite3"}


def test_a_restore_that_cannot_be_brought_up_to_date_is_undone(installation, tmp_path):
    installation.manage("migrate", "-v0")
    copy = saved.write(tmp_path / "copy")
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("DROP TABLE elements_debugrecord")
    before = rows(installation.database, "SELECT app, name FROM django_migrations")

    said = installation.refused("restore", str(copy))

    assert "cannot be brought up to date" in said and "The former database is back." in said
    assert rows(installation.database, "SELECT app, name FROM django_migrations") == before
    assert list(installation.database.parent.glob("ec2mon.sqlite3.before-*")) == []


def test_postgresql_is_told_in_exact_lines_without_the_password(tmp_path):
    url = "postgres://ec2mon:hidden-word@db.example.org:5433/monitor"
    installation = Installation(tmp_path / "data", DATABASE_URL=url)

    dump = installation.refused("backup", "/backups/a b.dump")
    restore = installation.refused("restore", "/backups/a b.dump")

    where = "postgres://ec2mon@db.example.org:5433/monitor"
    assert f"(umask 077 && pg_dump --format=custom '--file=/backups/a b.dump' --dbname {where})" in dump
    line = f"pg_restore --clean --if-exists --no-owner --single-transaction --dbname {where} '/backups/a b.dump'"
    assert line in restore
    assert "hidden-word" not in dump + restore

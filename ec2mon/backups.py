"""Copies of an SQLite database: taken while ec2mon works, and put back while it does not."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ec2mon import running, schema
from elements.models.worker_beats import SILENT_AFTER_S
from elements.usecases.follow_actions import NOT_SENT

# Beside the database and its copy while they are used.
_COMPANIONS = ("-wal", "-shm", "-journal")
_PATIENCE_S = 20.0
_FORGET_SIGN_INS = "PRAGMA secure_delete = ON; DELETE FROM django_session; PRAGMA journal_mode = DELETE;"


class Refused(Exception):
    """Nothing was changed, and why."""


def take(database: Path, file: Path) -> None:
    """Write a copy of the database that can be relied on: whole, checked, on disk, for its owner's eyes.

    Raises Refused. It holds no sign-ins: whoever reads it must not become somebody else.
    """
    if not database.is_file():
        raise Refused(f"There is no database at {database}.")
    with _fresh(file) as fresh:
        try:
            _copy(database, fresh)
            with _open(fresh) as copy:
                copy.executescript(_FORGET_SIGN_INS)
            _check(fresh)
        except sqlite3.Error as error:
            raise Refused(f"The database cannot be copied: {error}.") from None
        _put(fresh, file)


def write_key(text: str, file: Path) -> None:
    """Write the encryption key beside a copy; raises Refused."""
    with _fresh(file) as fresh:
        fresh.write_text(text)
        _put(fresh, file)


def who_works(database: Path, now: datetime) -> list[str]:
    """Return the hosts that work on a database, or [""] when somebody has it open without saying who."""
    if not database.is_file():
        return []
    lately = (now - timedelta(seconds=SILENT_AFTER_S)).replace(tzinfo=None).isoformat(sep=" ")
    with _open(database, patience_s=0.5) as db:
        try:
            beats = db.execute("SELECT host FROM elements_workerbeat WHERE at > ?", (lately,)).fetchall()
            found = running.alive(host for (host,) in beats)
            if found:
                return found
            db.execute("PRAGMA journal_mode = DELETE")  # not while another connection is open
        except sqlite3.OperationalError as error:
            return [""] if "locked" in str(error) else []
        except sqlite3.DatabaseError:  # broken: all the more reason to put another there
            return []
    return []


def restore(file: Path, database: Path, now: datetime) -> Path | None:
    """Put a copy in the place of the database, and return where the former one is kept; raises Refused.

    What was under way when the copy was taken is not: nothing that was asked for then is sent to AWS now.
    """
    if not file.is_file():
        raise Refused(f"There is no file {file}.")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = database.with_name(f"{database.name}.before-{now:%Y%m%d-%H%M%S}")
    with _fresh(database) as fresh:
        try:
            _copy(file, fresh)
            _check(fresh)
            with _open(fresh) as copy:
                _settle(copy, now)
        except sqlite3.DatabaseError as error:
            raise Refused(f"{file} is no database that can be restored: {error}.") from None
        if not database.exists():
            _put(fresh, database)
            return None
        _keep(database, aside)
        _sync(fresh)
        _replace(fresh, database)
    return aside


def put_back(aside: Path | None, database: Path) -> None:
    """Undo a restore."""
    for path in (*_companions(database), *([] if aside else [database])):
        path.unlink(missing_ok=True)
    if aside:
        _replace(aside, database)


def _settle(copy: sqlite3.Connection, now: datetime) -> None:
    """Let nothing of that time go on. These tables are as they were in every version; the copy may be of an old one."""
    done = frozenset(copy.execute("SELECT app, name FROM django_migrations").fetchall())
    if ("elements", "0001_tables") not in done:
        raise Refused("It is a database, but not of ec2mon.")
    if too_new := schema.newer(done):
        raise Refused(too_new)
    at = now.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    with copy:
        for table in ("django_session", "django_q_ormq", "elements_workerbeat"):
            copy.execute(f"DELETE FROM {table}")  # noqa: S608
        copy.execute("UPDATE elements_poll SET lease = '', leased_until = NULL, due_at = ?", (at,))
        copy.execute(
            "UPDATE elements_action SET status = 'expired', message = ?, settled_at = ? WHERE status = 'requested'",
            (NOT_SENT, at),
        )


def _copy(source: Path, target: Path) -> None:
    with _open(source, mode="ro") as there, _open(target) as here:
        there.backup(here)


def _check(file: Path) -> None:
    """Read all of a copy before anybody relies on it."""
    with _open(file) as db:
        (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise Refused(f"The copy is damaged: {said}.")


@contextlib.contextmanager
def _open(path: Path, *, mode: str = "rw", patience_s: float = _PATIENCE_S) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=patience_s)) as db:
        yield db


@contextlib.contextmanager
def _fresh(beside: Path) -> Iterator[Path]:
    """Make an empty file beside another that only its owner may read; it goes unless it gets a name."""
    try:
        handle, name = tempfile.mkstemp(dir=beside.resolve().parent, prefix=f".{beside.name}.")
    except OSError as error:
        raise Refused(f"Nothing can be written to {beside.parent}: {error.strerror}.") from None
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for each in (path, *_companions(path)):
            each.unlink(missing_ok=True)


def _put(fresh: Path, file: Path) -> None:
    """Give a file its name once all of it is on disk, unless that is taken."""
    _sync(fresh)
    try:
        _link(fresh, file)
    except OSError:  # memory sticks and some network drives know no second name
        try:
            file.touch(exist_ok=False)
        except FileExistsError:
            raise _taken(file) from None
        fresh.replace(file)
    _sync(file.resolve().parent)


def _keep(database: Path, aside: Path) -> None:
    """Give a database a second name, and its log that name alone: with it another one would be read wrongly."""
    _link(database, aside)
    for log, kept in zip(_companions(database), _companions(aside), strict=True):
        with contextlib.suppress(FileNotFoundError):
            log.rename(kept)


def _replace(fresh: Path, database: Path) -> None:
    """Let a file be the database, at once: no start in between finds none, and makes an empty one."""
    fresh.replace(database)
    _sync(database.resolve().parent)


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileExistsError:
        raise _taken(name) from None


def _taken(name: Path) -> Refused:
    return Refused(f"{name} exists and is left as it is.")


def _companions(file: Path) -> Iterator[Path]:
    return (Path(f"{file}{end}") for end in _COMPANIONS)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

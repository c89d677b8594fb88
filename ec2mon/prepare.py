"""Brings an installation up to date before its processes start: database, static files, the first administrator."""

import hashlib
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from ec2mon import running, schema
from elements.models import Activity
from elements.models.worker_beats import SILENT_AFTER_S

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The database is not for this version to work on as it is, and why."""


ADMINISTRATOR = "admin"
PATIENCE_S = 60.0
# Longer than a host that works keeps silent.
SILENCE_S = SILENT_AFTER_S + 15
# Any number will do, as long as it is always the same.
_MIGRATION_LOCK = 6_320_211


def prepare() -> None:
    """Make tables and static files what this version needs."""
    settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    _wait_for_database()
    with _one_machine_at_a_time():
        _migrate()
    _collect_static_files()
    for message in run_checks(databases=["default"], tags=[Tags.database]):
        log.warning("%s %s", message.msg, message.hint or "")


def _migrate() -> None:
    """Bring the tables up to date, unless that is for another version to do, or the former one still works on them."""
    if "django_migrations" in connection.introspection.table_names():
        done = schema.applied()
        if too_new := schema.newer(done):
            raise CannotStart(too_new)
        if schema.known() - done:
            _wait_for_former_version()
    call_command("migrate", interactive=False, verbosity=0)


def _wait_for_former_version() -> None:
    """Wait until nobody works on the tables that are about to change; whoever has just been ended falls silent soon."""
    until, said = time.monotonic() + SILENCE_S, False
    while working := running.hosts(timezone.now()):
        who = " and ".join(working)
        if time.monotonic() >= until:
            raise CannotStart(f"The database must be migrated, but the former version still works on it: end {who}.")
        if not said:
            log.warning("the database must be migrated: waiting until %s works no more", who)
        said = True
        time.sleep(1)


def first_administrator() -> str | None:
    """Create an administrator when nobody can sign in yet, and return the password; None otherwise."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            users.create_superuser(ADMINISTRATOR, password=password)  # type: ignore[attr-defined]
            text = f"Created the first administrator, {ADMINISTRATOR}"
            Activity.objects.note(by="ec2mon", kind="setting", text=text, now=timezone.now())
    except IntegrityError:  # another machine starts at the same time
        return None
    return password


def _wait_for_database() -> None:
    """Give a database that starts at the same time as ec2mon a minute."""
    until, said = time.monotonic() + PATIENCE_S, False
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError as error:
            if time.monotonic() >= until or "unable to open" in str(error):  # a file does not come by waiting
                raise
            if not said:
                log.warning("waiting for the database: %s", str(error).strip())
            said = True
        time.sleep(1)


@contextmanager
def _one_machine_at_a_time() -> Iterator[None]:
    """Let machines that share a PostgreSQL database migrate it one after the other."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def _collect_static_files() -> None:
    """Collect static files, unless the same ones have been collected before: that takes most of a start."""
    mark, fresh = settings.DATA_DIR / "static.digest", _static_digest()
    if settings.STATIC_ROOT.is_dir() and mark.is_file() and mark.read_text() == fresh:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(fresh)


def _static_digest() -> str:
    """Return what changes whenever a static file or the way they are stored does."""
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = (path, storage.size(path), storage.get_modified_time(path))
            digest.update(repr(stat).encode())
    return digest.hexdigest()

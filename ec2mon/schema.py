"""Whether the database is what this version of ec2mon works on."""

from functools import cache

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from elements.domain.wording import plural

Migrations = frozenset[tuple[str, str]]


@cache
def known() -> Migrations:
    """Return the migrations that this version brings; a process knows those it was started with."""
    loader = MigrationLoader(None)
    return frozenset(loader.disk_migrations) | frozenset(loader.replacements)


def applied() -> Migrations:
    """Return those that the database has seen, in one statement; raises DatabaseError before the first."""
    rows = MigrationRecorder.Migration.objects.using(DEFAULT_DB_ALIAS).values_list("app", "name")
    return frozenset(rows)


def trouble() -> str:
    """Return in a sentence why this version cannot work on the database, "" when it can."""
    if "django_migrations" not in connection.introspection.table_names():
        return "The database is empty. `manage.py up` makes its tables."
    done = applied()
    number = len(known() - done)
    return newer(done) or (f"{plural(number, 'migration')} not applied. `manage.py up` applies them." if number else "")


def newer(done: Migrations) -> str:
    """Return in a sentence that another version has migrated the database, "" when none has."""
    apps = {app for app, _ in known()}
    unknown = [name for app, name in done - known() if app in apps]
    if not unknown:
        return ""
    return (
        f"A newer version of ec2mon has migrated the database ({max(unknown)}); this one must not work on it."
        " Install that version here too, or restore a backup."
    )

"""`manage.py restore FILE`: put a copy in the place of the database, while ec2mon does not work."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from ec2mon import backups, postgres_line
from elements.models import Activity
from elements.usecases.readiness import key_trouble


class Command(BaseCommand):
    """Restore. Exit code 0: the copy is in place and brought up to date; 1: everything is as it was."""

    help = (
        "Put a copy that `backup` made in the place of the database, and bring it up to date. The former database is"
        " kept beside it. Nothing that was asked for when the copy was made is sent to AWS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="although something may work on the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, or say how PostgreSQL does."""
        file: Path = options["file"]
        if not settings.SQLITE:
            raise CommandError(f"The database is PostgreSQL. End ec2mon, then:\n{postgres_line.restore(file)}")
        # Where a link leads is where SQLite has its files, and where there was room for them; the link stays.
        database = Path(settings.DATABASES["default"]["NAME"]).resolve()
        now = timezone.now()
        connections.close_all()
        try:
            if not options["force"]:
                _refuse_while_used(backups.who_works(database, now))
            aside = backups.restore(file, database, now)
        except backups.Refused as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        self._bring_up_to_date(file, aside, database)
        kept = f" The former database is {aside}." if aside else ""
        self.stdout.write(f"{file} is restored.{kept} Start ec2mon: until it has polled, pages show how old all is.")
        if trouble := key_trouble():
            self.stderr.write(f"{trouble} Put the key of that time into .env.")

    def _bring_up_to_date(self, file: Path, aside: Path | None, database: Path) -> None:
        try:
            call_command("migrate", interactive=False, verbosity=0)
            text = f"Database restored from {file.name}"
            Activity.objects.note(by="ec2mon", kind="setting", text=text, now=timezone.now())
        except Exception as error:
            connections.close_all()
            backups.put_back(aside, database)
            raise CommandError(f"{file} cannot be brought up to date: {error}. The former database is back.") from error


def _refuse_while_used(by: list[str]) -> None:
    if by:
        who = " and ".join(filter(None, by)) or "another program"
        raise backups.Refused(f"{who} works on the database. End that first (or --force).")

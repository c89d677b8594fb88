"""`manage.py backup FILE`: a copy of the database, while ec2mon works."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ec2mon import backups, postgres_line


class Command(BaseCommand):
    """Copy. Exit code 0: the copy is whole and on disk; 1: there is none, and nothing was changed."""

    help = (
        "Copy the SQLite database to FILE, while ec2mon works. The copy is consistent, checked, readable by its owner"
        " alone, and holds neither sign-ins nor FIELD_ENCRYPTION_KEY, without which nobody reads the AWS keys in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path, help="where to write the copy; a file that exists is left as it is")
        parser.add_argument("--with-key", action="store_true", help="write FIELD_ENCRYPTION_KEY to FILE.key, too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy, or say how PostgreSQL does."""
        file: Path = options["file"]
        if not settings.SQLITE:
            raise CommandError(f"The database is PostgreSQL, which makes its own copies:\n{postgres_line.dump(file)}")
        key_file = file.with_name(f"{file.name}.key")
        try:
            if options["with_key"] and key_file.exists():
                raise backups.Refused(f"{key_file} exists and is left as it is.")
            backups.take(Path(settings.DATABASES["default"]["NAME"]), file)
            self.stdout.write(f"{file}: {file.stat().st_size} bytes, checked.")
            if options["with_key"]:
                backups.write_key(f"FIELD_ENCRYPTION_KEY={','.join(settings.FIELD_ENCRYPTION_KEY)}\n", key_file)
                self.stderr.write(f"Whoever has {file} and {key_file} has the AWS keys of all elements: part them.")
            else:
                self.stdout.write("To be of use it needs FIELD_ENCRYPTION_KEY of .env: keep that elsewhere.")
        except backups.Refused as error:
            raise CommandError(str(error)) from None

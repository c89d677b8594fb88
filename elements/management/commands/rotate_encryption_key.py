"""`manage.py rotate_encryption_key`: encrypt all stored keys with the first key of FIELD_ENCRYPTION_KEY."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from elements.domain.wording import plural
from elements.usecases.rotate_keys import NotVerified, rotate_all

FAILED = 1


class Command(BaseCommand):
    """Rotate. Exit code 0: everything is encrypted with the first key; 1: something was left as it is."""

    help = (
        "Encrypt all stored access keys anew with the first key of FIELD_ENCRYPTION_KEY. It may be run while ec2mon"
        " works, and again when it was cut off."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the elements and say what became of each that needs a person."""
        counts = dict.fromkeys(("anew", "current", "unreadable"), 0)
        try:
            for row in rotate_all():
                counts[row.outcome] += 1
                if row.outcome == "unreadable":
                    self.stderr.write(
                        f"{row.element}: no key of FIELD_ENCRYPTION_KEY opens what is stored; it was left as it is."
                        " Add the key it was stored with, or enter its access key again on General."
                    )
        except NotVerified as error:
            raise CommandError(str(error), returncode=FAILED) from None
        self.stdout.write(
            f"{plural(counts['anew'], 'element')} encrypted anew, {counts['current']} already current,"
            f" {counts['unreadable']} left unreadable."
        )
        if counts["unreadable"] + self._second_factors():
            raise SystemExit(FAILED)
        self.stdout.write("The other keys of FIELD_ENCRYPTION_KEY are needed no more, except for older backups.")

    def _second_factors(self) -> int:
        """Take along what the sign-in option keeps; return how many are unreadable."""
        if not settings.SIGN_IN_BY_ALLAUTH:
            kept = _kept_second_factors()
            if kept:
                text = f"{plural(kept, 'second factor')} of SIGN_IN=allauth left as before: run this once more with it."
                self.stderr.write(text)
            return kept
        from ec2mon.second_factor import encrypt_anew

        unreadable = encrypt_anew()
        if unreadable:
            self.stderr.write(
                f"{plural(unreadable, 'second factor')} left unreadable; forget_second_factor removes one."
            )
        return unreadable


def _kept_second_factors() -> int:
    """Count those that the option left when it was switched off; its tables stay."""
    table = "mfa_authenticator"
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return 0
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        number: int = cursor.fetchone()[0]
    return number

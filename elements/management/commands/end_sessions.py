"""`manage.py end_sessions NAME ...`: sign people out wherever they are signed in."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from elements.domain.wording import plural
from elements.usecases.sign_ins import end_sessions


class Command(BaseCommand):
    """End the sessions of those who are named, or of all."""

    help = "Sign people out wherever they are signed in. What they started goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take names, or --all."""
        parser.add_argument("names", nargs="*", metavar="NAME", help="user names")
        parser.add_argument("--all", action="store_true", help="everybody")

    def handle(self, *args: Any, **options: Any) -> None:
        """End them and say how many there were."""
        users = get_user_model().objects.all()
        if not options["all"]:
            users = users.filter(username__in=options["names"])
            unknown = {*options["names"]} - {user.get_username() for user in users}
            if unknown or not options["names"]:
                raise CommandError(
                    f"No such user: {', '.join(sorted(unknown))}" if unknown else "Name users, or --all."
                )
        ended = end_sessions(users, by="manage.py", now=timezone.now())
        self.stdout.write(f"{plural(ended, 'session')} ended.")

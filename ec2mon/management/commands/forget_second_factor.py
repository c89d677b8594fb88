"""`manage.py forget_second_factor NAME`: for who lost a telephone and all recovery codes."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from elements.models import Activity
from elements.usecases.sign_ins import end_sessions


class Command(BaseCommand):
    """Remove it, and end the sessions of its owner."""

    help = "Remove the second factor of a user, who then signs in with the password and sets up a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one name."""
        parser.add_argument("name", metavar="NAME", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove all kinds of it."""
        name, now = options["name"], timezone.now()
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"No such user: {name}")
        Authenticator.objects.filter(user=user).delete()
        text = f"Second factor of {name} removed"
        Activity.objects.note(by="manage.py", kind="sign-in", text=text, now=now)
        end_sessions([user], by="manage.py", now=now)
        self.stdout.write(f"{text}. Their sessions are ended.")

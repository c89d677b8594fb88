"""Keep log-ins in the Activity record."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.utils import timezone

from elements.models import Activity


def connect() -> None:
    """Listen to Django's sign-in signals."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_refused)


def _signed_in(sender: Any, user: Any, **kwargs: Any) -> None:
    Activity.objects.note(by=user.get_username(), kind="sign-in", text="Signed in", now=timezone.now())


def _signed_out(sender: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        Activity.objects.note(by=user.get_username(), kind="sign-in", text="Signed out", now=timezone.now())


def _refused(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Keep a refused sign-in, but no name that nobody has: it may be a password typed one field too early."""
    users, name = get_user_model().objects, str(credentials.get("username", "")).replace("\0", "")[:150]
    known = users.filter(username=name.encode("utf-8", "replace").decode()).exists()
    text = "Sign-in refused" if known else "Sign-in refused for a name that nobody has"
    Activity.objects.note(by=name if known else "", kind="sign-in", text=text, now=timezone.now())

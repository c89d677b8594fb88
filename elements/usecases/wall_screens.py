"""Add and revoke the screens that show the Wall without a sign-in; both are noted."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from elements.models import Activity, WallScreen


def add_screen(name: str, *, by: User, now: datetime) -> tuple[WallScreen, str]:
    """Add a screen and return it with its token; the note does not hold the token."""
    with transaction.atomic():
        screen, token = WallScreen.objects.add(name, by=by, now=now)
        text = f"Wall screen {name} added"
        Activity.objects.note(by=by.get_username(), kind="setting", text=text, now=now)
    return screen, token


def revoke_screen(screen: WallScreen, *, by: str, now: datetime) -> bool:
    """End a screen's address; False when somebody else just did."""
    with transaction.atomic():
        revoked, _ = WallScreen.objects.filter(pk=screen.pk).delete()
        if revoked:
            Activity.objects.note(by=by, kind="setting", text=f"Wall screen {screen.name} revoked", now=now)
    return bool(revoked)

"""WallScreen: a screen on a wall that may show the Wall without a sign-in, by an address only it knows."""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import DatabaseError, models

# A screen asks every few seconds; that it was seen is written no more often than this.
SEEN_EVERY = timedelta(minutes=1)


class WallScreenQuerySet(models.QuerySet["WallScreen"]):
    """Ways to add and read screens."""

    def add(self, name: str, *, by: User, now: datetime) -> tuple["WallScreen", str]:
        """Store a new screen and return it with its token, which exists nowhere else from then on."""
        token = secrets.token_urlsafe(32)
        made = {"created_at": now, "created_by": by.get_username(), "maker": by}
        return self.create(name=name, token_hash=hash_of(token), **made), token

    def of_token(self, token: str) -> "WallScreen | None":
        """Return the screen that the token belongs to, None when it is wrong or was revoked."""
        return self.filter(token_hash=hash_of(token)).select_related("maker").first()

    def seen(self, screen: "WallScreen", now: datetime) -> None:
        """Keep when the screen last asked; it goes on where the database can only be read."""
        if screen.last_used_at is None or now - screen.last_used_at >= SEEN_EVERY:
            with suppress(DatabaseError):
                self.filter(pk=screen.pk).update(last_used_at=now)


class WallScreen(models.Model):
    """One screen. Its token is stored as a hash only; revoking removes the row. It shows what its maker may see."""

    name = models.CharField("Name", max_length=100, unique=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=150, editable=False)
    maker = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="wall_screens")
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = WallScreenQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


def hash_of(token: str) -> str:
    """Return what is stored of a token. It is random and long, so that one round is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

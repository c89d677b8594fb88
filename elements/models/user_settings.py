"""UserSettings: how one user likes the pages, and the tables of each kind; it follows the user to every computer."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction

User = AbstractBaseUser | AnonymousUser

THEMES = (("auto", "Match system"), ("light", "Light"), ("dark", "Dark"))
DENSITIES = (("dense", "Dense, 28 px"), ("normal", "Normal, 32 px"), ("roomy", "Roomy, 42 px"))
TIME_ZONES = [("utc", "UTC"), ("local", "Local time")]
KEYS = [("on", "On"), ("off", "Off")]
OFFERED = {
    field: [value for value, _ in choices]
    for field, choices in (("theme", THEMES), ("density", DENSITIES), ("time_zone", TIME_ZONES), ("keys", KEYS))
}


class UserSettingsQuerySet(models.QuerySet["UserSettings"]):
    """Ways to read and keep what users chose."""

    def of(self, user: User) -> "UserSettings":
        """Return the user's settings, the defaults while nothing was ever chosen; sign-in has read them already."""
        kept: UserSettings | None = getattr(user, "settings", None)
        pk: Any = user.pk
        return kept or UserSettings(user_id=pk)

    def keep(self, user: User, **chosen: object) -> None:
        """Keep what the user chose for all pages; what the pages do not offer is left as it was."""
        values = {field: value for field, value in chosen.items() if value in OFFERED.get(field, ())}
        if values:
            self.update_or_create(user_id=user.pk, defaults=values)

    def keep_columns(self, user: User, kind: str, columns: Sequence[str] | None) -> None:
        """Keep the columns the user chose for a kind of table; None brings the default back."""
        self._keep(user, "columns", kind, None if columns is None else list(columns))

    def keep_per_page(self, user: User, kind: str, rows: int | None) -> None:
        """Keep how many rows the user wants on a page of a kind of table; None brings the default back."""
        self._keep(user, "per_page", kind, rows)

    def _keep(self, user: User, field: str, kind: str, value: object) -> None:
        with transaction.atomic():
            self.get_or_create(user_id=user.pk)
            row = self.select_for_update().get(user_id=user.pk)
            chosen = {key: kept for key, kept in getattr(row, field).items() if key != kind}
            setattr(row, field, chosen if value is None else {**chosen, kind: value})
            row.save(update_fields=[field])


class UserSettings(models.Model):
    """One row for each user who ever chose anything; a table of a kind not in it looks as delivered."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="settings")
    theme = models.CharField(max_length=5, choices=THEMES, default="auto")
    density = models.CharField(max_length=6, choices=DENSITIES, default="normal")
    time_zone = models.CharField(max_length=5, choices=TIME_ZONES, default="utc")
    keys = models.CharField("single-key shortcuts", max_length=3, choices=KEYS, default="on")
    columns = models.JSONField(default=dict)
    per_page = models.JSONField(default=dict)

    THEMES, DENSITIES = THEMES, DENSITIES
    objects = UserSettingsQuerySet.as_manager()

    def __str__(self) -> str:
        return f"settings of {self.user_id}"

    def columns_of(self, kind: str) -> list[str] | None:
        """Return the columns chosen for a kind of table, None when the default holds."""
        chosen: list[str] | None = self.columns.get(kind)
        return chosen

    def per_page_of(self, kind: str) -> int | None:
        """Return the rows on a page chosen for a kind of table, None when the default holds."""
        chosen: int | None = self.per_page.get(kind)
        return chosen

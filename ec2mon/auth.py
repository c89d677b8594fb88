"""Who is asking, read together with their rights and with how they like the pages."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.db.models import Exists, F, OuterRef


class UsersWithSettings(ModelBackend):
    """Django's own users. Every page is written in its reader's theme and by his rights, and that costs one query."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the user with the settings and the rights, None when the account is gone or switched off."""
        own = Permission.user_set.through.objects.filter(user=OuterRef("pk"))
        rows = (
            get_user_model()
            ._default_manager.select_related("settings")
            .annotate(
                has_own_rights=Exists(own),
                app=F("groups__permissions__content_type__app_label"),
                right=F("groups__permissions__codename"),
            )
            .filter(pk=user_id)
        )
        found = list(rows)  # one for each right
        if not found or not self.user_can_authenticate(found[0]):
            return None
        user = found[0]
        if not (user.is_superuser or user.has_own_rights):
            # Where Django's backend keeps what it has read.
            user._perm_cache = {f"{row.app}.{row.right}" for row in found if row.right}  # type: ignore[attr-defined]
        return user

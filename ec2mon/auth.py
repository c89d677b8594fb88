"""Who is asking, read together with how they like the pages."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class UsersWithSettings(ModelBackend):
    """Django's own users. Every page is written in its reader's theme, and that costs no query more."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the user with the settings, None when the account is gone or switched off."""
        user = get_user_model()._default_manager.select_related("settings").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

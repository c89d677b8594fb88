"""What SIGN_IN=allauth leaves in the database when it is switched off: tables that Django then does not know."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import pre_delete

# Those that point to a user. Tokens of a provider, which would point to one of these, are never kept.
_OF_USERS = ("account_emailaddress", "mfa_authenticator", "socialaccount_socialaccount")


def connect() -> None:
    """Let a user be removed while the option is off: the database would refuse it for what is left of him there."""
    if not settings.SIGN_IN_BY_ALLAUTH:
        pre_delete.connect(_remove, sender=User, dispatch_uid="leftovers")


def _remove(sender: Any, instance: User, **kwargs: Any) -> None:
    with connection.cursor() as cursor:
        for table in set(_OF_USERS) & set(connection.introspection.table_names(cursor)):
            cursor.execute(f"DELETE FROM {table} WHERE user_id = %s", [instance.pk])  # noqa: S608

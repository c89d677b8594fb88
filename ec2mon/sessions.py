"""A session ends when nobody has used it for a while; when it has lived long enough, its own expiry ends it."""

import time

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from elements.usecases.sign_ins import USED_AT

# What is written while a session is used: one stamp in each tenth of the time after which it ends without use.
_STAMPS = 10


class SessionLimitsMiddleware(AuthenticationMiddleware):
    """Says who is asking. A page that is open asks too, so only closed ones let a session end before its time."""

    def process_request(self, request: HttpRequest) -> None:
        """Find out only when somebody wants to know."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _who(request))  # type: ignore[assignment]


def _who(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    user: AbstractBaseUser | AnonymousUser = get_user(request)  # type: ignore[assignment]
    if not user.is_authenticated:
        return user
    unused_s = time.time() - request.session.get(USED_AT, 0)
    if unused_s <= settings.SESSION_IDLE_S / _STAMPS:
        return user
    if unused_s <= settings.SESSION_IDLE_S and _stamp(request):
        return user
    request.session.flush()
    request.session_was_idle = True  # type: ignore[attr-defined]
    request._cached_user = AnonymousUser()  # type: ignore[attr-defined]
    return request._cached_user  # type: ignore[attr-defined]


def _stamp(request: HttpRequest) -> bool:
    """Note that the session is used, without sending its cookie again; False when it was just ended elsewhere."""
    had_changed = request.session.modified
    request.session[USED_AT] = int(time.time())
    try:
        with transaction.atomic():
            request.session.save()
    except UpdateError as error:
        # Django's word for whatever went wrong; where the row is gone the database itself failed at nothing.
        if type(error.__context__) is DatabaseError:
            return False
    except DatabaseError:
        pass
    # Pages are shown as long as the database can be read.
    request.session.modified = had_changed
    return True

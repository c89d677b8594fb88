"""Sign-ins: kept in the Activity record, paused after wrong tries, and ended with all their sessions."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.sessions.models import Session
from django.db.models.signals import post_save
from django.utils import timezone

from elements.domain.wording import span
from elements.models import Activity

# In a session: when it was last used, in seconds.
USED_AT = "used_at"


def connect() -> None:
    """Listen to Django's sign-in signals."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_refused)
    post_save.connect(_end_when_disabled, sender=get_user_model())


def _signed_in(sender: Any, user: Any, request: Any, **kwargs: Any) -> None:
    """Let the session end at its time, whatever is stored in it meanwhile."""
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    request.session[USED_AT] = int(time.time())
    Activity.objects.note(by=user.get_username(), kind="sign-in", text="Signed in", now=timezone.now())


def _signed_out(sender: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        Activity.objects.note(by=user.get_username(), kind="sign-in", text="Signed out", now=timezone.now())


def _refused(sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    """Keep a refused sign-in, but no name that nobody has: it may be a password typed one field too early."""
    locked_out = getattr(request, "axes_locked_out", False)
    if locked_out and request.axes_failures_since_start is None:
        return  # kept when the pause began; tries during it would only fill the record
    users, name = get_user_model().objects, str(credentials.get("username", "")).replace("\0", "")[:150]
    known = users.filter(username=name.encode("utf-8", "replace").decode()).exists()
    text = "Sign-in refused" if known else "Sign-in refused for a name that nobody has"
    if locked_out:
        text += f", and paused from there for {span(settings.AXES_COOLOFF_TIME.total_seconds())}"
    Activity.objects.note(by=name if known else "", kind="sign-in", text=text, now=timezone.now())


def pause_left_s(request: Any) -> float:
    """Return how long the sign-in is still paused for the name and address of a refused one, 0 when it is not."""
    if not getattr(request, "axes_locked_out", False):
        return 0.0
    left: timedelta = (request.axes_pause_ends_at or timezone.now() + settings.AXES_COOLOFF_TIME) - timezone.now()
    return max(1.0, left.total_seconds())


def end_pauses(usernames: Iterable[str], *, by: str, now: datetime) -> int:
    """Let people try again who typed too many wrong passwords; return how many were waiting."""
    waiting = [name for name in usernames if AxesProxyHandler.reset_attempts(username=name)]
    for name in waiting:
        Activity.objects.note(by=by, kind="sign-in", text=f"Pause of the sign-in of {name} ended", now=now)
    return len(waiting)


def end_sessions(users: Iterable[AbstractBaseUser], *, by: str, now: datetime) -> int:
    """Sign people out wherever they are signed in; return how many sessions that were."""
    names = {str(user.pk): user.get_username() for user in users}
    ended = _end({*names})
    for name in names.values():
        Activity.objects.note(by=by, kind="sign-in", text=f"All sessions of {name} ended", now=now)
    return ended


def _end(users: set[str]) -> int:
    """Remove the sessions of some users; only what is in them says whose they are."""
    rows = Session.objects.filter(expire_date__gt=timezone.now()).iterator()
    keys = [row.pk for row in rows if row.get_decoded().get(SESSION_KEY) in users]
    return Session.objects.filter(pk__in=keys).delete()[0]


def _end_when_disabled(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Let no session come to life again when its user is switched on later."""
    if not instance.is_active:
        _end({str(instance.pk)})

"""Sign-in: a few wrong tries, then a pause, so that passwords cannot be guessed by trying."""

import hashlib
import time
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError

from elements.domain.wording import NB, plural, span

TRIES, PAUSE_S = 5, 300


class SignInForm(AuthenticationForm):
    """Counts wrong tries for each name and computer, so that nobody can lock somebody else out from elsewhere."""

    def clean(self) -> dict[str, Any]:
        """Check name and password, unless there is a pause; the words are the same for a name nobody has."""
        count, until = self._places()
        if left_s := max(0.0, (cache.get(until) or 0) - time.time()):
            raise _paused(left_s)
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            wrong = _counted(count)
            if wrong < TRIES:
                raise _wrong(TRIES - wrong) from None
            cache.set(until, time.time() + PAUSE_S, PAUSE_S)
            cache.delete(count)
            raise _paused(PAUSE_S) from None
        cache.delete(count)
        return cleaned

    def _places(self) -> tuple[str, str]:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        who = f"{self.cleaned_data.get('username', '')} {address}"
        place = hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()
        return f"sign-in {place}".replace(" ", "-"), f"sign-in-pause-{place}"


def _counted(key: str) -> int:
    """Return how many wrong tries there were, this one included."""
    cache.add(key, 0, PAUSE_S)
    try:
        wrong = cache.incr(key)
    except ValueError:  # another try at the same moment began the pause
        return TRIES
    cache.touch(key, PAUSE_S)
    return wrong


def _wrong(tries: int) -> ValidationError:
    left = f"{plural(tries, 'try', 'tries')} left, then a pause of {PAUSE_S // 60}{NB}min."
    return ValidationError(["User name or password is wrong", left], code="invalid_login")


def _paused(left_s: float) -> ValidationError:
    return ValidationError(["Too many wrong tries", f"Try again in {span(left_s)}."], code="paused")

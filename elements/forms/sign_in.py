"""Sign-in and change of password: a few wrong tries, then a pause, so that passwords cannot be guessed by trying."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from elements.domain.wording import plural, span
from elements.usecases.sign_ins import pause_left_s


class SignInForm(AuthenticationForm):
    """Says how many tries are left and how long a pause is; the words are the same for a name nobody has."""

    def clean(self) -> dict[str, Any]:
        """Check name and password, unless there is a pause."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            raise refusal(self.request, "User name or password is wrong") from None
        return cleaned


class ChangePasswordForm(PasswordChangeForm):
    """Counts wrong old passwords like wrong sign-ins: whoever found a browser signed in cannot guess them here."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Check the old password, unless there is a pause."""
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            raise refusal(self.request, "The old password is wrong")
        return old


def refusal(request: Any, wrong: str) -> ValidationError:
    """Return what a person reads after a wrong try, or after any try during a pause."""
    if left_s := pause_left_s(request):
        if left_s > 60:
            left_s = math.ceil(left_s / 60) * 60  # whoever waits as long as this says is let try again
        return ValidationError(["Too many wrong tries", f"Try again in {span(left_s)}."], code="paused")
    tries = max(1, settings.AXES_FAILURE_LIMIT - (request.axes_failures_since_start or 0))
    left = f"{plural(tries, 'try', 'tries')} left, then a pause of {span(settings.AXES_COOLOFF_TIME.total_seconds())}."
    return ValidationError([wrong, left], code="invalid_login")

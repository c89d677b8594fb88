"""Wrong sign-ins are counted by django-axes in the database, for all web processes together."""

import copy
import math
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Q, Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.crypto import salted_hmac

from elements.usecases.sign_ins import pause_left_s

# Wrong tries from one address, whatever the names: trying one password on every name ends too.
TRIES_OF_AN_ADDRESS = 50


class Throttle(AxesDatabaseHandler):
    """Counts for each name and address, and for each address; keeps nothing of a form that somebody sent.

    Not even the name, but a digest of it: it may be a password typed one field too early, and of any length.
    """

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count a wrong try in one row for its name and address, whatever the browser calls itself."""
        seen = copy.copy(request)
        seen.GET = seen.POST = QueryDict()
        seen.axes_user_agent = seen.axes_http_accept = ""
        super().user_login_failed(sender, credentials, seen, **kwargs)
        vars(request).update({name: value for name, value in vars(seen).items() if name.startswith("axes_")})

    def reset_attempts(self, *, username: str | None = None, **kwargs: Any) -> int:
        """Forget the wrong tries of a name, an address or all; return how many rows that were."""
        reset: int = super().reset_attempts(username=username and digest(username), **kwargs)
        return reset

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return the wrong tries of the name from the address; as many as lock when the address has too many."""
        own = Q(username=get_client_username(request, credentials))
        recent = Q(ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request))
        found = AccessAttempt.objects.filter(recent).aggregate(
            tries=Sum("failures_since_start", filter=own, default=0),
            last=Max("attempt_time", filter=own),
            tries_of_address=Sum("failures_since_start", default=0),
            last_of_address=Max("attempt_time"),
        )
        by_address = request.axes_ip_address and found["tries_of_address"] >= TRIES_OF_AN_ADDRESS
        last = found["last_of_address"] if by_address else found["last"]
        request.axes_pause_ends_at = last and last + settings.AXES_COOLOFF_TIME
        tries: int = found["tries"]
        return max(tries, settings.AXES_FAILURE_LIMIT) if by_address else tries


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Return under which name a try counts."""
    name = (credentials or request.POST).get("username")
    return None if name is None else digest(name)


def digest(name: str) -> str:
    """Return 64 hexadecimal digits for a name, which without SECRET_KEY tell nobody what it was."""
    return salted_hmac("ec2mon.throttle", name.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def paused(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Let the page say it in its own words, with the status that programs understand."""
    response.status_code = 429
    response.headers["Retry-After"] = str(math.ceil(pause_left_s(request)))
    return response

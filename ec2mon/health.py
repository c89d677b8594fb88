"""What those who watch over machines ask: is the process up, does ec2mon do its work, and with which figures."""

import hmac
import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ec2mon import schema
from elements import tasks
from elements.domain.exposition import CONTENT_TYPE, exposition
from elements.domain.machinery import stoppages
from elements.usecases import metrics as figures
from elements.usecases.machinery import gather
from elements.usecases.readiness import key_trouble

_UNREACHABLE = "The database cannot be reached."


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when a query works, 503 otherwise; without words to HEAD, which pages ask every few seconds."""
    is_head = request.method == "HEAD"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("" if is_head else "database not reachable\n", status=503, content_type="text/plain")
    return HttpResponse("" if is_head else "ok\n", content_type="text/plain")


@require_safe
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when polls and actions are done, 503 otherwise, with a reason for each thing that is wrong."""
    reasons = _reasons()
    answer = {"ready": not reasons, "reasons": [{"about": about, "text": text} for about, text in reasons]}
    return JsonResponse(answer, status=503 if reasons else 200)


@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every figure to those who may read them; to others there is no such page."""
    if not (_has_token(request) or _is_in_network(request)):
        raise Http404
    now = timezone.now()
    try:
        found = figures.metrics(now, tasks.queues(now))
    except Error:
        return HttpResponse("database not reachable\n", status=503, content_type="text/plain")
    return HttpResponse("".join(exposition(found)), content_type=CONTENT_TYPE)


def _reasons() -> list[tuple[str, str]]:
    checks: list[tuple[str, Callable[[], str]]] = [
        ("migrations", schema.trouble),
        ("encryption key", key_trouble),
    ]
    try:
        # Where tables are missing nothing else can be asked.
        for about, check in checks:
            if text := check():
                return [(about, text)]
        now = timezone.now()
        return [(each.about, each.text) for each in stoppages(gather(now, tasks.queues(now), []))]
    except Error:
        return [("database", _UNREACHABLE)]


def _has_token(request: HttpRequest) -> bool:
    """Compare in a time that tells nothing of the token."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    is_same = hmac.compare_digest(given.strip().encode(errors="replace"), wanted.encode())
    return bool(wanted) and scheme.lower() == "bearer" and is_same


def _is_in_network(request: HttpRequest) -> bool:
    """Tell whether the caller's address is allowed. What a proxy passes on comes from elsewhere, whatever it says."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a socket of this machine
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_NETWORKS)

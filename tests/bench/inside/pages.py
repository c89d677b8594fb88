"""Asks for pages as a browser does, through Django's test client: the whole of ec2mon without the web server."""

import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from elements.models import Poll
from tests.bench.inside.meter import Meter
from tests.bench.inside.seeds import OPERATOR


def bare(request: HttpRequest) -> HttpResponse:
    """Answer the least that a page behind the sign-in can: who is there."""
    return HttpResponse(f"Hello {request.user.get_username()}")


urlpatterns = [path("bare/", bare), path("", include("ec2mon.urls"))]
_clients: list[Client] = []


def client() -> Client:
    """Return the operator's browser, which takes compressed answers."""
    if not _clients:
        settings.ROOT_URLCONF = __name__
        settings.ALLOWED_HOSTS = ["testserver"]
        made = Client(headers={"Accept-Encoding": "gzip"})
        made.force_login(User.objects.get(username=OPERATOR))
        _clients.append(made)
    return _clients[0]


def ask(address: str, times: int, at_most_s: float = 60.0, changed: str = "") -> dict[str, list[float]]:
    """Ask for an address so many times; return the milliseconds of each, of CPU and by the clock.

    Before each, the rows of the element `changed` get a version that no page has asked for.
    """
    cpu, wall, until = list[float](), list[float](), time.monotonic() + at_most_s
    for _ in range(times):
        if len(wall) > 1 and time.monotonic() > until:
            break
        if changed:
            Poll.objects.filter(element__slug=changed).update(revision=F("revision") + 1)
        c, w = time.process_time(), time.perf_counter()
        _get(address)
        cpu.append((time.process_time() - c) * 1000)
        wall.append((time.perf_counter() - w) * 1000)
    return {"cpu": cpu, "wall": wall}


def text(address: str) -> str:
    """Return a page as it reads."""
    return client().get(address, headers={"Accept-Encoding": "identity"}).content.decode()


def count_queries(address: str) -> int:
    """Return how many statements an address takes."""
    with Meter() as meter:
        _get(address)
    return meter.queries


def ask_until(address: str, end_file: str, pause_s: float) -> dict[str, list[float]]:
    """Ask for an address now and then until a file exists."""
    found: dict[str, list[float]] = {"cpu": [], "wall": []}
    while not Path(end_file).exists():
        for name, values in ask(address, 1).items():
            found[name] += values
        time.sleep(pause_s)
    return found


def _get(address: str) -> Any:
    """Ask for a page; with `since=` or " unchanged" as the page's script does, which must get what it shows."""
    address, unchanged, _ = address.partition(" unchanged")
    headers = {"X-Fragment": "live"} if unchanged or "since=" in address else {}
    token = {"since": _token(address)} if unchanged else None
    answer = client().get(address, token, headers=headers)
    assert answer.status_code == (204 if unchanged else 200), (address, answer.status_code)
    return answer


@lru_cache
def _token(address: str) -> str:
    found = re.search(r'data-revision="([^"]+)"', text(address))
    assert found, address
    return found[1]

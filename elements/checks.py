"""System checks: what would make ec2mon lie or lose work is said before it starts."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from elements import tasks
from elements.domain.machinery import figures, stoppages
from elements.models import Element
from elements.models.elements import KEY_FIELDS
from elements.models.fields import Undecryptable
from elements.usecases.database_size import measure
from elements.usecases.machinery import gather


@register
def clock_is_utc(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Insist on UTC: ages and countdowns are made from aware UTC times."""
    if settings.TIME_ZONE == "UTC" and settings.USE_TZ:
        return []
    return [Error("TIME_ZONE must be UTC and USE_TZ on.", id="elements.E001")]


@register
def tasks_outlive_their_retry(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Insist that django-q re-delivers a task only after it was timed out: retry > timeout, in both clusters."""
    cluster = settings.Q_CLUSTER
    clusters = [cluster, *({**cluster, **alt} for alt in cluster.get("ALT_CLUSTERS", {}).values())]
    if all(each["retry"] > each["timeout"] for each in clusters):
        return []
    return [Error("Q_CLUSTER: retry must be larger than timeout.", id="elements.E002")]


@register
def debug_stays_on_this_machine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse DEBUG where others reach the server: its error pages show settings and variables."""
    if not settings.DEBUG or _is_loopback(settings.HOST):
        return []
    return [Error("DEBUG must be off while HOST can be reached from other machines.", id="elements.E003")]


@register
def reachable_host_is_allowed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn when others reach the server but every request of theirs would be refused."""
    if _is_loopback(settings.HOST) or not all(map(_is_loopback, settings.ALLOWED_HOSTS)):
        return []
    text = f"HOST is {settings.HOST}, but requests from other machines are refused with status 400."
    return [Warning(text, hint="Name this machine in ALLOWED_HOSTS.", id="elements.W001")]


@register
def secrets_are_private(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn when other users of the machine can read the secrets."""
    path = settings.ENV_FILE
    if not path.is_file() or not path.stat().st_mode & 0o077:
        return []
    return [Warning(f"Other users can read {path}.", hint=f"chmod 600 {path}", id="elements.W002")]


@register(Tags.database)
def encryption_key_opens_stored_keys(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn when FIELD_ENCRYPTION_KEY is not the key that the stored AWS keys were encrypted with."""
    if not databases:
        return []
    try:
        elements = list(Element.objects.with_keys().only("name", *KEY_FIELDS).order_by("name"))
    except DatabaseError:  # before the first migrate
        return []
    names = [each.name for each in elements if any(isinstance(getattr(each, f), Undecryptable) for f in KEY_FIELDS)]
    if not names:
        return []
    text = f"FIELD_ENCRYPTION_KEY does not open the stored keys of {', '.join(names)}. They are not polled."
    hint = "Put the former key back (a list is possible: new,former), or enter the keys anew."
    return [Warning(text, hint=hint, id="elements.W003")]


@register(Tags.database, deploy=True)
def machinery_works(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Say how the machinery is, and warn when nothing polls: no clock ticks, no worker lives, or a queue is old.

    The page System says the same.
    """
    if not databases:
        return []
    now = timezone.now()
    try:
        elements = list(Element.objects.with_poll())
        state, database = gather(now, tasks.queues(now), elements), measure(elements)
    except DatabaseError:  # before the first migrate
        return []
    lines = [*figures(state), f"database: {database.engine}, {filesizeformat(database.size_bytes)}"]
    wrong = [Warning(each.text, hint=each.advice, id="elements.W004") for each in stoppages(state)]
    return [*wrong, Info("\n\t".join(["The machinery:", *lines]), id="elements.I001")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"

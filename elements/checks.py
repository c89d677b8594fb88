"""System checks: what would make ec2mon lie or lose work is said before it starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


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

"""An element with everything that a page can show, and the addresses of all of it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from elements.models import Activity, DebugRecord, ScheduledEvent, WallScreen
from tests import builders
from tests.security.every_address import addresses


@pytest.fixture
def element(db):
    row = builders.element()
    now = timezone.now()
    instance = builders.instance(row, "encoder-1")
    ScheduledEvent.objects.create(
        element=row,
        instance=instance,
        instance_id_text=instance.instance_id,
        event_id="instance-event-1",
        code="system-reboot",
        not_before=now + timedelta(days=2),
        not_before_deadline=now + timedelta(days=9),
        first_seen_at=now,
    )
    DebugRecord.objects.create(element=row, at=now, operation="DescribeInstances", caller="poll", outcome="ok")
    Activity.objects.note(by="maria", kind="setting", text="Element added", now=now, element=row)
    return builders.polled(row)


@pytest.fixture
def everywhere(element):
    """Return an address of something that exists for each route."""
    screen, token = WallScreen.objects.add("foyer", by=builders.user("foyer", "viewers"), now=timezone.now())
    return addresses(
        {
            "slug": element.slug,
            "instance_id": element.instances.get().instance_id,
            "pk": str(element.scheduled_events.get().pk),
            "object_id": str(element.pk),
            "token": token,
        }
    )


@pytest.fixture
def viewer_client(db):
    return _signed_in("vera", "viewers")


def _signed_in(name, group):
    client = Client(raise_request_exception=False)
    client.force_login(builders.user(name, group))
    return client

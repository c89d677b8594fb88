import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Action, DebugRecord, Instance
from elements.usecases import prune
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    return builders.element(aws)


def record(element, at):
    return DebugRecord.objects.create(
        element=element, at=at, operation="DescribeInstances", caller="poll", outcome="ok"
    )


def test_gone_instances_are_kept_for_their_retention_and_no_longer(element):
    now = timezone.now()
    for n, days in enumerate((6, 8)):
        Instance.objects.create(
            element=element,
            instance_id=f"i-{n}",
            state="stopped",
            first_seen_at=now,
            observed_at=now,
            gone_at=now - timedelta(days=days),
        )

    prune.prune(now)

    assert [instance.instance_id for instance in Instance.objects.all()] == ["i-0"]


def test_debug_records_are_kept_by_age(element):
    now = timezone.now()
    kept = record(element, now - timedelta(days=6))
    record(element, now - timedelta(days=8))

    prune.prune(now)

    assert list(DebugRecord.objects.all()) == [kept]


def test_debug_records_are_kept_by_number(element):
    element.debug_max_rows = 3
    element.save()
    now = timezone.now()
    rows = [record(element, now) for _ in range(5)]

    prune.prune(now)

    assert set(DebugRecord.objects.all()) == set(rows[2:])


def test_much_to_prune_goes_in_steps(element, monkeypatch):
    monkeypatch.setattr(prune, "STEP", 2)
    now = timezone.now()
    for _ in range(7):
        record(element, now - timedelta(days=30))

    prune.prune(now)

    assert not DebugRecord.objects.exists()


def test_an_open_action_is_never_pruned(element):
    old = timezone.now() - timedelta(days=400)
    fields = {
        "element": element,
        "verb": "stop",
        "requested_by": "maria",
        "requested_at": old,
        "expires_at": old,
    }
    Action.objects.create(**fields, batch=uuid.uuid4(), instance_id_text="i-1", status="accepted")
    Action.objects.create(**fields, batch=uuid.uuid4(), instance_id_text="i-2", status="confirmed", settled_at=old)

    prune.prune(timezone.now())

    assert [action.instance_id_text for action in Action.objects.all()] == ["i-1"]

"""A reading is written in steps, so that nobody else waits long for the database."""

from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from elements.models import Instance
from elements.usecases import spool, store_reading, store_snapshots
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    return builders.element(aws, aws.add_keys())


def steps(element, monkeypatch, *, batch, aim_s):
    """Poll, and return how many rows each transaction was the last to touch, for each has a revision of its own."""
    for module in (spool, store_reading):
        monkeypatch.setattr(module, "BATCH", batch)
    monkeypatch.setattr(store_reading, "AIM_S", aim_s)
    monkeypatch.setattr(store_reading, "LEAST", 10)
    report = poll_once(element.pk, caller="poll", now=timezone.now())
    assert report.ok, report
    touched = Counter(Instance.objects.values_list("revision", flat=True))
    return [number for _, number in sorted(touched.items())]


@pytest.mark.parametrize(("aim_s", "rows"), [(3600, [10, 10, 20, 40, 20]), (1e-9, [10] * 10)])
def test_a_step_takes_as_many_rows_as_the_one_before_had_time_for(aws, element, monkeypatch, aim_s, rows):
    aws.add_instances(count=100)

    assert steps(element, monkeypatch, batch=40, aim_s=aim_s) == rows


def test_events_are_written_in_small_steps_for_each_costs_as_much_as_five_rows(aws, element, monkeypatch):
    for instance_id in aws.add_instances(count=100):
        aws.instance(instance_id).schedule_event("system-reboot")

    assert steps(element, monkeypatch, batch=40, aim_s=3600) == [10] * 10


def test_the_types_of_many_spot_instances_are_written_in_steps(aws, element, monkeypatch):
    aws.add_instances(count=25, lifecycle="spot", spot_type="persistent")

    assert steps(element, monkeypatch, batch=10, aim_s=3600) == [10, 10, 5]
    assert set(Instance.objects.values_list("spot_type", flat=True)) == {"persistent"}


def test_new_rows_are_added_in_the_order_of_their_names_for_most_indexes_are_in_it(aws, element, monkeypatch):
    aws.add_instances(names=["web 2", "Web 1", "db", "WEB 3"])

    steps(element, monkeypatch, batch=2, aim_s=3600)

    added = Instance.objects.order_by("pk").values_list("display_name", flat=True)
    assert list(added) == ["db", "Web 1", "web 2", "WEB 3"]


@pytest.mark.django_db(transaction=True)
def test_columns_are_made_before_the_transaction_that_writes_them(aws, element, monkeypatch):
    made, inside = store_snapshots.instance_values, []

    def noted(*args):
        inside.append(connection.in_atomic_block)
        return made(*args)

    monkeypatch.setattr(store_snapshots, "instance_values", noted)
    aws.add_instances(count=30)

    steps(element, monkeypatch, batch=20, aim_s=3600)

    assert inside == [False] * 30

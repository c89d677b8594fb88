"""System, the page of the machinery."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from elements import tasks
from elements.domain.machinery import Queue
from elements.models import WorkerBeat
from tests import builders

pytestmark = pytest.mark.django_db
URL = reverse("elements:system")


def text(client, **headers):
    answer = client.get(URL, headers=headers)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u00a0", " ")


@pytest.fixture(autouse=True)
def queues(monkeypatch):
    found = [Queue("default", 0), Queue("ops", 0)]
    monkeypatch.setattr(tasks, "queues", lambda now: found)
    return found


@pytest.fixture
def at_work():
    for queue in ("clock", "default", "ops"):
        WorkerBeat.objects.stamp(queue, "worker-1", timezone.now())


def test_only_administrators_see_it_and_the_way_to_it(viewer, operator, administrator):
    for client in (viewer, operator):
        assert client.get(URL).status_code == 403
        assert URL not in client.get("/").content.decode()

    assert administrator.post(URL).status_code == 405
    assert f'href="{URL}"' in administrator.get("/").content.decode()


def test_it_says_that_nothing_is_wrong_and_shows_every_figure(administrator, at_work):
    builders.element()

    shown = text(administrator)

    assert "What is wrong 0" in shown
    assert "Nothing is wrong. The clock ticks" in shown
    for part in (
        "worker-1",
        "workers, ops",
        "median 0 s, p95 0 s",
        "Debug records",
        "at most 50 000",
        "Budgets slowed",
    ):
        assert part in shown


def test_each_thing_that_is_wrong_stands_there_in_words(administrator, at_work, queues):
    WorkerBeat.objects.stamp("clock", "worker-1", timezone.now() - timedelta(minutes=5))
    queues[:] = [Queue("default", 12, timezone.now() - timedelta(minutes=3)), Queue("ops", None)]

    shown = text(administrator)

    assert "Wrong: No clock ticks: the last beat was 5 min ago. Start ec2mon" in shown
    assert "Wrong: The queue ops cannot be read. See that Redis runs" in shown
    assert "Look at it: The queue default is 3 min old: 12 tasks with polls wait" in shown
    assert "Cannot be read" in shown
    assert "Silent" in shown


def test_each_refresh_is_a_new_measurement(administrator, at_work):
    first = administrator.get(URL).context["live_token"]

    answer = administrator.get(URL, {"since": first}, headers={"X-Fragment": "live"})

    assert answer.status_code == 200
    assert b'data-live-part="system-findings"' in answer.content
    assert b'<nav class="top' not in answer.content


def test_many_elements_cost_no_more_statements(administrator, at_work, django_assert_num_queries):
    builders.element()
    with django_assert_num_queries(7) as few:
        administrator.get(URL)

    for number in range(20):
        builders.element(name=f"e{number}", slug=f"e{number}")

    with django_assert_num_queries(len(few)):
        administrator.get(URL)

"""Poll now."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from elements.models import Activity, Poll
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(monkeypatch):
    found = []
    monkeypatch.setattr("elements.tasks.async_task", lambda *arguments, **options: found.append(arguments))
    return found


def press(client, element, **fields):
    return client.post(f"/e/{element.slug}/poll/", fields)


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_a_poll_is_queued_at_once_also_while_it_is_backing_off(operator, queued):
    element = builders.element()
    Poll.objects.update(failures=9, due_at=timezone.now() + timedelta(minutes=5))

    response = press(operator, element)

    assert queued == [("elements.tasks.poll_batch", [element.pk])]
    assert Poll.objects.get().due_at <= timezone.now()
    assert told(response)[0].startswith("Polling Frankfurt now\n")
    assert Activity.objects.get(kind="poll").username == "olga"


def test_pressed_twice_it_is_queued_once(operator, queued):
    element = builders.element()

    press(operator, element)
    press(operator, element)

    assert len(queued) == 1


def test_a_paused_element_is_not_polled_and_it_says_so(operator, queued):
    element = builders.element(paused=True)

    response = press(operator, element)

    assert queued == []
    assert "paused" in told(response)[0]
    assert not Activity.objects.filter(kind="poll").exists()


def test_it_leads_back_to_where_it_was_pressed(operator, queued):
    element = builders.element()

    assert press(operator, element, next=f"/e/{element.slug}/debug/?q=x").url == f"/e/{element.slug}/debug/?q=x"


@pytest.mark.parametrize("target", ["", "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_it_leads_nowhere_else(operator, queued, target):
    element = builders.element()

    assert press(operator, element, next=target).url == f"/e/{element.slug}/instances/"


def test_a_viewer_is_refused(viewer, queued):
    assert press(viewer, builders.element()).status_code == 403
    assert queued == []

"""The dock: what everybody sees of the instances asked together."""

import re
import uuid
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from elements.models import Action
from elements.views.dock import dock_context
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def maria():
    return builders.user("maria.k", "operators")


def batch(element, *statuses, verb="stop", by="maria.k", ago=timedelta(seconds=48), settled=timedelta(0), **fields):
    now, key = timezone.now(), uuid.uuid4()
    for number, status in enumerate(statuses):
        ended = status not in ("requested", "sent", "accepted", "unanswered")
        Action.objects.create(
            element=element,
            instance_id_text=f"i-{key.hex[:10]}{number:04d}",
            instance_name=f"playout-{number}",
            batch=key,
            verb=verb,
            status=status,
            requested_by=by,
            requested_at=now - ago,
            expires_at=now,
            answered_at=None if status in ("requested", "sent") else now - ago,
            settled_at=now - settled if ended else None,
            **fields,
        )
    return key


def shown(element, user, now=None):
    context = dock_context(element, user, now or timezone.now())
    html = render_to_string("elements/_dock.html", {**context, "element": element, "now": now or timezone.now()})
    return re.sub(r"[ \n]+", " ", html)


def test_an_open_batch_is_shown_with_how_many_are_done(maria):
    element = builders.element()
    batch(element, "confirmed", "accepted", "accepted")

    html = shown(element, maria)

    assert "Stopping 3 instances, 1 done" in html
    assert '<progress max="3" value="1"' in html
    assert "You can leave this page; it goes on." in html


def test_somebody_else_sees_who_asked(maria):
    element = builders.element()
    batch(element, "accepted", "accepted", by="j.ortiz")

    html = shown(element, maria)

    assert "Asked for by j.ortiz" in html
    assert "You can leave this page" not in html


def test_one_instance_is_called_by_its_name(maria):
    element = builders.element()
    batch(element, "accepted")

    assert "Stopping <bdi>playout-0</bdi></strong>" in shown(element, maria)


def test_good_news_says_how_long_it_took_and_is_gone_half_a_minute_later(maria):
    element = builders.element()
    batch(element, "confirmed", "confirmed")

    assert "2 instances stopped" in shown(element, maria)
    assert 'class="flash flash--ok" role="status"' in shown(element, maria)
    assert "in 48\u00a0s." in shown(element, maria)
    assert "2 instances stopped" not in shown(element, maria, timezone.now() + timedelta(seconds=31))


def test_failures_are_named_with_awss_code_and_stay(maria):
    element = builders.element()
    key = batch(element, "confirmed", "confirmed")
    Action.objects.filter(instance_name="playout-1").update(
        status="refused", error_code="UnauthorizedOperation", request_id="req-7", message="No."
    )

    html = shown(element, maria, timezone.now() + timedelta(minutes=50))

    assert "1 of 2 instances stopped, 1 failed" in html
    assert 'class="flash flash--warn" role="alert"' in html
    assert "Select the failed one</button>" in html and ">Debug records</a>" in html
    assert f'<bdi>playout-1</bdi>: <a href="/e/{element.slug}/debug/?q=req-7#req-7">UnauthorizedOperation</a>' in html
    assert f'data-flash-key="{key}"' in html
    assert f'data-select-ids="i-{key.hex[:10]}0001"' in html


def test_what_is_unsettled_after_five_minutes_is_amber(maria):
    element = builders.element()
    batch(element, "confirmed", "accepted", ago=timedelta(minutes=6))

    html = shown(element, maria)

    assert "flash--warn" in html
    assert "Still stopping 1 of 2 instances, after 6\u00a0min" in html


def test_a_request_without_an_answer_says_that_it_may_have_arrived(maria):
    element = builders.element()
    batch(element, "unanswered", message="No answer from AWS within 20 s.")

    html = shown(element, maria)

    assert "AWS did not answer the request to stop <bdi>playout-0</bdi>" in html
    assert "No answer from AWS within 20 s." in html
    assert "does not send it again" in html


def test_markup_in_a_name_is_text(maria):
    element = builders.element()
    batch(element, "accepted")
    Action.objects.update(instance_name="<script>alert(1)</script>")

    assert "<script>" not in shown(element, maria)


def test_another_elements_batches_are_not_shown(maria):
    batch(builders.element(name="Dublin"), "accepted")

    assert dock_context(builders.element(), maria, timezone.now()) == {"dock": [], "dock_busy": False}


def test_the_dock_takes_two_queries_however_many_batches_there_are(maria, django_assert_num_queries):
    element = builders.element()
    for _ in range(5):
        batch(element, "confirmed", "failed", "accepted")

    with django_assert_num_queries(2):
        shown(element, maria)

"""Stops instances as an operator does, and tells when each request began on the machine's monotonic clock."""

import re
import time
import uuid

from django.utils import timezone

from elements import tasks
from elements.models import Element
from elements.usecases.change_instance_state import request
from tests.bench.inside.pages import client, text

_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def stop_in_request(slug: str, number: int) -> dict[str, float]:
    """Confirm the question for one running instance after the other; return when each form was sent, by instance ID."""
    began = {}
    for instance_id in _running(slug, number):
        question = text(f"/e/{slug}/actions/confirm/?action=stop&id={instance_id}")
        form = dict(_FIELD.findall(question))
        assert form.get("batch"), question[:2000]
        began[instance_id] = time.monotonic()
        answer = client().post(f"/e/{slug}/actions/", form)
        assert answer.status_code == 302, answer.content[:2000]
    return began


def stop_through_queue(slug: str, number: int, pause_s: float) -> dict[str, float]:
    """Store one stop after the other and let a worker send it; return when each was asked for, by instance ID."""
    began = {}
    element = Element.objects.with_poll().get(slug=slug)
    for instance_id in _running(slug, number):
        began[instance_id] = time.monotonic()
        stored = request(element, "stop", [instance_id], batch=uuid.uuid4(), by="olga", now=timezone.now())
        tasks.send(element.pk, [action.pk for action in stored.actions])
        time.sleep(pause_s)
    return began


def _running(slug: str, number: int) -> list[str]:
    found = Element.objects.get(slug=slug).instances.filter(state="running", actions__isnull=True)
    return list(found.order_by("pk").values_list("instance_id", flat=True)[:number])

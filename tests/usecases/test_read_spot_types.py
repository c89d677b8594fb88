from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import DebugRecord, Element, Instance, Poll
from elements.usecases.change_instance_state import candidates
from elements.usecases.read_spot_types import ASK_AGAIN, OPERATION
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


def poll(element):
    return poll_once(element.pk, caller="poll", now=timezone.now())


def types():
    return dict(Instance.objects.values_list("instance_id", "spot_type"))


def test_a_poll_learns_which_spot_instances_can_be_stopped(aws):
    (kept,) = aws.add_instances(lifecycle="spot", spot_type="persistent")
    (once,) = aws.add_instances(lifecycle="spot", spot_type="one-time")
    (other,) = aws.add_instances()
    element = builders.element(aws, aws.add_keys())

    poll(element)

    assert types() == {kept: "persistent", once: "one-time", other: ""}
    assert reasons(kept, once) == {kept: "", once: "a one-time Spot Instance cannot be stopped"}


def test_open_pages_learn_it_too(aws):
    aws.add_instances(lifecycle="spot", spot_type="persistent")
    keys = aws.add_keys(denied=[OPERATION])
    element = builders.element(aws, keys)
    poll(element)
    shown = Poll.objects.get().revision
    forget_asking()
    keys.denied = frozenset()

    poll(element)

    assert Instance.objects.get().revision > shown


def test_aws_is_asked_once_for_what_never_changes(aws):
    aws.add_instances(count=150, lifecycle="spot")
    element = builders.element(aws, aws.add_keys())
    poll(element)
    forget_asking()

    poll(element)

    assert len(aws.journal(OPERATION)) == 2
    assert set(types().values()) == {"one-time"}


def test_an_element_without_spot_instances_asks_nothing(aws):
    aws.add_instances()
    element = builders.element(aws, aws.add_keys())

    poll(element)

    assert aws.journal(OPERATION) == []


def test_a_key_that_may_not_see_them_is_asked_with_now_and_then_and_the_poll_is_good(aws):
    (spot,) = aws.add_instances(lifecycle="spot")
    element = builders.element(aws, aws.add_keys(denied=[OPERATION]))

    reports = [poll(element), poll(element)]

    assert [report.ok for report in reports] == [True, True]
    assert len(aws.journal(OPERATION)) == 1
    assert OPERATION in reasons(spot)[spot]
    forget_asking()
    poll(element)
    assert len(aws.journal(OPERATION)) == 2


def forget_asking():
    """Let so much time pass that AWS may be asked again."""
    DebugRecord.objects.update(at=timezone.now() - ASK_AGAIN - timedelta(seconds=1))


def reasons(*instance_ids):
    """Return why each cannot be stopped, by instance ID."""
    found = candidates(Element.objects.get(), "stop", instance_ids, timezone.now())
    return {each.instance.instance_id: each.reason for each in found}

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Action, Element, Instance
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import expire, follow
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    aws.add_instances(names=[f"encoder-{n}" for n in range(4)])
    row = builders.element(aws, aws.add_keys())
    poll_once(row.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get()


def ask(element, verb, ids=None, batch=None):
    ids = ids or list(element.instances.values_list("instance_id", flat=True))
    asked = request(element, verb, ids, batch=batch or uuid.uuid4(), by="maria", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)
    return asked


def test_a_stop_of_four_is_one_call_and_is_confirmed_by_looking(aws, element):
    ask(element, "stop")

    follow(element, now=timezone.now())

    assert len(aws.journal("StopInstances")) == 1
    assert set(Action.objects.values_list("status", flat=True)) == {"confirmed"}
    assert set(Instance.objects.values_list("state", flat=True)) == {"stopped"}


def test_a_second_submit_of_the_same_form_asks_aws_nothing(aws, element):
    batch = uuid.uuid4()
    ask(element, "stop", batch=batch)

    assert ask(element, "stop", batch=batch).repeated
    assert len(aws.journal("StopInstances")) == 1


def test_the_bad_one_of_a_batch_is_named_and_the_rest_still_stop(aws, element):
    bad = element.instances.values_list("instance_id", flat=True)[1]
    aws.instance(bad).protect()

    ask(element, "stop")

    assert Action.objects.get(status="refused").instance_id_text == bad
    assert Action.objects.filter(status="accepted").count() == 3


def test_a_capacity_error_is_exactly_one_call(aws, element):
    (stopped,) = aws.add_instances(state="stopped")
    poll_once(element.pk, caller="poll", now=timezone.now())
    aws.fault("capacity", "StartInstances")

    ask(element, "start", [stopped])

    assert len(aws.journal("StartInstances")) == 1
    assert Action.objects.get().error_code == "InsufficientInstanceCapacity"


def test_an_answer_that_is_lost_is_settled_by_looking_and_never_sent_again(aws, element):
    aws.fault("lost", "StopInstances", times=1)

    ask(element, "stop")
    assert set(Action.objects.values_list("status", flat=True)) == {"unanswered"}
    follow(element, now=timezone.now())

    assert len(aws.journal("StopInstances")) == 1
    assert set(Action.objects.values_list("status", flat=True)) == {"confirmed"}


def test_what_is_in_the_wrong_state_is_refused_without_a_call(aws, element):
    asked = ask(element, "start")

    assert asked.actions == []
    assert {candidate.reason for candidate in asked.left_alone} == {"running"}
    assert aws.journal("StartInstances") == []


def test_a_request_nobody_sent_in_time_expires(aws, element):
    ids = list(element.instances.values_list("instance_id", flat=True))
    request(element, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now() - timedelta(minutes=2))

    expire(timezone.now())
    perform(element, list(Action.objects.values_list("pk", flat=True)), clock=timezone.now)

    assert set(Action.objects.values_list("status", flat=True)) == {"expired"}
    assert aws.journal("StopInstances") == []


def show_running(aws):
    for row in aws.world.instances.values():
        aws.change_instance(row.instance_id, state="running")


def test_a_poll_that_began_before_the_stop_does_not_bring_the_old_state_back(aws, element):
    before = timezone.now()
    ask(element, "stop")
    follow(element, now=timezone.now())
    show_running(aws)

    poll_once(element.pk, caller="poll", now=before)

    assert set(Instance.objects.values_list("state", flat=True)) == {"stopped"}


def test_a_read_that_lags_behind_an_accepted_stop_does_not_bring_the_old_state_back(aws, element):
    aws.set(delay_s=30)
    ask(element, "stop")
    show_running(aws)

    poll_once(element.pk, caller="poll", now=timezone.now())

    assert set(Instance.objects.values_list("state", flat=True)) == {"stopping"}


def test_an_instance_that_kept_running_after_an_accepted_stop_is_shown_running_again(aws, element):
    aws.set(delay_s=30)
    ask(element, "stop")
    show_running(aws)
    Action.objects.update(status="unknown", settled_at=timezone.now())

    poll_once(element.pk, caller="poll", now=timezone.now())

    assert set(Instance.objects.values_list("state", flat=True)) == {"running"}


def test_a_start_that_falls_back_to_stopped_is_a_failed_start_with_awss_reason(aws):
    aws.add_instances(names=["encrypted"], state="stopped", kms_denied=True)
    row = builders.element(aws, aws.add_keys())
    poll_once(row.pk, caller="poll", now=timezone.now())
    element = Element.objects.with_poll().get()

    ask(element, "start")
    follow(element, now=timezone.now())
    later = timezone.now() + timedelta(seconds=30)
    follow(element, now=later)

    action = Action.objects.get()
    assert action.status == "failed"
    assert "Client.InternalError" in f"{action.error_code} {action.message}"
    assert Instance.objects.get().state == "stopped"


def test_when_one_of_them_is_not_as_it_was_seen_nothing_is_stored(aws, element):
    ids = list(element.instances.values_list("instance_id", flat=True))
    Instance.objects.filter(instance_id=ids[0]).update(state="stopped")
    seen = dict.fromkeys(ids, "running")

    asked = request(element, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now(), seen=seen)

    assert (asked.changed, asked.actions) == (True, [])
    assert [candidate.instance.instance_id for candidate in asked.left_alone] == [ids[0]]
    assert not Action.objects.exists()


def test_when_one_of_them_is_not_known_any_more_nothing_is_stored(aws, element):
    ids = [*element.instances.values_list("instance_id", flat=True), "i-0123456789abcdef0"]
    seen = dict.fromkeys(ids, "running")

    assert request(element, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now(), seen=seen).changed
    assert not Action.objects.exists()


def test_a_key_counts_within_its_element(aws, element):
    batch = uuid.uuid4()
    ask(element, "stop", batch=batch)
    other = builders.element(aws, aws.add_keys(), name="Second", region="eu-west-1")
    aws.add_instances("eu-west-1")
    poll_once(other.pk, caller="poll", now=timezone.now())

    asked = ask(Element.objects.with_poll().get(pk=other.pk), "stop", batch=batch)

    assert not asked.repeated
    assert {action.element_id for action in asked.actions} == {other.pk}

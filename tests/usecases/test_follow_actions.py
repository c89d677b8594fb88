"""How an action ends: by what AWS shows of the instance, within its time."""

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from elements import tasks
from elements.models import Action, Element, Instance, Poll
from elements.usecases import follow_actions
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import elements_to_look_at, expire, follow
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    aws.add_instances(names=["enc"])
    return polled(builders.element(aws, aws.add_keys()))


def polled(row):
    poll_once(row.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get(pk=row.pk)


def ask(element, verb="stop"):
    ids = list(element.instances.values_list("instance_id", flat=True))
    asked = request(element, verb, ids, batch=uuid.uuid4(), by="maria", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)
    return Action.objects.get(pk=asked.actions[0].pk)


def after(action, **span):
    return action.answered_at + timedelta(**span)


def test_the_first_look_is_due_three_seconds_after_the_answer_and_goes_to_one_clock(element):
    action = ask(element)

    assert elements_to_look_at(after(action, seconds=2)) == []
    assert elements_to_look_at(after(action, seconds=3)) == [element.pk]
    assert elements_to_look_at(after(action, seconds=3)) == []


def test_a_clock_that_was_ahead_puts_no_look_off(element):
    action = ask(element)
    Action.objects.update(look_at=after(action, hours=1))

    assert elements_to_look_at(after(action, seconds=3)) == [element.pk]


def test_the_clock_queues_the_look_for_the_ops_workers(element, monkeypatch):
    action, queued = ask(element), []
    monkeypatch.setattr(tasks, "async_task", lambda *arguments, **options: queued.append((*arguments, options)))

    tasks.tick(after(action, seconds=3))

    assert ("elements.tasks.follow", element.pk, {"cluster": "ops"}) in queued


def test_a_silent_aws_holds_a_look_for_a_short_time_only(aws, element, monkeypatch):
    action = ask(element)
    aws.fault("hang", "DescribeInstances")
    monkeypatch.setattr(follow_actions, "LOOK_S", 0.5)
    began = time.monotonic()

    follow(element, now=after(action, seconds=3))

    assert time.monotonic() - began < 10
    assert Action.objects.get().status == "accepted"


def test_while_aws_shows_the_way_the_action_waits_then_is_given_up_in_words(aws, element):
    aws.set(delay_s=3600)
    action = ask(element)

    follow(element, now=after(action, minutes=9, seconds=59))
    assert Action.objects.get().status == "accepted"
    follow(element, now=after(action, minutes=10))

    assert Action.objects.get().status == "unknown"
    assert "After 10 min AWS still shows it stopping" in Action.objects.get().message


def test_a_read_that_lags_is_no_failure_for_five_minutes(aws, element):
    aws.set(lag_s=3600)
    action = ask(element)

    follow(element, now=after(action, minutes=4, seconds=59))

    assert Action.objects.get().status == "accepted"


def test_the_old_state_after_five_minutes_is_a_failure(aws, element):
    aws.set(lag_s=3600)
    action = ask(element)

    follow(element, now=after(action, minutes=5))

    assert Action.objects.get().status == "failed"
    assert "It was not stopped: it is running again." in Action.objects.get().message


def test_the_row_does_not_flip_back_while_reads_lag(aws, element):
    aws.set(delay_s=3600, lag_s=3600)
    action = ask(element)

    follow(element, now=after(action, seconds=3))
    poll_once(element.pk, caller="poll", now=after(action, seconds=10))

    assert Instance.objects.get().state == "stopping"


def test_a_start_that_falls_back_to_stopped_is_failed_with_awss_reason_and_the_usual_cause(aws):
    aws.add_instances(names=["encrypted"], state="stopped", kms_denied=True)
    element = polled(builders.element(aws, aws.add_keys()))
    action = ask(element, "start")

    follow(element, now=after(action, seconds=3))

    ended = Action.objects.get()
    assert ended.status == "failed"
    assert "Client.InternalError" in ended.message
    assert "kms:CreateGrant" in ended.message
    assert Instance.objects.get().state == "stopped"


def test_the_second_start_that_falls_back_for_the_same_reason_is_failed_too(aws):
    aws.set(delay_s=3600)
    aws.add_instances(names=["encrypted"], state="stopped", kms_denied=True)
    element = polled(builders.element(aws, aws.add_keys()))
    Instance.objects.update(state_reason_code="Client.InternalError")
    action = ask(element, "start")

    follow(element, now=after(action, seconds=3))
    assert Action.objects.get().passed_through
    aws.set(delay_s=0)
    aws.instance(action.instance_id_text).raw.start(aws.now(), 0, 0)
    follow(element, now=after(action, seconds=25))

    assert Action.objects.get().status == "failed"


def test_an_instance_terminated_meanwhile_is_said(aws, element):
    action = ask(element)
    aws.vanish(action.instance_id_text)

    follow(element, now=after(action, seconds=3))

    assert Action.objects.get().status == "failed"
    assert "AWS no longer lists the instance" in Action.objects.get().message
    assert Instance.objects.get().gone_at is None


def test_a_request_lost_on_its_way_is_given_up_after_two_minutes_and_may_be_asked_again(aws, element):
    aws.fault("reset", "StopInstances", times=1)
    action = ask(element)

    follow(element, now=after(action, seconds=119))
    assert Action.objects.get().status == "unanswered"
    follow(element, now=after(action, seconds=120))

    assert Action.objects.get().status == "unknown"
    assert "the request has probably not arrived" in Action.objects.get().message
    assert ask(element).status == "accepted"


def test_a_request_whose_answer_was_lost_is_confirmed_by_what_aws_shows(aws, element):
    aws.fault("lost", "StopInstances", times=1)
    action = ask(element)

    follow(element, now=after(action, seconds=3))

    assert Action.objects.get().status == "confirmed"


def test_a_reboot_without_an_answer_is_never_called_done(aws, element):
    aws.fault("reset", "RebootInstances", times=1)
    action = ask(element, "reboot")

    follow(element, now=after(action, seconds=30))

    assert Action.objects.get().status == "unknown"


def test_a_look_that_fails_settles_nothing_until_the_time_is_over(aws, element):
    action = ask(element)
    aws.fault("unavailable", "DescribeInstances")

    follow(element, now=after(action, minutes=9))
    assert Action.objects.get().status == "accepted"
    follow(element, now=after(action, minutes=10))

    assert Action.objects.get().status == "unknown"
    assert "could not be read within 10 min" in Action.objects.get().message


def test_a_paused_element_is_not_looked_at(aws, element):
    action = ask(element)
    element.set_paused(True, by="maria", now=timezone.now())
    before = len(aws.journal())

    follow(element, now=after(action, seconds=3))

    assert len(aws.journal()) == before
    assert Action.objects.get().status == "unknown"


def test_where_nobody_looks_at_all_the_clock_ends_the_action(element):
    action = ask(element)

    expire(after(action, minutes=14))
    assert Action.objects.get().is_open
    expire(after(action, minutes=15))

    assert Action.objects.get().status == "unknown"


def test_open_pages_learn_that_a_request_expired(element):
    ids = list(element.instances.values_list("instance_id", flat=True))
    request(element, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now() - timedelta(minutes=2))
    before = Poll.objects.get().revision

    expire(timezone.now())

    assert Poll.objects.get().revision > before
    assert Action.objects.get().status == "expired"


def test_an_element_deleted_meanwhile_ends_the_look_quietly(element):
    ask(element)
    gone = Element.objects.get()
    Element.objects.all().delete()

    tasks.follow(gone.pk)

    assert not Action.objects.exists()

"""How stored requests reach AWS: once, together, within a time, and whoever dies on the way."""

import math
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from elements import tasks
from elements.models import Action, Activity, DebugRecord, Element, Poll
from elements.usecases import change_instance_state, follow_actions
from elements.usecases.budgets import Budget
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import LOST_CALL, expire, stuck_requests
from elements.usecases.run_polls import poll_once
from elements.usecases.send_actions import TOGETHER, Sender
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(aws):
    return aws.add_keys()


def polled(aws, keys, count=4, **fields):
    aws.add_instances(count=count, **fields)
    row = builders.element(aws, keys)
    poll_once(row.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get()


def ids(element, **fields):
    return list(element.instances.filter(**fields).order_by("pk").values_list("instance_id", flat=True))


def stored(element, verb="stop", instance_ids=None, by="maria", now=None):
    wanted = instance_ids or ids(element)
    asked = request(element, verb, wanted, batch=uuid.uuid4(), by=by, now=now or timezone.now())
    return [action.pk for action in asked.actions]


def send(element, pks, **options):
    return perform(element, pks, clock=timezone.now, **options)


def test_a_task_delivered_fifty_times_asks_aws_once(aws, keys):
    element = polled(aws, keys)
    pks = stored(element)

    for _ in range(50):
        tasks.perform_actions(element.pk, pks)

    assert len(aws.journal("StopInstances")) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_twenty_workers_with_the_same_task_ask_aws_once(aws, keys):
    element = polled(aws, keys)
    pks, gate = stored(element), threading.Barrier(20)

    def work():
        gate.wait()
        try:
            tasks.perform_actions(element.pk, pks)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(aws.journal("StopInstances")) == 1
    assert set(Action.objects.values_list("status", flat=True)) == {"accepted"}


def test_more_than_a_hundred_are_one_call_for_each_hundred(aws, keys):
    element = polled(aws, keys, count=250)

    send(element, stored(element))

    assert len(aws.journal("StopInstances")) == 3
    assert Action.objects.filter(status="accepted").count() == 250


def test_stuck_requests_of_two_verbs_are_never_sent_as_one(aws, keys):
    element = polled(aws, keys)
    (stopped,) = aws.add_instances(state="stopped")
    poll_once(element.pk, caller="poll", now=timezone.now())
    before = timezone.now() - timedelta(seconds=10)
    stored(element, "stop", ids(element, state="running"), now=before)
    stored(element, "start", [stopped], now=before)

    [(element_id, pks)] = stuck_requests(timezone.now())
    tasks.perform_actions(element_id, pks)

    assert aws.instance(stopped).state == "running"
    assert {aws.instance(other).state for other in ids(element) if other != stopped} == {"stopped"}
    assert (len(aws.journal("StopInstances")), len(aws.journal("StartInstances"))) == (1, 1)


def test_a_request_that_waits_in_the_queue_is_not_queued_each_second(aws, keys):
    element = polled(aws, keys)
    before = timezone.now() - timedelta(seconds=10)
    pks = stored(element, now=before)

    tries = [stuck_requests(before + timedelta(seconds=seconds)) for seconds in range(61)]

    assert [second for second, found in enumerate(tries) if found] == [5, 20, 35, 50]
    assert tries[5] == [(element.pk, sorted(pks))]


def test_many_requests_are_noted_with_one_statement(aws, keys, django_assert_max_num_queries):
    element = polled(aws, keys, count=40)

    with django_assert_max_num_queries(20):
        stored(element)

    assert Activity.objects.filter(kind="action").count() == 40
    assert Activity.objects.filter(kind="action", element=element, username="maria").first().instance_id_text


def test_each_user_is_named_in_the_records_of_their_own_call(aws, keys):
    element = polled(aws, keys)
    first, *rest = ids(element)

    send(element, [*stored(element, instance_ids=[first], by="maria"), *stored(element, instance_ids=rest, by="olga")])

    callers = DebugRecord.objects.filter(operation="StopInstances").values_list("caller", flat=True)
    assert sorted(callers) == ["maria", "olga"]


def test_what_the_sender_has_no_time_for_is_given_back_and_sent_later(aws, keys):
    element = polled(aws, keys, count=3)
    for instance_id in ids(element)[:2]:
        aws.instance(instance_id).protect()
    pks = stored(element)

    Sender(element, timezone.now, until=0.0).send(element.actions.claim(pks, timezone.now()))
    assert len(aws.journal("StopInstances")) == 1
    assert sorted(Action.objects.values_list("status", flat=True)) == ["refused", "requested", "requested"]
    send(element, pks)

    assert sorted(Action.objects.values_list("status", flat=True)) == ["accepted", "refused", "refused"]


def test_what_is_given_back_has_no_more_time_than_when_it_was_asked_for(aws, keys):
    element = polled(aws, keys, count=2)
    pks = stored(element, instance_ids=ids(element)[:1], by="maria")
    pks += stored(element, instance_ids=ids(element)[1:], by="olga")
    asked = dict(Action.objects.values_list("pk", "expires_at"))

    Sender(element, lambda: timezone.now() + timedelta(seconds=50), until=0.0).send(
        element.actions.claim(pks, timezone.now())
    )

    (given_back,) = Action.objects.filter(status="requested")
    assert given_back.expires_at == asked[given_back.pk]


def test_a_sender_without_time_begins_nothing_and_says_what_is_left(aws, keys):
    element = polled(aws, keys)
    pks = stored(element)

    assert send(element, pks, patience_s=0.0) == sorted(pks)
    assert aws.journal("StopInstances") == []


def test_an_expired_request_is_not_handed_on_for_ever(aws, keys):
    element = polled(aws, keys)
    pks = stored(element, now=timezone.now() - timedelta(minutes=2))

    assert send(element, pks) == []
    assert aws.journal("StopInstances") == []


def test_what_a_machine_slept_over_between_claim_and_call_is_not_sent(aws, keys, monkeypatch):
    element, slept_s = polled(aws, keys), [0]
    pks = stored(element)
    monkeypatch.setattr(Budget, "_wait", lambda budget, operation: slept_s.append(61))

    perform(element, pks, clock=lambda: timezone.now() + timedelta(seconds=slept_s[-1]))

    assert aws.journal("StopInstances") == []
    assert set(Action.objects.values_list("status", flat=True)) == {"expired"}
    assert "had passed before AWS could be asked" in Action.objects.first().message


def test_a_request_from_before_a_clock_was_put_back_is_not_sent_an_hour_late(aws, keys):
    element = polled(aws, keys)
    pks = stored(element)
    Action.objects.update(expires_at=timezone.now() + timedelta(hours=1))

    assert send(element, pks) == []
    assert stuck_requests(timezone.now()) == []
    expire(timezone.now())

    assert aws.journal("StopInstances") == []
    assert set(Action.objects.values_list("status", flat=True)) == {"expired"}


def test_a_sender_lost_before_a_clock_was_put_back_is_looked_for_at_once(aws, keys):
    element = polled(aws, keys)
    element.actions.claim(stored(element), timezone.now())
    Action.objects.update(sent_at=timezone.now() + timedelta(hours=1))

    expire(timezone.now())

    assert set(Action.objects.values_list("status", flat=True)) == {"unanswered"}


def test_an_element_paused_after_the_request_is_not_called(aws, keys):
    element = polled(aws, keys)
    pks = stored(element)
    element.set_paused(True, by="maria", now=timezone.now())
    before = len(aws.journal())

    send(element, pks)

    assert len(aws.journal()) == before
    assert set(Action.objects.values_list("status", flat=True)) == {"refused"}
    assert "paused before AWS was asked" in Action.objects.first().message


def test_an_element_deleted_after_the_request_ends_it_quietly(aws, keys):
    element = polled(aws, keys)
    pks, pk = stored(element), element.pk
    Element.objects.get(pk=pk).delete()

    tasks.perform_actions(pk, pks)

    assert aws.journal("StopInstances") == []


def test_a_sender_that_dies_during_the_call_leaves_actions_that_are_looked_at_and_never_sent_again(aws, keys):
    element = polled(aws, keys)
    pks = stored(element)
    element.actions.claim(pks, timezone.now())  # and nothing more: the process is gone

    send(element, pks)
    expire(timezone.now() + timedelta(seconds=89))
    assert set(Action.objects.values_list("status", flat=True)) == {"sent"}
    expire(timezone.now() + timedelta(seconds=91))

    assert set(Action.objects.values_list("status", flat=True)) == {"unanswered"}
    assert aws.journal("StopInstances") == []


def test_an_answer_that_comes_after_the_action_was_settled_changes_nothing(aws, keys):
    element = polled(aws, keys, count=1)
    pks = stored(element)
    (late,) = element.actions.claim(pks, timezone.now())
    Action.objects.update(status="confirmed", settled_at=timezone.now())

    Action.objects.held([late]).update(status="accepted")

    assert Action.objects.get().status == "confirmed"


def test_one_forbidden_instance_that_aws_does_not_name_holds_nobody_back(aws, keys):
    element = polled(aws, keys, count=8)
    details = {"code": "IncorrectInstanceState", "message": "One of them is changing.", "status": 400}
    aws.fault("error", "StopInstances", times=1, **details)

    send(element, stored(element))

    assert Action.objects.filter(status="accepted").count() == 8
    assert len(aws.journal("StopInstances")) == 3


def lacking(aws, keys, settings, *, types, without):
    """Return an element of stopped instances, one of each type in their order; those at `without` lack capacity."""
    settings.REQUEST_BUDGET_PERCENT = 100
    (first, *others) = [aws.add_instances(state="stopped", type=each)[0] for each in types]
    for at in without:
        aws.world.instances[[first, *others][at]].no_capacity = True
    row = builders.element(aws, keys)
    poll_once(row.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get()


def asked_for(aws):
    return [len(call.parameters["InstanceIds"]) for call in aws.journal("StartInstances")]


def test_those_of_the_type_that_lacks_capacity_keep_no_others_from_starting(aws, keys, settings):
    element = lacking(aws, keys, settings, types=["m5.large", "c7i.large"] * 3, without=[0, 2, 4])

    send(element, stored(element, "start"))

    assert asked_for(aws) == [6, 3, 3, 1, 2, 1, 1]
    started, refused = (Action.objects.filter(status=status) for status in ("accepted", "refused"))
    assert set(started.values_list("instance__instance_type", "error_code", "message")) == {("c7i.large", "", "")}
    assert {action.instance.instance_type for action in refused} == {"m5.large"} and refused.count() == 3


def test_what_aws_refused_together_is_asked_for_again_after_all_others(aws, keys, settings, monkeypatch):
    monkeypatch.setattr(change_instance_state, "IDS_PER_CALL", 2)
    element = lacking(aws, keys, settings, types=["m5.large"] * 4, without=[0])

    send(element, stored(element, "start"))

    first, second, *rest = [call.parameters["InstanceIds"] for call in aws.journal("StartInstances")]
    assert (len(first), len(second), sorted(rest)) == (2, 2, sorted([each] for each in first))
    assert sorted(Action.objects.values_list("status", flat=True)) == ["accepted"] * 3 + ["refused"]


def test_refusals_without_an_id_are_halved_until_those_stand_alone_that_lack_capacity(aws, keys, settings, monkeypatch):
    settle = Sender._settle_error
    monkeypatch.setattr(Sender, "_settle_error", lambda self, group, error, request_id: settle(self, group, error, ""))
    element = lacking(aws, keys, settings, types=["m5.large"] * 6, without=[0, 5])

    send(element, stored(element, "start"))

    assert sorted(Action.objects.values_list("status", flat=True)) == ["accepted"] * 4 + ["refused"] * 2
    assert len(aws.journal("StartInstances")) <= 11


@pytest.mark.parametrize("who", ["the clock", "the sender"])
def test_whoever_has_no_time_to_ask_again_says_why_aws_refused(aws, keys, settings, who):
    element = lacking(aws, keys, settings, types=["m5.large"] * 2, without=[0, 1])
    now = timezone.now()
    pks = stored(element, "start", now=now)
    Sender(element, timezone.now, until=0.0).send(element.actions.claim(pks, now))
    assert set(Action.objects.values_list("status", flat=True)) == {"requested"}

    later = now + timedelta(seconds=61)
    if who == "the clock":
        expire(later)
    else:
        Sender(element, lambda: later, until=math.inf).send(element.actions.claim(pks, now))

    assert asked_for(aws) == [2]
    for action in Action.objects.all():
        assert (action.status, action.error_code) == ("refused", "InsufficientInstanceCapacity")
        assert "AWS has no free capacity" in action.message and action.message.endswith(TOGETHER)


def test_a_sender_that_dies_while_it_asks_again_leaves_nothing_of_what_aws_said_before(aws, keys, settings):
    element = lacking(aws, keys, settings, types=["m5.large"] * 2, without=[0, 1])
    now = timezone.now()
    pks = stored(element, "start", now=now)
    Sender(element, timezone.now, until=0.0).send(element.actions.claim(pks, now))
    element.actions.claim(pks, now)  # and nothing more: the process is gone

    expire(now + timedelta(seconds=91))

    said = Action.objects.values_list("status", "error_code", "request_id", "message")
    assert set(said) == {("unanswered", "", "", LOST_CALL)}


def test_an_element_paused_before_aws_is_asked_again_shows_nothing_of_what_aws_said_before(aws, keys, settings):
    element = lacking(aws, keys, settings, types=["m5.large"] * 2, without=[0, 1])
    now = timezone.now()
    pks = stored(element, "start", now=now)
    Sender(element, timezone.now, until=0.0).send(element.actions.claim(pks, now))
    element.set_paused(True, by="maria", now=now)

    send(element, pks)

    said = Action.objects.values_list("status", "error_code", "request_id", "message")
    assert set(said) == {("refused", "", "", change_instance_state.PAUSED)}


def test_what_aws_refused_while_the_clock_ends_what_is_late_says_why(aws, keys, settings, monkeypatch):
    element = lacking(aws, keys, settings, types=["m5.large"] * 2, without=[0, 1])
    now, end = timezone.now(), follow_actions._end_where
    claimed = element.actions.claim(stored(element, "start", now=now), now)

    def refused_meanwhile(rows, *args, **values):
        end(rows, *args, **values)
        if claimed:
            Sender(element, timezone.now, until=0.0).send([claimed.pop(), claimed.pop()])

    monkeypatch.setattr(follow_actions, "_end_where", refused_meanwhile)

    for _ in range(2):
        expire(now + timedelta(seconds=61))

    assert set(Action.objects.values_list("status", "error_code")) == {("refused", "InsufficientInstanceCapacity")}


def test_throttling_is_said_and_nothing_is_tried_again(aws, keys):
    element = polled(aws, keys)
    aws.fault("throttle", "StopInstances")

    send(element, stored(element))

    assert len(aws.journal("StopInstances")) == 1
    assert "throttling" in Action.objects.first().message


def test_refused_keys_are_one_call_however_many_instances(aws, keys):
    element = polled(aws, keys)
    aws.fault("error", "StopInstances", code="AuthFailure", message="No.", status=401)

    send(element, stored(element))

    assert len(aws.journal("StopInstances")) == 1
    assert set(Action.objects.values_list("error_code", flat=True)) == {"AuthFailure"}


@pytest.mark.parametrize("kind", ["reset", "captive", "html-500", "garbage", "internal", "lost"])
def test_without_an_answer_nobody_says_that_nothing_was_done(aws, keys, kind):
    element = polled(aws, keys)
    aws.fault(kind, "StopInstances", times=1)

    send(element, stored(element))

    assert len(aws.journal("StopInstances")) <= 1
    assert set(Action.objects.values_list("status", flat=True)) == {"unanswered"}


def test_an_unreachable_aws_certainly_did_nothing(aws, keys):
    element = polled(aws, keys)
    Element.objects.update(endpoint_url="http://127.0.0.1:9")
    element = Element.objects.with_poll().get()

    send(element, stored(element))

    assert set(Action.objects.values_list("status", flat=True)) == {"refused"}


def test_a_wrong_state_brings_the_next_poll_forward(aws, keys):
    element = polled(aws, keys, count=1)
    aws.instance(ids(element)[0]).terminate()
    Poll.objects.update(due_at=timezone.now() + timedelta(minutes=5))

    send(element, stored(element))

    assert Action.objects.get().status == "refused"
    assert Poll.objects.get().due_at <= timezone.now()


def test_a_stopped_instance_has_no_green_check_left(aws, keys):
    aws.set(delay_s=60)
    element = polled(aws, keys, count=1)

    send(element, stored(element))

    assert element.instances.get().checks_rank == 9

"""What a listing leaves out is asked for by ID before anybody calls it gone."""

import pytest
from django.utils import timezone

from elements.models import Change, Instance, Poll, ScheduledEvent
from elements.usecases import second_look
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


def poll(element):
    return poll_once(element.pk, caller="poll", now=timezone.now())


@pytest.fixture
def ids(aws):
    return aws.add_instances(names=["encoder-1", "encoder-2", "encoder-3"])


@pytest.fixture
def element(aws, ids):
    aws.instance(ids[0]).schedule_event("system-reboot")
    row = builders.element(aws, aws.add_keys())
    poll(row)
    return row


def by_id(aws, operation):
    return [call.parameters["InstanceIds"] for call in aws.journal(operation) if "InstanceIds" in call.parameters]


def test_an_instance_that_the_listing_left_out_is_not_gone_and_what_aws_says_of_it_is_stored(aws, element, ids):
    aws.fault("omit", "DescribeInstances", instance_id=ids[0])
    aws.instance(ids[0]).tags["Name"] = "renamed"

    report = poll(element)

    assert (report.ok, report.instances, report.gone, report.changed) == (True, 3, 0, 1)
    assert Instance.objects.listed().get(instance_id=ids[0]).display_name == "renamed"
    assert by_id(aws, "DescribeInstances") == [[ids[0]]]


def test_events_and_checks_of_an_instance_whose_status_was_left_out_are_kept(aws, element, ids):
    aws.fault("omit", "DescribeInstanceStatus", instance_id=ids[0])

    report = poll(element)

    assert (report.ok, report.changed) == (True, 0)
    assert ScheduledEvent.objects.get().cleared_at is None
    assert Instance.objects.get(instance_id=ids[0]).system_status == "ok"
    assert by_id(aws, "DescribeInstanceStatus") == [[ids[0]]]


def test_a_whole_list_that_is_suddenly_empty_marks_nothing_gone(aws, element, ids):
    aws.fault("omit", "DescribeInstances")

    report = poll(element)

    assert (report.ok, report.instances) == (True, 3)
    assert not Instance.objects.gone().exists()


def test_what_aws_says_does_not_exist_is_gone_at_once(aws, element, ids):
    aws.vanish(ids[1])

    report = poll(element)

    assert (report.gone, list(Instance.objects.gone().values_list("instance_id", flat=True))) == (1, [ids[1]])
    assert Change.objects.filter(instance_id_text=ids[1]).exists()


def test_a_terminated_instance_is_expected_to_leave_and_is_not_asked_for(aws, element, ids):
    aws.instance(ids[1]).terminate()
    poll(element)
    aws.vanish(ids[1])

    assert poll(element).gone == 1
    assert by_id(aws, "DescribeInstances") == []


def test_when_the_question_fails_the_poll_does_and_nothing_is_gone(aws, element, ids):
    aws.vanish(ids[1])
    aws.fault("error", "DescribeInstances", skip=1, code="UnauthorizedOperation", message="No.", status=403)

    report = poll(element)

    assert (report.ok, report.error_code) == (False, "UnauthorizedOperation")
    assert not Instance.objects.gone().exists()
    assert Poll.objects.get().failures == 1


def test_an_unchanged_poll_asks_nothing_more(aws, element, ids):
    before = len(aws.journal())

    poll(element)

    assert len(aws.journal()) - before == 2


@pytest.mark.parametrize(("asked_at_most", "calls"), [(80, 1), (800, 3)])
def test_of_very_many_some_are_asked_for_and_the_rest_is_believed(aws, monkeypatch, asked_at_most, calls):
    monkeypatch.setattr(second_look, "ASKED_AT_MOST", asked_at_most)
    element = builders.element(aws, aws.add_keys())
    many = aws.add_instances(count=240)
    poll(element)
    for each in many:
        aws.vanish(each)

    assert poll(element).gone == 240
    assert len(by_id(aws, "DescribeInstances")) == calls


def test_of_instances_that_aws_calls_malformed_without_a_name_we_know_only_those_are_gone(aws, element, ids):
    builders.instance(element, "odd", instance_id="i-ODD")
    aws.fault("omit", "DescribeInstances", instance_id=ids[0])

    report = poll(element)

    assert (report.ok, report.gone) == (True, 1)
    assert Instance.objects.gone().get().instance_id == "i-ODD"
    assert poll(element).ok

"""Every attempt leaves a record, and none holds a secret, whatever AWS echoes."""

import json
import uuid
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.aws.session import Patience
from elements.models import Activity, DebugRecord, Element, Poll
from elements.usecases.change_instance_state import perform, request
from elements.usecases.connect import connect
from elements.usecases.follow_actions import follow
from elements.usecases.run_polls import poll_once
from elements.usecases.test_connection import examine
from tests import builders
from tests.aws.pages import listed

pytestmark = pytest.mark.django_db

KEY_ID = "ASIAPLANTED000KEYID1"
SECRET = "planted/Secret+Value=with&all<kinds>of'signs\"0123"
TOKEN = "planted//Token+of/a==Session&with<more>0123456789"
SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
PLANTED = {KEY_ID, SIGNATURE}
for _text in (SECRET, TOKEN):
    PLANTED |= {_text, quote(_text), quote(_text, safe=""), escape(_text), json.dumps(_text)[1:-1]}


def poll(element):
    return poll_once(element.pk, caller="poll", now=timezone.now())


def attempts(operation):
    rows = DebugRecord.objects.filter(operation=operation).order_by("pk")
    return list(rows.values_list("attempt", "outcome", "error_code"))


def test_each_retry_is_a_record_with_its_number(aws):
    element = builders.element(aws, aws.add_keys())
    aws.fault("throttle", "DescribeInstances", times=2)

    assert poll(element).ok
    assert attempts("DescribeInstances") == [
        (1, "error", "RequestLimitExceeded"),
        (2, "error", "RequestLimitExceeded"),
        (3, "ok", ""),
    ]


def test_each_failure_to_connect_is_a_record_with_its_number(aws):
    keys = aws.add_keys()
    element = builders.element(None, keys)

    assert not poll(element).ok
    assert [row[:2] for row in attempts("DescribeInstances")] == [(1, "no-answer"), (2, "no-answer"), (3, "no-answer")]
    assert [row[:2] for row in attempts("GetCallerIdentity")] == [(1, "no-answer"), (2, "no-answer"), (3, "no-answer")]


def test_each_silence_is_a_record_with_its_number(aws):
    element = builders.element(aws, aws.add_keys())
    aws.fault("hang", "DescribeInstances", times=1)

    listed(connect(element, caller="poll", patience=Patience(read_s=1)).describe_instances())

    assert attempts("DescribeInstances") == [(1, "no-answer", "ReadTimeoutError"), (2, "ok", "")]


def test_each_page_is_a_record_that_counts_its_own_instances(aws):
    aws.add_instances(count=1003)
    element = builders.element(aws, aws.add_keys())

    poll(element)

    pages = DebugRecord.objects.filter(operation="DescribeInstances").order_by("pk")
    assert [(row.attempt, row.returned_text) for row in pages] == [
        (1, "1\u00a0000 instances, 1 of several pages"),
        (1, "3 instances, 1 of several pages"),
    ]


def test_a_call_to_sts_is_a_record_of_sts(aws):
    element = builders.element(aws, aws.add_keys())

    poll(element)

    row = DebugRecord.objects.get(operation="GetCallerIdentity")
    assert (row.service, row.outcome, row.http_status, row.caller) == ("sts", "ok", 200, "poll")


def test_a_write_is_one_record_even_when_nothing_is_answered(aws):
    aws.add_instances()
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.fault("reset", "StopInstances")

    stop(element)

    assert [row[:2] for row in attempts("StopInstances")] == [(1, "no-answer")]


def test_a_request_on_behalf_of_somebody_names_them_and_the_instance(aws):
    (instance_id,) = aws.add_instances()
    element = builders.element(aws, aws.add_keys())
    poll(element)

    stop(element)

    row = DebugRecord.objects.get(operation="StopInstances")
    assert (row.caller, row.instance_ids, row.parameters) == ("maria.k", instance_id, {"InstanceIds": [instance_id]})
    assert row.response["StoppingInstances"][0]["InstanceId"] == instance_id


def stop(element):
    element = Element.objects.with_poll().get(pk=element.pk)
    ids = list(element.instances.values_list("instance_id", flat=True))
    asked = request(element, "stop", ids, batch=uuid.uuid4(), by="maria.k", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)
    follow(element, now=timezone.now())


@pytest.fixture
def echoing(aws):
    """Return an element whose AWS puts keys and signatures into everything it says."""
    keys = aws.add_keys(KEY_ID, SECRET, session_token=TOKEN)
    tags = {"note": SECRET, TOKEN: KEY_ID}
    aws.add_instances(names=["playout-a", "playout-b"], tags=tags)
    element = builders.element(aws, keys)
    assert poll(element).ok
    signed = f"Credential={KEY_ID}/20260318/eu-central-1/ec2/aws4_request, Signature={SIGNATURE}"
    echo = f"key {KEY_ID} secret {SECRET} token {TOKEN} Authorization: AWS4-HMAC-SHA256 {signed}"
    told = [
        echo,
        f"x-amz-security-token:{TOKEN}\n{SECRET}",
        f"?X-Amz-Credential={KEY_ID}&X-Amz-Security-Token={quote(TOKEN, safe='')}&X-Amz-Signature={SIGNATURE}",
        f"{quote(SECRET)} {escape(SECRET)} {json.dumps(TOKEN)}",
        f"{quote(TOKEN, safe='')} {quote(SECRET, safe='')}",
    ]
    for message in told:
        for action in ("StopInstances", "DescribeInstanceStatus", "GetCallerIdentity", "DescribeInstances"):
            aws.fault("error", action, code="UnauthorizedOperation", message=message, status=403, times=1)
        stop(element)
        for _ in range(3):
            poll(element)
        examine(Element.objects.get(pk=element.pk), caller="maria.k", now=timezone.now())
        aws.clear_faults()
    aws.fault("error", "DescribeInstances", code=f"Bad{KEY_ID}", message=echo, status=400)
    assert not poll(element).ok
    return Element.objects.get(pk=element.pk)


def test_no_record_holds_a_secret_whatever_aws_echoes(echoing):
    assert DebugRecord.objects.filter(error_message__contains="removed").count() > 10

    stored = "\n".join(repr(row) for row in DebugRecord.objects.values_list())

    assert {text for text in PLANTED if text in stored} == set()


def test_no_other_table_tells_what_aws_echoed(echoing):
    rows = [*Poll.objects.values_list(), *Activity.objects.values_list(), *echoing.actions.values_list()]

    told = "\n".join(map(repr, rows))

    assert "removed" in told
    assert {text for text in PLANTED if text in told} == set()


def test_no_page_and_no_export_shows_a_secret(echoing, client):
    client.force_login(builders.user("vera", "viewers"))
    debug = reverse("elements:debug", args=[echoing.slug])
    addresses = [
        debug,
        f"{debug}?result=failed",
        f"{debug}?q=UnauthorizedOperation",
        f"{debug}export.csv",
        f"{debug}export.json",
        reverse("elements:overview"),
        reverse("elements:activity"),
    ]
    told = ""
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        told += (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
    told += client.get(debug, headers={"X-Fragment": "live"}).content.decode()

    assert "removed" in told
    assert {text for text in PLANTED | {escape(text) for text in PLANTED} if text in told} == set()

"""The page of one instance."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.aws import descriptions
from elements.models import Action, Activity, Element, Instance, InstanceDescription, Poll
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(aws):
    return aws.add_keys()


def polled(aws, keys, element=None):
    element = element or builders.element(aws, keys)
    poll_once(element.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get(pk=element.pk)


def show(client, element, instance_id, **headers):
    return client.get(f"/e/{element.slug}/instances/{instance_id}/", headers=headers)


def words(response):
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).replace("\u00a0", " ").split())


def test_everything_a_person_would_look_for_is_there(aws, keys, viewer):
    (row,) = aws.add_instances(
        names=["playout-b-main"], tags={"env": "prod"}, public_ip="3.120.44.21", iam_role="playout", type="c6in.4xlarge"
    )
    element = polled(aws, keys)

    page = words(show(viewer, element, row))

    for text in (
        "playout-b-main",
        row,
        "Running",
        "c6in.4xlarge",
        "eu-central-1a",
        "from {tag:Name|instance_id}",
        "3.120.44.21 released when stopped",
        "vpc-0demo00000000000a",
        "demo-key",
        "playout",
        "env prod",
        "Root device EBS /dev/xvda, kept when stopped",
        "IMDSv2 only",
        f"vol-0{row[-16:]}",
        f"eni-0{row[-16:]}",
        "On-demand",
        "&quot;InstanceId&quot;",
        "Passed",
        "AWS has nothing planned for this instance.",
    ):
        assert text in page


def test_an_elastic_address_is_kept(aws, keys, viewer):
    (row,) = aws.add_instances(names=["edge"], public_ip="3.120.44.21")
    element = polled(aws, keys)
    kept = InstanceDescription.objects.get()
    said = descriptions.description(bytes(kept.xml))
    said["NetworkInterfaces"][0]["Association"]["IpOwnerId"] = "111122223333"
    InstanceDescription.objects.update(xml=descriptions.of_members(said, said))

    assert "Elastic IP, kept when stopped" in words(show(viewer, element, row))


def test_a_failing_check_is_named_with_since_when_and_what_is_usually_behind_it(aws, keys, viewer):
    (row,) = aws.add_instances()
    since = aws.now() - timedelta(minutes=9)
    aws.change_instance(row, checks={"system": "ok", "instance": "impaired", "ebs": "ok"})
    aws.change_instance(row, impaired_since={"instance": since})
    element = polled(aws, keys)

    page = words(show(viewer, element, row))

    assert "Instance status check has failed for 9 min" in page
    assert "Usual causes: exhausted memory" in page
    assert "System status check has failed" not in page


def test_what_applies_can_be_pressed_and_what_does_not_says_why(aws, keys, operator):
    (row,) = aws.add_instances()
    element = polled(aws, keys)

    html = show(operator, element, row).content.decode()

    assert f"/actions/confirm/?action=stop&amp;id={row}&amp;next=" in html
    assert re.findall(r'data-act="(\w+)" aria-disabled="true" title="running"', html) == ["start"]


def test_a_viewer_has_no_control(aws, keys, viewer):
    (row,) = aws.add_instances()
    element = polled(aws, keys)

    html = show(viewer, element, row).content.decode()

    assert "data-act" not in html
    assert "actions/confirm" not in html


def test_while_the_element_is_not_connected_nothing_can_be_pressed(aws, keys, operator):
    (row,) = aws.add_instances()
    element = polled(aws, keys)
    Poll.objects.update(refused=True)

    html = show(operator, element, row).content.decode()

    assert html.count('aria-disabled="true"') == html.count("data-act=") == 3
    assert "Start and Stop are off until the connection is back." in html


def test_an_instance_that_aws_no_longer_lists_says_until_when_it_is_kept(aws, keys, operator):
    row, _ = aws.add_instances(count=2)
    element = polled(aws, keys)
    aws.vanish(row)
    element = polled(aws, keys, element)
    until = Instance.objects.get(instance_id=row).gone_at + timedelta(days=7)

    response = show(operator, element, row)

    assert "AWS has not reported this instance since" in words(response)
    assert f"History is kept until {until:%Y-%m-%d %H:%M}" in words(response)
    assert response.content.decode().count('aria-disabled="true" title="AWS no longer lists it"') == 3


@pytest.mark.parametrize("instance_id", ["i-00000000000000000", "nonsense", "%00", "a" * 500, "%F0%9F%8E%AC"])
def test_an_unknown_instance_is_not_found(viewer, instance_id):
    assert show(viewer, builders.element(), instance_id).status_code == 404


def test_an_instance_of_another_element_is_not_found(aws, keys, viewer):
    (row,) = aws.add_instances()
    polled(aws, keys)

    assert show(viewer, builders.element(name="Second"), row).status_code == 404


def test_activity_tells_who_asked_and_how_it_ended(aws, keys, viewer):
    (row,) = aws.add_instances(names=["enc"])
    element = polled(aws, keys)
    now = timezone.now()
    asked = {"element": element, "instance_id_text": row, "requested_at": now, "expires_at": now, "verb": "stop"}
    Action.objects.create(
        **asked,
        batch="12345678123456781234567812345678",
        status="refused",
        requested_by="maria.k",
        error_code="UnauthorizedOperation",
        request_id="req-9",
        settled_at=now,
    )
    Activity.objects.note(
        by="j.ortiz", kind="action", text="Stop of enc requested", now=now, element=element, instance_id=row
    )
    Activity.objects.note(
        by="j.ortiz", kind="setting", text="Reboot rescheduled", now=now, element=element, instance_id=row
    )

    response = show(viewer, element, row)

    assert "Stop failed, asked for by maria.k UnauthorizedOperation" in words(response)
    assert "Reboot rescheduled by j.ortiz" in words(response)
    assert "requested" not in words(response)
    assert f'href="/e/{element.slug}/debug/?q=req-9#req-9"' in response.content.decode()


def test_a_stop_nobody_asked_for_here_is_said_to_be_foreign(aws, keys, viewer):
    (row,) = aws.add_instances()
    element = polled(aws, keys)
    aws.instance(row).stop()
    element = polled(aws, keys, element)

    assert "Stopped, not by ec2mon" in words(show(viewer, element, row))


def test_a_scheduled_event_can_be_moved_by_an_operator_only(aws, keys, viewer, operator):
    (row,) = aws.add_instances()
    aws.instance(row).schedule_event("system-reboot", in_s=7200, deadline_s=86_400)
    element = polled(aws, keys)

    assert "Host reboot in 1 h 59 min" in words(show(viewer, element, row))
    assert "Can start no later than" in words(show(viewer, element, row))
    assert "Reschedule" not in words(show(viewer, element, row))
    assert "Reschedule" in words(show(operator, element, row))


def test_an_unchanged_page_is_not_sent_again_and_a_changed_one_is(aws, keys, viewer):
    (row,) = aws.add_instances()
    element = polled(aws, keys)
    token = re.search(r'data-revision="([^"]+)"', show(viewer, element, row).content.decode()).group(1)
    address = f"/e/{element.slug}/instances/{row}/?since={token}"

    assert viewer.get(address, headers={"X-Fragment": "live"}).status_code == 204
    aws.instance(row).stop()
    polled(aws, keys, element)
    answer = viewer.get(address, headers={"X-Fragment": "live"})

    assert answer.status_code == 200
    assert "Stopped" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_hostile_texts_are_texts(aws, keys, viewer):
    (row,) = aws.add_instances(names=["<script>alert(1)</script>"], tags={"<b>": '"><img src=x>'})
    element = polled(aws, keys)

    html = show(viewer, element, row).content.decode()

    assert "<script>alert" not in html
    assert "<img" not in html


def test_the_page_takes_a_fixed_number_of_queries_and_no_key_is_read(aws, keys, viewer, django_assert_num_queries):
    (row,) = aws.add_instances()
    for number in range(5):
        aws.instance(row).schedule_event("system-reboot", in_s=7200 + number, deadline_s=86_400)
    element = polled(aws, keys)

    with django_assert_num_queries(10) as queries:
        show(viewer, element, row)

    assert not [q for q in queries.captured_queries if "secret_access_key" in q["sql"]]


def test_each_check_reads_as_aws_says_and_the_whole_description_is_folded_away(viewer):
    element = builders.element()
    row = builders.instance(element, "ocr", checks=("initializing", "insufficient-data", "not-applicable"))
    builders.polled(element)

    answer = show(viewer, element, row.instance_id)

    for text in ("System Initializing", "Instance Insufficient data", "Attached EBS Not applicable"):
        assert text in words(answer)
    assert '<details class="grow" id="aws-description"><summary>Full AWS description (JSON)</summary>' in (
        answer.content.decode()
    )

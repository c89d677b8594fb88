"""Test connection: what is wrong is told apart, and nothing is touched."""

import pytest
from django.utils import timezone

from elements.models import Action, DebugRecord, Element
from elements.usecases.connect import KeysMissing
from elements.usecases.test_connection import examine, last_report, remember
from simulator.world import Keys
from tests import builders

pytestmark = pytest.mark.django_db


def tried(aws, keys, **fields):
    return examine(builders.element(aws, keys, **fields), caller="maria", now=timezone.now())


def words(report):
    return {line.name: line.word for line in report.findings}


def test_good_keys_pass_line_by_line(aws):
    aws.add_instances(count=2)

    report = tried(aws, aws.add_keys())

    assert report.passed
    assert report.result.endswith("as account 1111\u00a02222\u00a03333.")
    assert words(report) == {
        "Clock": "Right",
        "Identity": "Accepted",
        "Region": "Enabled",
        "ec2:DescribeInstances": "Allowed",
        "ec2:DescribeInstanceStatus": "Allowed",
        "ec2:StartInstances": "Allowed",
        "ec2:StopInstances": "Allowed",
        "ec2:RebootInstances": "Allowed",
        "ec2:ModifyInstanceEventStartTime": "Allowed",
    }


def test_a_test_starts_and_stops_nothing(aws):
    (running,) = aws.add_instances()
    (stopped,) = aws.add_instances(state="stopped")

    tried(aws, aws.add_keys())

    assert (aws.instance(running).state, aws.instance(stopped).state) == ("running", "stopped")
    assert aws.instance(running).raw.reboots == 0
    assert all(
        call.parameters.get("DryRun")
        for verb in ("Start", "Stop", "Reboot")
        for call in aws.journal(f"{verb}Instances")
    )


def test_an_unknown_key_is_told_from_a_wrong_secret(aws):
    good = aws.add_keys()

    unknown = tried(aws, Keys("AKIANOSUCHKEY", "whatever"), name="unknown")
    wrong = tried(aws, Keys(good.access_key_id, "whatever"), name="wrong")

    assert (unknown.outcome, wrong.outcome) == ("refused", "refused")
    assert "AWS does not know the access key" in unknown.result
    assert "The Secret Access Key does not belong to the Access Key ID" in wrong.result
    assert words(wrong)["ec2:StartInstances"] == "Unknown"


def test_a_region_that_is_not_enabled_is_told_from_wrong_keys(aws):
    report = tried(aws, aws.add_keys(disabled_regions=["me-south-1"]), region="me-south-1")

    assert report.outcome == "not-enabled"
    assert "The keys are right, but region me-south-1 is not enabled for account 1111" in report.result
    assert (words(report)["Identity"], words(report)["Region"]) == ("Accepted", "Not enabled")
    assert [call.region for call in aws.journal("GetCallerIdentity")] == ["me-south-1", "us-east-1"]


@pytest.mark.parametrize(
    "operation",
    ["DescribeInstanceStatus", "StartInstances", "StopInstances", "RebootInstances", "ModifyInstanceEventStartTime"],
)
def test_a_missing_permission_is_named_and_the_rest_still_passes(aws, operation):
    aws.add_instances()

    report = tried(aws, aws.add_keys(denied=[operation]))

    assert report.passed
    assert [line.name for line in report.shortcomings] == [f"ec2:{operation}"]
    assert words(report)[f"ec2:{operation}"] == "Denied"


def test_keys_that_may_not_list_do_not_pass(aws):
    report = tried(aws, aws.add_keys(denied=["DescribeInstances"]))

    assert (report.outcome, report.passed, report.hopeless) == ("lacking", False, False)
    assert "ec2:DescribeInstances" in report.result
    assert words(report)["Region"] == "Enabled"


def test_a_key_that_may_not_describe_regions_is_no_worse_for_it(aws):
    report = tried(aws, aws.add_keys(denied=["DescribeRegions"]))

    assert report.passed
    assert report.shortcomings == []


def test_without_an_instance_nobody_knows_what_the_key_may_start(aws):
    report = tried(aws, aws.add_keys())

    assert words(report)["ec2:StartInstances"] == "Unknown"
    assert report.passed


def test_a_permission_for_some_instances_only_is_partly(aws):
    aws.add_instances(count=2)
    denied = {"code": "UnauthorizedOperation", "message": "You are not authorized", "status": 403}
    aws.fault("error", "StopInstances", times=2, **denied)

    report = tried(aws, aws.add_keys())

    assert words(report)["ec2:StopInstances"] == "Partly"


def test_an_instance_denied_lately_makes_the_permission_partly(aws):
    (instance_id,) = aws.add_instances()
    element = builders.element(aws, aws.add_keys())
    now = timezone.now()
    Action.objects.create(
        element=element, instance_id_text=instance_id, batch="0" * 32, verb="stop", status="refused",
        error_code="UnauthorizedOperation", requested_by="olga", requested_at=now, expires_at=now,
    )  # fmt: skip

    report = examine(element, caller="maria", now=now)

    assert words(report)["ec2:StopInstances"] == "Partly"
    assert words(report)["ec2:StartInstances"] == "Allowed"


def test_a_wrong_clock_is_named_and_not_the_key(aws):
    aws.set(clock_skew_s=1200)

    report = tried(aws, aws.add_keys())

    assert report.outcome == "clock"
    assert "The clock of the ec2mon server is 20 min off" in report.result
    assert words(report)["Clock"] == "Wrong"


def test_an_endpoint_where_nobody_answers_is_named():
    report = tried(None, Keys("AKIADEMO", "secret"))

    assert (report.outcome, report.hopeless) == ("unreachable", False)
    assert "http://127.0.0.1:9" in report.result
    assert words(report)["Clock"] == "Unknown"


def test_a_silent_sts_does_not_fail_keys_that_can_read(aws):
    aws.fault("reset", "GetCallerIdentity")

    report = tried(aws, aws.add_keys())

    assert report.passed
    assert words(report)["Identity"] == "Unknown"


def test_each_attempt_lands_in_debug_once_on_behalf_of_the_user(aws):
    keys = aws.add_keys()
    element = builders.element(aws, keys)

    examine(element, caller="maria", now=timezone.now())

    assert DebugRecord.objects.filter(element=element, caller="maria").count() == len(aws.journal())
    assert keys.secret_access_key not in str(list(DebugRecord.objects.values()))


def test_nothing_is_written_by_a_mere_test(aws):
    element = builders.element(aws, aws.add_keys())
    before = Element.objects.values().get()

    examine(element, caller="maria", now=timezone.now())

    assert Element.objects.values().get() == before


def test_a_remembered_test_is_read_back_as_it_was(aws):
    element = builders.element(aws, aws.add_keys())
    report = examine(element, caller="maria", now=timezone.now())

    remember(element, report)

    assert last_report(element) == report


def test_a_report_of_another_version_is_no_report(db):
    element = builders.element()
    Element.objects.update(last_test={"findings": [{"colour": "red"}]})

    assert last_report(element) is None


def test_an_element_without_keys_asks_nobody(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEHOST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-host")

    with pytest.raises(KeysMissing):
        tried(aws, None)

    assert aws.journal() == []


def test_the_keys_of_the_host_are_never_used(aws, monkeypatch):
    host = aws.add_keys("AKIAOFTHEHOST", session_token="token-of-the-host")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", host.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", host.secret_access_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", host.session_token)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    own = aws.add_keys()

    assert tried(aws, own).passed
    assert {call.access_key_id for call in aws.journal()} == {own.access_key_id}


def test_keys_not_stored_yet_can_be_tried_in_place_of_the_stored_ones(aws):
    from elements.usecases.connect import Credentials

    element = builders.element(aws, Keys("AKIANOTKNOWN", "wrong"))
    other = aws.add_keys()

    report = examine(
        element,
        caller="maria",
        now=timezone.now(),
        credentials=Credentials(other.access_key_id, other.secret_access_key),
    )

    assert report.passed
    assert {call.access_key_id for call in aws.journal()} == {other.access_key_id}

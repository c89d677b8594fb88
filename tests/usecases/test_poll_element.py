import json

import pytest
from django.utils import timezone

from elements.models import DebugRecord, Element, Instance, Poll, ScheduledEvent
from elements.usecases.poll_element import back_off_s
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


def poll(element):
    return poll_once(element.pk, caller="poll", now=timezone.now())


def test_a_poll_stores_instances_with_their_names(aws):
    aws.add_instances(names=["playout-a", None, "بث مباشر"])
    element = builders.element(aws, aws.add_keys())

    report = poll(element)

    assert (report.ok, report.added) == (True, 3)
    unnamed = Instance.objects.get(tags={})
    assert unnamed.display_name == unnamed.instance_id
    assert set(Instance.objects.exclude(pk=unnamed.pk).values_list("display_name", flat=True)) == {
        "playout-a",
        "بث مباشر",
    }


def test_the_same_name_on_330_instances_gives_330_rows_with_names_of_their_own(aws):
    aws.add_instances(names=["web"] * 330)
    element = builders.element(aws, aws.add_keys())

    poll(element)

    assert Instance.objects.values("display_name").distinct().count() == 330


def test_an_unchanged_poll_writes_no_instance_and_costs_the_same_however_many_there_are(
    aws, django_assert_max_num_queries
):
    aws.add_instances(count=3)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    counts = []
    for more in (0, 300):
        aws.add_instances(count=more)
        poll(element)

        with django_assert_max_num_queries(30) as queries:
            report = poll(element)

        assert (report.ok, report.changed) == (True, 0)
        assert not [q for q in queries.captured_queries if _writes_instances(q["sql"])]
        counted = [q for q in queries.captured_queries if not _frames_a_transaction(q["sql"])]
        counts.append(len([q for q in counted if not _is_of_a_race(q["sql"])]))

    assert counts[0] == counts[1] <= 7


def _frames_a_transaction(sql):
    return sql.split()[0] in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def _writes_instances(sql):
    return "elements_instance" in sql and sql.split()[0] in ("INSERT", "UPDATE", "DELETE")


def _is_of_a_race(sql):
    """Tell whether it is of the budget, where two calls that meet cost one of them another try."""
    return "elements_callbudget" in sql


def test_an_instance_that_aws_no_longer_lists_is_marked_gone(aws):
    stays, goes = aws.add_instances(count=2)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.vanish(goes)

    poll(element)

    assert list(Instance.objects.gone().values_list("instance_id", flat=True)) == [goes]
    assert list(Instance.objects.listed().values_list("instance_id", flat=True)) == [stays]


@pytest.mark.parametrize("fault", ["captive", "no-set", "truncated", "garbage", "empty", "throttle", "reset"])
def test_a_read_that_is_not_complete_changes_no_row(aws, fault):
    aws.add_instances(count=2)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.fault(fault, "DescribeInstances")

    report = poll(element)

    assert not report.ok
    assert Instance.objects.listed().count() == 2
    assert Poll.objects.get().failure_text == report.error


def test_refused_keys_say_so_and_disconnect_the_element(aws):
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    aws.world.keys.clear()

    report = poll(element)

    assert report.error_code == "AuthFailure"
    assert report.error == "AuthFailure: AWS does not know the access key, or it was disabled or deleted."
    assert Element.objects.with_poll().get().connection(timezone.now()).state == "not-connected"


def test_a_wrong_secret_is_told_from_an_unknown_key(aws):
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    keys.secret_access_key = "another-secret-than-the-one-stored"

    assert poll(element).error == "AuthFailure: The Secret Access Key does not belong to the Access Key ID."


def test_a_region_that_is_not_enabled_is_named_and_the_keys_are_not_blamed(aws):
    element = builders.element(aws, aws.add_keys(disabled_regions=["eu-central-1"]))

    assert poll(element).error.startswith("AuthFailure: The keys are right, but region eu-central-1 is not enabled for")


def test_when_sts_says_nothing_a_refusal_names_both_causes(aws):
    aws.fault("unavailable", "GetCallerIdentity")
    element = builders.element(aws, aws.add_keys(disabled_regions=["eu-central-1"]))

    assert "the access key, or region eu-central-1 is not enabled" in poll(element).error


def test_a_completed_event_is_not_active(aws):
    (instance_id,) = aws.add_instances()
    aws.instance(instance_id).schedule_event("instance-reboot")
    aws.instance(instance_id).events[0].complete()
    element = builders.element(aws, aws.add_keys())

    poll(element)

    assert not ScheduledEvent.objects.active().exists()
    assert ScheduledEvent.objects.get().stage == "completed"


def test_an_event_aws_no_longer_lists_is_kept_as_cleared(aws):
    (instance_id,) = aws.add_instances()
    aws.instance(instance_id).schedule_event("instance-retirement")
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.instance(instance_id).events.clear()

    poll(element)

    assert ScheduledEvent.objects.get().cleared_at is not None


def test_a_new_naming_format_takes_effect_at_the_next_poll(aws):
    (instance_id,) = aws.add_instances(names=["a"])
    element = builders.element(aws, aws.add_keys())
    poll(element)
    Element.objects.update(naming_format="{instance_id}", naming_saved_at=timezone.now())

    poll(element)

    assert Instance.objects.get().display_name == instance_id
    assert Element.objects.get().naming_effective_at is not None


def test_only_one_of_two_polls_of_an_element_reads(aws):
    element = builders.element(aws, aws.add_keys())
    assert Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)

    assert poll(element) is None
    assert aws.journal() == []


def test_a_paused_element_makes_no_call(aws):
    element = builders.element(aws, aws.add_keys(), paused=True)

    assert poll(element) is None
    assert aws.journal() == []


def test_debug_holds_every_attempt_and_no_secret(aws):
    keys = aws.add_keys(session_token="session-token-planted-here")
    element = builders.element(aws, keys)
    aws.fault("error", "DescribeInstances", message=f"{keys.secret_access_key} {keys.session_token} Signature=abc123")

    poll(element)

    stored = json.dumps(list(DebugRecord.objects.values()), default=str)
    assert DebugRecord.objects.filter(operation="DescribeInstances").count() == 3
    for secret in (keys.secret_access_key, keys.session_token, "abc123", keys.access_key_id):
        assert secret not in stored


def test_blank_keys_never_sign_as_the_machine(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHOSTHOSTHOSTHOST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "host")
    element = builders.element(aws)

    assert poll(element).error_code == "KeysMissing"
    assert aws.journal() == []


def test_noise_in_the_high_byte_of_a_state_code_changes_no_state(aws):
    aws.add_instances(state_code_noise=1)
    element = builders.element(aws, aws.add_keys())

    poll(element)

    assert Instance.objects.get().state == "running"


def test_a_throttled_element_keeps_its_table_and_is_not_connected_only_after_three_failures(aws):
    aws.add_instances(count=2)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.fault("throttle", "DescribeInstances")

    states = []
    for _ in range(3):
        poll(element)
        states.append(Element.objects.with_poll().get().connection(timezone.now()).state)

    assert states == ["late", "late", "not-connected"]
    assert Instance.objects.listed().count() == 2
    assert "RequestLimitExceeded" in Poll.objects.get().failure_code


def test_an_empty_page_with_a_token_is_not_the_end(aws):
    aws.add_instances(count=1001)
    element = builders.element(aws, aws.add_keys())
    aws.fault("empty-page", "DescribeInstances", times=1)

    report = poll(element)

    assert (report.ok, report.instances, Instance.objects.count()) == (True, 1001, 1001)


def test_pages_that_lead_in_a_circle_fail_and_mark_nothing_gone(aws):
    aws.add_instances(count=1001)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.fault("same-token", "DescribeInstances")

    report = poll(element)

    assert not report.ok
    assert not Instance.objects.gone().exists()


def test_new_keys_of_another_account_do_not_replace_its_instances_unasked(aws):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    other = aws.add_keys(account="999988887777")
    element.store_keys(
        access_key_id=other.access_key_id,
        secret_access_key=other.secret_access_key,
        session_token="",
        by="maria",
        now=timezone.now(),
    )

    report = poll(element)

    assert not report.ok
    assert "999988887777" in report.error
    assert Instance.objects.listed().count() == 1


def test_an_empty_answer_to_keys_that_nobody_vouches_for_marks_nothing_gone(aws):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    other = aws.add_keys(account="999988887777")
    element.store_keys(
        access_key_id=other.access_key_id,
        secret_access_key=other.secret_access_key,
        session_token="",
        by="maria",
        now=timezone.now(),
    )
    aws.fault("internal", "GetCallerIdentity")

    report = poll(element)

    assert "STS does not say" in report.error
    assert Instance.objects.listed().count() == 1


def test_a_failure_says_what_since_when_which_attempt_and_when_next(aws):
    element = builders.element(aws, aws.add_keys())
    aws.fault("internal", "DescribeInstances")
    began = timezone.now()

    poll(element)
    first = Poll.objects.get().failed_since
    poll(element)

    row = Poll.objects.get()
    assert (row.failures, row.failure_code) == (2, "InternalError")
    assert "internal error" in row.failure_text
    assert row.failed_since == first >= began
    assert row.due_at > timezone.now()
    assert [result[1] for result in row.recent] == ["failed", "failed"]


def test_after_a_success_nothing_is_left_of_the_failure(aws):
    element = builders.element(aws, aws.add_keys())
    fault = aws.fault("optin", "DescribeInstances")
    poll(element)
    fault.clear()

    poll(element)

    row = Poll.objects.get()
    assert (row.failures, row.failed_since, row.failure_text, row.refused, row.throttled) == (0, None, "", False, False)


@pytest.mark.parametrize("interval_s", [10, 30, 300, 3600, 86_400])
def test_the_wait_after_failures_grows_to_five_minutes_and_never_beyond(interval_s):
    waits = [back_off_s(failures, interval_s, chance) for failures in range(1, 60) for chance in (0.0, 1.0)]

    assert max(waits) == 300
    assert min(waits) >= min(interval_s, 300) * 0.75
    assert waits[1::2] == sorted(waits[1::2])


def test_when_only_the_status_cannot_be_read_instances_are_fresh_and_the_rest_is_kept(aws):
    (instance_id,) = aws.add_instances()
    aws.instance(instance_id).schedule_event("system-reboot")
    aws.instance(instance_id).fail_check("system")
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    poll(element)
    keys.denied = frozenset(["DescribeInstanceStatus"])
    aws.instance(instance_id).tags["Name"] = "renamed"

    report = poll(element)

    row, instance = Poll.objects.get(), Instance.objects.get()
    assert (report.ok, report.instances, report.scheduled_events) == (False, 1, None)
    assert "ec2:DescribeInstanceStatus" in report.error
    assert (instance.display_name, instance.system_status) == ("renamed", "impaired")
    assert ScheduledEvent.objects.get().cleared_at is None
    assert row.status_failed_since is not None
    assert row.failures == 0
    assert row.succeeded_at > row.status_succeeded_at


def test_an_instance_that_comes_back_is_listed_again(aws):
    (instance_id,) = aws.add_instances()
    element = builders.element(aws, aws.add_keys())
    poll(element)
    raw = aws.world.instances.pop(instance_id)
    poll(element)
    aws.world.instances[instance_id] = raw

    report = poll(element)

    assert report.changed == 1
    assert Instance.objects.get().gone_at is None


def test_keys_with_characters_aws_never_gives_out_are_said_to_be_odd_and_not_sent(aws):
    element = builders.element(aws, aws.add_keys("AKIA ODD", "s e c r e t"))

    report = poll(element)

    assert (report.error_code, aws.journal()) == ("KeysMissing", [])
    assert "characters that AWS never gives out" in report.error


def test_an_answer_that_cannot_be_stored_is_said_on_the_page_and_frees_the_lease(aws, monkeypatch, caplog):
    element = builders.element(aws, aws.add_keys())
    monkeypatch.setattr("elements.usecases.store_reading.wanted_names", lambda *args: 1 / 0)

    report = poll(element)

    row = Poll.objects.get()
    assert (report.ok, report.error_code, row.failures, row.lease) == (False, "InternalError", 1, "")
    assert "ZeroDivisionError" in caplog.text

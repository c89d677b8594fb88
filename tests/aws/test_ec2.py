import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from elements.aws.errors import AwsDenied, AwsRejected, AwsUnreachable
from tests.aws.pages import listed

# What the simulator says of an instance and a small answer need not say.
WORDS = (
    "ImageId StateTransitionReason InstanceType KeyName Monitoring Architecture RootDeviceName VirtualizationType"
    " Hypervisor ClientToken PlatformDetails UsageOperation UsageOperationUpdateTime CpuOptions HibernationOptions"
    " MetadataOptions EnclaveOptions MaintenanceOptions Operator ProductCodes BlockDeviceMappings SecurityGroups"
    " NetworkInterfaces PrivateDnsName VpcId SubnetId"
)
SILENT = dict.fromkeys(WORDS.split())


def test_all_pages_are_read_a_thousand_at_a_time(aws, gateway):
    aws.add_instances(count=2001)

    assert len(listed(gateway.describe_instances())) == 2001
    assert len(listed(gateway.describe_instance_status())) == 2001
    assert [call.parameters.get("MaxResults") for call in aws.journal()] == [1000] * 6
    assert all(call.parameters["IncludeAllInstances"] for call in aws.journal("DescribeInstanceStatus"))


def test_an_empty_page_with_a_token_is_not_the_end(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("empty-page", "DescribeInstances", times=1)

    assert len(listed(gateway.describe_instances())) == 1001


def test_pages_that_lead_in_a_circle_end_as_an_answer_not_understood(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("same-token", "DescribeInstances")

    with pytest.raises(AwsUnreachable, match="its pages do not end"):
        listed(gateway.describe_instances())

    assert len(aws.journal()) < 5


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_that_fails_fails_the_whole_read(aws, gateway, page):
    aws.add_instances(count=2001)
    aws.fault("no-set", "DescribeInstances", page=page)

    with pytest.raises(AwsUnreachable, match="it has no Reservations"):
        listed(gateway.describe_instances())


def test_a_token_that_expired_starts_the_read_once_more(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("expired-token", "DescribeInstances", page=2, times=1)

    assert len(listed(gateway.describe_instances())) == 1001
    assert len(aws.journal()) == 4


def test_a_token_that_expires_each_time_is_given_up_after_the_second_try(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("expired-token", "DescribeInstances", page=2)

    with pytest.raises(AwsRejected, match="InvalidPaginationToken"):
        listed(gateway.describe_instances())

    assert len(aws.journal()) == 4


@pytest.mark.parametrize("operation", ["DescribeInstances", "DescribeInstanceStatus"])
def test_an_answer_that_breaks_off_at_any_byte_is_not_understood_though_all_in_it_is_known(
    aws, gateway, records, operation
):
    aws.add_instances(names=["a<b", "c"], extra=SILENT)
    read = gateway.describe_instances if operation == "DescribeInstances" else gateway.describe_instance_status
    known = {snapshot.instance_id: snapshot.raw_digest for snapshot in listed(read())}
    (whole,) = read(known)
    assert (len(whole.unchanged), whole.seen) == (2, [])
    size, fault = records[0].bytes, aws.fault("truncated", operation, times=0)
    records.clear()

    understood = []
    for length in range(size):
        fault.keep, fault.times = length, 1
        with contextlib.suppress(AwsUnreachable):
            listed(read(known))
            understood.append(length)

    assert understood == []
    assert [record.outcome for record in records] == ["not-understood"] * size


@pytest.mark.parametrize("member", [{"LaunchTime": "yesterday"}, {"State": {"Code": "one"}}])
def test_a_number_or_a_time_that_is_none_is_not_understood(aws, gateway, member):
    aws.add_instances(extra=member)

    with pytest.raises(AwsUnreachable, match="could not be understood"):
        listed(gateway.describe_instances())


@pytest.mark.parametrize("missing", ["InstanceId", "State"])
def test_an_instance_without_what_aws_always_sends_fails_the_read(aws, gateway, missing):
    aws.add_instances(count=2)
    aws.add_instances(extra={missing: None})

    with pytest.raises(AwsUnreachable, match="could not be understood: an instance has no"):
        listed(gateway.describe_instances())


def test_instances_that_are_gone_are_left_out_when_asked_for_by_id(aws, gateway):
    here, gone = aws.add_instances(count=2)
    aws.vanish(gone)

    found = gateway.describe_instances_by_id([here, gone])

    assert [snapshot.instance_id for snapshot in found] == [here]


def test_nobody_left_is_an_empty_answer_and_not_a_read_of_everything(aws, gateway):
    (gone,) = aws.add_instances()
    aws.add_instances()
    aws.vanish(gone)

    assert gateway.describe_instances_by_id([gone]) == []


@pytest.mark.parametrize("count", [0, 101])
def test_one_call_is_for_one_to_a_hundred_instances(aws, gateway, count):
    ids = ["i-0123456789abcdef0"] * count

    for ask in (gateway.start_instances, gateway.stop_instances, gateway.reboot_instances):
        with pytest.raises(ValueError, match="from 1 to 100"):
            ask(ids)

    assert aws.journal() == []


def test_a_start_and_a_stop_tell_each_instances_states(aws, gateway):
    aws.set(delay_s=30)
    running, stopped = *aws.add_instances(), *aws.add_instances(state="stopped")

    assert gateway.stop_instances([running]) == {running: ("running", "stopping")}
    assert gateway.start_instances([stopped]) == {stopped: ("stopped", "pending")}


def test_a_dry_run_tells_a_right_from_a_missing_one_and_changes_nothing(aws, open_to):
    (instance_id,) = aws.add_instances()
    gateway = open_to(aws.add_keys(denied=["StopInstances"]), aws.url)

    gateway.dry_run("reboot", [instance_id])
    with pytest.raises(AwsDenied, match="ec2:StopInstances"):
        gateway.dry_run("stop", [instance_id])

    assert aws.instance(instance_id).state == "running"


def test_a_scheduled_event_is_moved(aws, gateway):
    (instance_id,) = aws.add_instances()
    event = aws.instance(instance_id).schedule_event("system-reboot", in_s=7200, deadline_s=86_400)
    wanted = (datetime.now(UTC) + timedelta(hours=4)).replace(microsecond=0)

    gateway.modify_event_start(instance_id, event.event_id, wanted)

    (status,) = listed(gateway.describe_instance_status())
    assert status.events[0].not_before == wanted


def test_the_keys_are_named_by_account_and_arn(aws, open_to):
    keys = aws.add_keys(account="999988887777", user="reader")

    identity = open_to(keys, aws.url).caller_identity()

    assert (identity.account_id, identity.arn) == ("999988887777", "arn:aws:iam::999988887777:user/reader")


def test_there_is_no_way_to_terminate(gateway):
    assert [name for name in dir(gateway) if "terminat" in name.lower()] == []

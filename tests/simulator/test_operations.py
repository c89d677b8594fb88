"""EC2's rules, asked for by unmodified boto3 over HTTP."""

import time
from datetime import timedelta
from typing import Any

import pytest

from simulator.instances import Phase
from simulator.server import Simulator
from tests.simulator.conftest import refusal, states


def until(condition: Any, seconds: float = 15) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def one(ec2: Any, instance_id: str) -> dict[str, Any]:
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def status(ec2: Any, instance_id: str) -> dict[str, Any]:
    answer = ec2.describe_instance_status(InstanceIds=[instance_id], IncludeAllInstances=True)
    return answer["InstanceStatuses"][0]


def test_an_instance_has_the_shape_that_ec2_gives_it(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(
        names=["playout-a 🎬 <b>&"], public_ip="203.0.113.7", iam_role="media", lifecycle="spot", platform="Windows"
    )
    answer = ec2.describe_instances(MaxResults=5)

    (reservation,) = answer["Reservations"]
    (found,) = reservation["Instances"]
    assert reservation["OwnerId"] == "111122223333"
    assert found["InstanceId"] == i
    assert found["Tags"] == [{"Key": "Name", "Value": "playout-a 🎬 <b>&"}]
    assert found["State"] == {"Code": 16, "Name": "running"}
    assert found["Placement"]["AvailabilityZone"] == "eu-central-1a"
    assert found["PublicIpAddress"] == "203.0.113.7"
    assert found["NetworkInterfaces"][0]["Association"]["PublicIp"] == "203.0.113.7"
    assert found["BlockDeviceMappings"][0]["Ebs"]["AttachTime"].tzinfo
    assert found["IamInstanceProfile"]["Arn"].endswith("instance-profile/media")
    assert (found["Platform"], found["UsageOperation"]) == ("windows", "RunInstances:0002")
    assert found["SpotInstanceRequestId"].startswith("sir-")
    assert "NextToken" not in answer


def test_an_empty_region_answers_with_an_empty_list(ec2: Any) -> None:
    assert ec2.describe_instances(MaxResults=1000)["Reservations"] == []
    assert ec2.describe_instance_status(MaxResults=1000)["InstanceStatuses"] == []


def test_a_stop_goes_through_stopping_and_says_who_did_it(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(public_ip="203.0.113.7")

    (change,) = ec2.stop_instances(InstanceIds=[i])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    assert states(ec2, [i]) == ["stopping"]

    until(lambda: states(ec2, [i]) == ["stopped"])
    found = one(ec2, i)
    assert found["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert found["StateTransitionReason"].startswith("User initiated (20")
    assert found["StateTransitionReason"].endswith(" GMT)")
    assert "PublicIpAddress" not in found


def test_a_start_goes_through_pending_and_initializing(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(state="stopped")
    launched_at = one(ec2, i)["LaunchTime"]

    (change,) = ec2.start_instances(InstanceIds=[i])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    until(lambda: states(ec2, [i]) == ["running"])
    assert status(ec2, i)["InstanceStatus"]["Status"] == "initializing"
    until(lambda: status(ec2, i)["InstanceStatus"]["Status"] == "ok")
    found = one(ec2, i)
    assert found["LaunchTime"] > launched_at
    assert found.get("StateTransitionReason") == "" and "StateReason" not in found


def test_starting_what_runs_and_stopping_what_is_stopped_changes_nothing(aws: Simulator, ec2: Any) -> None:
    (running,), (stopped,) = aws.add_instances(), aws.add_instances(state="stopped")

    assert ec2.start_instances(InstanceIds=[running])["StartingInstances"][0]["CurrentState"]["Name"] == "running"
    assert ec2.stop_instances(InstanceIds=[stopped])["StoppingInstances"][0]["CurrentState"]["Name"] == "stopped"


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("start", "stopping"),
        ("start", "terminated"),
        ("stop", "pending"),
        ("stop", "shutting-down"),
        ("reboot", "stopped"),
    ],
)
def test_a_wrong_state_is_refused(aws: Simulator, ec2: Any, verb: str, state: str) -> None:
    (i,) = aws.add_instances(state=state)

    code, http, message = refusal(getattr(ec2, f"{verb}_instances"), InstanceIds=[i])

    assert (code, http) == ("IncorrectInstanceState", 400) and i in message


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"protected": True}, "OperationNotPermitted"),
        ({"root_device": "instance-store"}, "UnsupportedOperation"),
        ({"lifecycle": "spot"}, "UnsupportedOperation"),
    ],
)
def test_a_batch_is_stopped_whole_or_not_at_all(aws: Simulator, ec2: Any, fields: dict[str, Any], code: str) -> None:
    good, (bad,) = aws.add_instances(count=2), aws.add_instances(**fields)

    said, http, message = refusal(ec2.stop_instances, InstanceIds=[good[0], bad, good[1]])

    assert (said, http) == (code, 400) and bad in message
    assert states(ec2, [*good, bad]) == ["running"] * 3


def test_stop_protection_is_told_by_its_attribute(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    aws.instance(i).protect()

    assert ec2.describe_instance_attribute(InstanceId=i, Attribute="disableApiStop")["DisableApiStop"]["Value"] is True


def test_spot_requests_tell_their_type(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(lifecycle="spot", spot_type="persistent")
    request_id = one(ec2, i)["SpotInstanceRequestId"]

    (row,) = ec2.describe_spot_instance_requests(SpotInstanceRequestIds=[request_id])["SpotInstanceRequests"]

    assert (row["Type"], row["InstanceId"]) == ("persistent", i)
    ec2.stop_instances(InstanceIds=[i])


def test_only_ec2_resumes_an_interrupted_spot_instance(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(lifecycle="spot", spot_type="persistent", state="stopped")
    now = aws.now()
    aws.instance(i).raw.phases = [Phase(now, "stopped", now, ("Server.SpotInstanceShutdown", "reclaimed"))]

    assert refusal(ec2.start_instances, InstanceIds=[i])[0] == "IncorrectSpotRequestState"


def test_unknown_and_malformed_ids_are_told_apart(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()

    gone = "i-0123456789abcdef0"
    assert refusal(ec2.describe_instances, InstanceIds=[i, gone])[:2] == ("InvalidInstanceID.NotFound", 400)
    assert refusal(ec2.stop_instances, InstanceIds=["i-xyz"])[:2] == ("InvalidInstanceID.Malformed", 400)
    assert gone in refusal(ec2.start_instances, InstanceIds=[gone])[2]


def test_without_the_right_to_the_volume_key_a_start_ends_stopped(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(state="stopped", kms_denied=True)

    assert ec2.start_instances(InstanceIds=[i])["StartingInstances"][0]["CurrentState"]["Name"] == "pending"
    until(lambda: states(ec2, [i]) == ["stopped"])
    assert one(ec2, i)["StateReason"]["Code"] == "Client.InternalError"


def test_missing_capacity_is_an_http_500(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(state="stopped", no_capacity=True)

    assert refusal(ec2.start_instances, InstanceIds=[i])[:2] == ("InsufficientInstanceCapacity", 500)
    assert states(ec2, [i]) == ["stopped"]


def test_a_dry_run_tells_the_right_and_does_nothing(aws: Simulator, client: Any) -> None:
    (i,) = aws.add_instances()
    denied = client(using=aws.add_keys(denied=["StopInstances"]))

    assert refusal(client().stop_instances, InstanceIds=[i], DryRun=True)[:2] == ("DryRunOperation", 412)
    assert refusal(denied.stop_instances, InstanceIds=[i], DryRun=True)[:2] == ("UnauthorizedOperation", 403)
    assert refusal(denied.stop_instances, InstanceIds=[i])[0] == "UnauthorizedOperation"
    assert states(denied, [i]) == ["running"]


def test_a_reboot_changes_no_state(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    event = aws.instance(i).schedule_event()

    ec2.reboot_instances(InstanceIds=[i])

    assert (aws.instance(i).raw.reboots, states(ec2, [i])) == (1, ["running"])
    assert status(ec2, i)["Events"][0]["InstanceEventId"] == event.event_id


@pytest.mark.parametrize("operation", ["describe_instances", "describe_instance_status"])
def test_both_listings_are_paged(aws: Simulator, ec2: Any, operation: str) -> None:
    ids = aws.add_instances(count=7) + aws.add_instances(count=6)

    pages = list(ec2.get_paginator(operation).paginate(PaginationConfig={"PageSize": 5}))

    assert len(pages) == 3
    rows = [i for p in pages for r in p.get("Reservations", ()) for i in r["Instances"]]
    rows += [s for p in pages for s in p.get("InstanceStatuses", ())]
    assert [row["InstanceId"] for row in rows] == ids


@pytest.mark.parametrize("size", [4, 1001])
def test_a_page_size_out_of_range_is_refused(ec2: Any, size: int) -> None:
    assert refusal(ec2.describe_instances, MaxResults=size)[0] == "InvalidParameterValue"
    assert refusal(ec2.describe_instance_status, MaxResults=size)[0] == "InvalidParameterValue"


def test_ids_and_a_page_size_do_not_go_together(aws: Simulator, ec2: Any) -> None:
    ids = aws.add_instances()

    assert refusal(ec2.describe_instances, InstanceIds=ids, MaxResults=5)[0] == "InvalidParameterCombination"


def test_foreign_and_old_tokens_are_refused(aws: Simulator, client: Any) -> None:
    aws.add_instances(count=12)
    aws.add_instances("eu-west-1", count=12)
    token = client().describe_instances(MaxResults=5)["NextToken"]

    assert refusal(client().describe_instances, MaxResults=5, NextToken="x")[0] == "InvalidNextToken"
    elsewhere = client(region="eu-west-1")
    assert refusal(elsewhere.describe_instances, MaxResults=5, NextToken=token)[0] == "InvalidNextToken"
    aws.set(clock_skew_s=0, token_life_s=0)
    old = client().describe_instances(MaxResults=5)["NextToken"]
    assert refusal(client().describe_instances, MaxResults=5, NextToken=old)[0] == "InvalidPaginationToken"


def test_status_lists_running_instances_unless_all_are_asked_for(aws: Simulator, ec2: Any) -> None:
    (running,), (stopped,) = aws.add_instances(), aws.add_instances(state="stopped")

    listed = [s["InstanceId"] for s in ec2.describe_instance_status()["InstanceStatuses"]]
    everything = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]

    assert listed == [running]
    assert {s["InstanceId"]: s["SystemStatus"]["Status"] for s in everything} == {
        running: "ok",
        stopped: "not-applicable",
    }


def test_each_of_three_checks_fails_on_its_own(aws: Simulator, ec2: Any) -> None:
    ids = aws.add_instances(count=3)
    since = (aws.now() - timedelta(hours=1)).replace(microsecond=0)
    for i, check in zip(ids, ("system", "instance", "ebs"), strict=True):
        aws.instance(i).fail_check(check, since)

    for i, member in zip(ids, ("SystemStatus", "InstanceStatus", "AttachedEbsStatus"), strict=True):
        found = status(ec2, i)
        assert found[member]["Status"] == "impaired"
        assert found[member]["Details"][0]["ImpairedSince"] == since
        assert [found[m]["Status"] for m in ("SystemStatus", "InstanceStatus", "AttachedEbsStatus")].count("ok") == 2
    aws.instance(ids[0]).pass_checks()
    assert status(ec2, ids[0])["SystemStatus"]["Status"] == "ok"


def test_scheduled_events_leave_out_what_aws_leaves_out(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    handle = aws.instance(i)
    handle.schedule_event("instance-retirement", lasts_s=None)
    handle.schedule_event("system-reboot", deadline_s=7 * 86_400)
    handle.schedule_event("instance-stop").complete()
    handle.schedule_event("instance-reboot").cancel()

    retirement, reboot, done, canceled = status(ec2, i)["Events"]

    assert "NotAfter" not in retirement and "NotBeforeDeadline" not in retirement
    assert reboot["NotBeforeDeadline"] > reboot["NotAfter"] > reboot["NotBefore"]
    assert done["Description"].startswith("[Completed] ")
    assert canceled["Description"].startswith("[Canceled] ")


def test_a_stop_and_start_clears_what_was_scheduled(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(state="stopped")
    aws.instance(i).schedule_event("instance-retirement")
    aws.instance(i).schedule_event("instance-reboot").complete()

    ec2.start_instances(InstanceIds=[i])

    assert [event["Code"] for event in status(ec2, i)["Events"]] == ["instance-reboot"]


def test_an_event_with_a_deadline_is_moved_and_shows_it_later(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    event = aws.instance(i).schedule_event(in_s=7200, deadline_s=86_400)
    old, new = event.not_before, event.not_before + timedelta(hours=3)
    aws.set(event_lag_s=0.5)

    answer = ec2.modify_instance_event_start_time(InstanceId=i, InstanceEventId=event.event_id, NotBefore=new)

    assert answer["Event"]["NotBefore"] == new
    assert status(ec2, i)["Events"][0]["NotBefore"] == old
    until(lambda: status(ec2, i)["Events"][0]["NotBefore"] == new)


@pytest.mark.parametrize(
    ("starts_in_s", "deadline_s", "moved_to_s"),
    [
        (7200, None, 10_800),
        (7200, 86_400, 90_000),
        (7200, 86_400, 1800),
        (240, 86_400, 10_800),
        (-60, 86_400, 10_800),
    ],
    ids=["no deadline", "after the deadline", "within 60 min", "starts within 5 min", "has started"],
)
def test_a_move_against_the_rules_is_refused(
    aws: Simulator, ec2: Any, starts_in_s: float, deadline_s: float | None, moved_to_s: float
) -> None:
    (i,) = aws.add_instances()
    event = aws.instance(i).schedule_event(in_s=starts_in_s, deadline_s=deadline_s)
    before = event.not_before

    code, _, _ = refusal(
        ec2.modify_instance_event_start_time,
        InstanceId=i,
        InstanceEventId=event.event_id,
        NotBefore=aws.now() + timedelta(seconds=moved_to_s),
    )

    assert (code, event.not_before) == ("InvalidInstanceEventStartTime", before)


def test_an_unknown_event_is_not_found(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()

    given = {"InstanceId": i, "InstanceEventId": "instance-event-0", "NotBefore": aws.now()}
    assert refusal(ec2.modify_instance_event_start_time, **given)[0] == "InvalidInstanceEventIDNotFound"


def test_a_lagging_read_shows_the_state_before_the_write(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    aws.set(lag_s=3, delay_s=2)

    ec2.stop_instances(InstanceIds=[i])

    assert (states(ec2, [i]), aws.instance(i).state) == (["running"], "stopping")
    until(lambda: states(ec2, [i]) == ["stopped"])


def test_the_high_byte_of_a_state_code_can_be_noise(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances(state_code_noise=1)

    assert one(ec2, i)["State"] == {"Code": 272, "Name": "running"}


def test_a_terminated_instance_stays_listed_until_it_vanishes(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    aws.instance(i).terminate()

    until(lambda: states(ec2, [i]) == ["terminated"])
    assert one(ec2, i)["NetworkInterfaces"] == []
    aws.instance(i).vanish()
    assert ec2.describe_instances()["Reservations"] == []


def test_regions_that_are_not_enabled_are_named_only_on_request(aws: Simulator, client: Any) -> None:
    ec2 = client(using=aws.add_keys(disabled_regions=["me-south-1"]))

    enabled = [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
    everything = {r["RegionName"]: r["OptInStatus"] for r in ec2.describe_regions(AllRegions=True)["Regions"]}

    assert "me-south-1" not in enabled and "eu-central-1" in enabled
    assert everything["me-south-1"] == "not-opted-in"


def test_filters_choose_by_state_and_tag(aws: Simulator, ec2: Any) -> None:
    aws.add_instances(names=["a"], state="stopped")
    (b,) = aws.add_instances(names=["b"])

    named = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["b", "c"]}])
    running = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])

    for answer in (named, running):
        assert [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]] == [b]
    assert refusal(ec2.describe_instances, Filters=[{"Name": "no", "Values": ["x"]}])[0] == "InvalidParameterValue"

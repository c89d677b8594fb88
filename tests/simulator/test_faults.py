"""What goes wrong on request, as boto3 feels it."""

import contextlib
import time
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from simulator.server import Simulator
from simulator.world import Keys
from tests.simulator.conftest import refusal, states


def test_throttling_ends_after_its_times_and_retries_see_it(aws: Simulator, client: Any) -> None:
    fault = aws.fault("throttle", "DescribeInstances", times=2)

    client(attempts=3).describe_instances()

    assert fault.hits == 2
    assert [(call.status, call.fault) for call in aws.journal()] == [(503, "throttle"), (503, "throttle"), (200, "")]


@pytest.mark.parametrize(
    ("kind", "code", "http"),
    [
        ("throttle", "RequestLimitExceeded", 503),
        ("internal", "InternalError", 500),
        ("unavailable", "Unavailable", 503),
        ("optin", "OptInRequired", 401),
        ("blocked", "Blocked", 403),
    ],
)
def test_errors_come_with_their_code_and_status(aws: Simulator, ec2: Any, kind: str, code: str, http: int) -> None:
    aws.fault(kind)

    assert refusal(ec2.describe_instances)[:2] == (code, http)


def test_any_error_can_be_made_up(aws: Simulator, ec2: Any) -> None:
    aws.fault("error", "DescribeInstances", code="VcpuLimitExceeded", message="a < b", status=400)

    assert refusal(ec2.describe_instances) == ("VcpuLimitExceeded", 400, "a < b")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("hang", ReadTimeoutError),
        ("reset", ConnectionClosedError),
        ("truncated", ResponseParserError),
        ("garbage", ResponseParserError),
        ("garbled", ResponseParserError),
        ("empty", ResponseParserError),
        ("redirect", ResponseParserError),
        ("html-500", ClientError),
        ("short", ResponseParserError),
    ],
)
def test_a_broken_answer_breaks_the_call(aws: Simulator, ec2: Any, kind: str, error: Any) -> None:
    aws.add_instances(count=20)
    aws.fault(kind, "DescribeInstances")

    with pytest.raises(error):
        ec2.describe_instances()


@pytest.mark.parametrize("kind", ["captive", "no-set"])
def test_some_broken_answers_look_fine_to_boto3_but_lack_the_list(aws: Simulator, ec2: Any, kind: str) -> None:
    aws.add_instances(count=20)
    aws.fault(kind, "DescribeInstances")

    assert list(ec2.describe_instances()) == ["ResponseMetadata"]


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_a_slow_answer_is_whole(aws: Simulator, ec2: Any, kind: str) -> None:
    ids = aws.add_instances(count=20)
    aws.fault(kind, "DescribeInstances", seconds=0.4)

    began = time.monotonic()
    answer = ec2.describe_instances()

    assert time.monotonic() - began >= 0.35
    assert len(answer["Reservations"][0]["Instances"]) == len(ids)


def test_an_empty_page_is_not_the_end(aws: Simulator, ec2: Any) -> None:
    ids = aws.add_instances(count=12)
    aws.fault("empty-page", "DescribeInstances", times=1)
    aws.fault("empty-page", "DescribeInstances", page=3, times=1)

    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 10}))

    assert [sum(len(r["Instances"]) for r in page["Reservations"]) for page in pages] == [0, 10, 0, 2]
    assert len({i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]}) == len(ids)


def test_a_page_of_one_element_fails_and_no_other(aws: Simulator, keys: Keys, client: Any) -> None:
    aws.add_instances(count=20)
    aws.fault("expired-token", "DescribeInstances", page=2, access_key_id=keys.access_key_id)
    first = client().describe_instances(MaxResults=10)
    other = client(using=aws.add_keys())

    again = refusal(client().describe_instances, MaxResults=10, NextToken=first["NextToken"])

    assert again[0] == "InvalidPaginationToken"
    token = other.describe_instances(MaxResults=10)["NextToken"]
    assert other.describe_instances(MaxResults=10, NextToken=token)["Reservations"]


def test_a_fault_of_a_region_and_one_that_waits_for_its_turn(aws: Simulator, client: Any) -> None:
    aws.fault("internal", "DescribeInstances", region="eu-west-1", skip=1, times=1)
    ireland = client(region="eu-west-1")

    client().describe_instances()
    ireland.describe_instances()
    assert refusal(ireland.describe_instances)[0] == "InternalError"
    ireland.describe_instances()


def test_pages_can_lead_in_a_circle(aws: Simulator, ec2: Any) -> None:
    aws.add_instances(count=20)
    aws.fault("same-token", "DescribeInstances")

    first = ec2.describe_instances(MaxResults=10)
    second = ec2.describe_instances(MaxResults=10, NextToken=first["NextToken"])

    assert second["NextToken"] == first["NextToken"] and second["Reservations"]


def test_a_lost_answer_was_acted_upon(aws: Simulator, ec2: Any) -> None:
    (i,) = aws.add_instances()
    aws.fault("lost", "StopInstances", times=1)

    with pytest.raises(BotoCoreError):
        ec2.stop_instances(InstanceIds=[i])

    assert states(ec2, [i]) == ["stopping"]
    (call,) = aws.journal("StopInstances")
    assert (call.status, call.performed) == (None, True)


def test_a_fault_strikes_each_second_request_or_by_chance_and_every_hit_stays_counted(
    aws: Simulator, client: Any
) -> None:
    aws.fault("throttle", "DescribeRegions", every=2)
    aws.fault("unavailable", "DescribeInstances", chance=0.5)

    for _ in range(10):
        for operation in (client().describe_regions, client().describe_instances):
            with contextlib.suppress(ClientError):
                operation()
    aws.clear_faults()

    assert [call.fault for call in aws.journal("DescribeRegions")] == ["", "throttle"] * 5
    assert 0 < len([call for call in aws.journal("DescribeInstances") if call.fault]) < 10
    assert aws.faults.struck["throttle"] == 5


def test_pages_are_as_short_as_wanted_and_one_instance_is_left_out_of_the_list_alone(aws: Simulator, ec2: Any) -> None:
    first, *rest = aws.add_instances(count=5)
    aws.set(page_size=2)
    aws.fault("omit", instance_id=first)

    page = ec2.describe_instances()
    listed = [i["InstanceId"] for each in page["Reservations"] for i in each["Instances"]]
    asked = ec2.describe_instances(InstanceIds=[first])

    assert listed == rest[:2]
    assert page["NextToken"]
    assert asked["Reservations"][0]["Instances"][0]["InstanceId"] == first


def test_cleared_faults_are_over(aws: Simulator, ec2: Any) -> None:
    fault, _ = aws.fault("internal"), aws.fault("throttle")
    fault.clear()
    assert refusal(ec2.describe_instances)[0] == "RequestLimitExceeded"

    aws.clear_faults()
    ec2.describe_instances()


def test_an_unknown_fault_is_a_mistake_of_the_test(aws: Simulator) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        aws.fault("throtle")

"""The stand-in for EC2 must answer as AWS does, or its figures mean nothing."""

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.bench.answers import CHANGED_EACH, Account, instances, statuses
from tests.bench.aws import SECRET, StandIn, access_key

pytestmark = pytest.mark.once
COUNT = 2500


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with StandIn(tmp_path_factory.mktemp("stand-in")) as running:
        running.show([1, 2], count=COUNT)
        yield running


@pytest.fixture
def ec2(aws):
    keys = {"aws_access_key_id": access_key(1), "aws_secret_access_key": SECRET}
    return boto3.client("ec2", region_name="eu-central-1", endpoint_url=aws.url, **keys)


def described(ec2):
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000}))
    found = [each for page in pages for group in page["Reservations"] for each in group["Instances"]]
    return {each["InstanceId"]: each for each in found}, len(pages)


def test_pages_hold_a_thousand_and_no_instance_is_missing_or_twice(ec2):
    found, pages = described(ec2)
    states = list(
        ec2.get_paginator("describe_instance_status").paginate(
            IncludeAllInstances=True, PaginationConfig={"PageSize": 1000}
        )
    )

    assert (len(found), pages, len(states)) == (COUNT, 3, 3)
    assert {each["InstanceId"] for page in states for each in page["InstanceStatuses"]} == set(found)


def test_a_round_changes_one_instance_in_a_hundred_and_the_same_ones_each_time(aws, ec2):
    before, _ = described(ec2)

    aws.show([1], round=1)
    after, _ = described(ec2)
    again, _ = described(ec2)
    aws.show([1], round=0)

    assert sum(before[key] != after[key] for key in before) == COUNT // CHANGED_EACH
    assert after == again
    assert described(ec2)[0] == before


def test_an_instance_is_as_large_as_it_is_in_life():
    account = Account(1)

    assert 9_000 < len(instances(account, range(1000))) / 1000 < 11_500
    assert 1_100 < len(statuses(account, range(1000))) / 1000 < 1_500


def test_a_stop_is_answered_noted_and_seen(aws, ec2):
    first = next(iter(described(ec2)[0]))
    aws.journal(clear=True)

    answer = ec2.stop_instances(InstanceIds=[first])

    assert answer["StoppingInstances"][0]["CurrentState"]["Name"] == "stopping"
    assert [change["ids"] for change in aws.journal()["changes"]] == [[first]]
    found = ec2.describe_instances(InstanceIds=[first])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "stopped"


def test_throttled_calls_are_refused_as_aws_refuses_them(aws, ec2):
    aws.show([1], throttled_calls=20)

    with pytest.raises(ClientError) as refused:
        ec2.describe_instances(MaxResults=5)
    aws.show([1], throttled_calls=0)

    assert refused.value.response["Error"]["Code"] == "RequestLimitExceeded"

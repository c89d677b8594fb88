"""Keys, signatures and clocks."""

import time
from typing import Any

from simulator.server import Simulator
from simulator.world import Keys
from tests.simulator.conftest import refusal


def test_the_identity_names_account_and_user(aws: Simulator, client: Any) -> None:
    answer = client("sts", using=aws.add_keys(account="444455556666")).get_caller_identity()

    assert (answer["Account"], answer["Arn"]) == ("444455556666", "arn:aws:iam::444455556666:user/ec2mon")


def test_an_unknown_key_is_refused_by_ec2_and_by_sts_in_their_own_words(client: Any) -> None:
    unknown = {"access_key_id": "AKIADEMOUNKNOWN00000"}

    assert refusal(client(**unknown).describe_instances)[:2] == ("AuthFailure", 401)
    assert refusal(client("sts", **unknown).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_a_wrong_secret_is_noticed(client: Any) -> None:
    wrong = {"secret_access_key": "wrong" * 8}

    assert refusal(client(**wrong).describe_instances)[:2] == ("AuthFailure", 401)
    assert refusal(client("sts", **wrong).get_caller_identity)[:2] == ("SignatureDoesNotMatch", 403)


def test_temporary_keys_need_their_token(aws: Simulator, client: Any) -> None:
    keys = aws.add_keys(session_token="a-token")

    assert client(using=keys).describe_instances()["Reservations"] == []
    assert refusal(client(using=keys, session_token="another").describe_instances)[0] == "AuthFailure"
    keys.expired = True
    assert refusal(client(using=keys).describe_instances)[0] == "RequestExpired"
    assert refusal(client("sts", using=keys).get_caller_identity)[0] == "ExpiredToken"


def test_a_region_that_is_not_enabled_refuses_while_sts_elsewhere_knows_the_key(aws: Simulator, client: Any) -> None:
    keys = aws.add_keys(disabled_regions=["me-south-1"])

    assert refusal(client(using=keys, region="me-south-1").describe_instances)[0] == "AuthFailure"
    assert client("sts", using=keys, region="us-east-1").get_caller_identity()["Account"] == keys.account
    assert client(using=keys).describe_instances()["Reservations"] == []


def test_a_clock_that_is_off_is_refused_and_the_date_header_tells_by_how_much(aws: Simulator, client: Any) -> None:
    aws.set(clock_skew_s=-1200)

    assert refusal(client().describe_instances)[0] == "RequestExpired"
    assert refusal(client("sts").get_caller_identity)[0] == "SignatureDoesNotMatch"
    aws.set(clock_skew_s=600)
    answer = client().describe_instances()
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    ahead = time.mktime(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")) - time.mktime(time.gmtime())
    assert 590 < ahead < 610


def test_each_account_and_region_sees_its_own_instances(aws: Simulator, keys: Keys, client: Any) -> None:
    other = aws.add_keys(account="444455556666")
    aws.add_instances("eu-central-1", count=1)
    aws.add_instances("eu-west-1", count=2)
    aws.add_instances("eu-west-1", account="444455556666", count=3)

    def count(using: Keys, region: str) -> int:
        answer = client(using=using, region=region).describe_instances()
        return sum(len(r["Instances"]) for r in answer["Reservations"])

    regions = ("eu-central-1", "eu-west-1")
    assert [count(keys, region) for region in regions] == [1, 2]
    assert [count(other, region) for region in regions] == [0, 3]

"""The simulator as a tool of tests: journal, control over HTTP, several callers at once."""

import json
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError

from simulator.server import Simulator
from simulator.world import Keys
from tests.simulator.conftest import refusal


def control(aws: Simulator, name: str, **values: Any) -> Any:
    request = urllib.request.Request(f"{aws.url}/_sim/{name}", data=json.dumps(values).encode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def test_the_journal_tells_what_was_asked_and_by_whom_without_secrets(
    aws: Simulator, keys: Keys, client: Any, ec2: Any
) -> None:
    (i,) = aws.add_instances()
    client("sts").get_caller_identity()
    ec2.stop_instances(InstanceIds=[i])
    refusal(ec2.start_instances, InstanceIds=[i])

    sts, stop, start = aws.journal()

    assert (sts.service, sts.action, sts.status) == ("sts", "GetCallerIdentity", 200)
    assert (stop.access_key_id, stop.region, stop.parameters) == (
        keys.access_key_id,
        "eu-central-1",
        {"InstanceIds": [i]},
    )
    assert (start.status, start.code, start.performed) == (400, "IncorrectInstanceState", False)
    assert aws.journal("StopInstances", region="eu-central-1") == [stop]
    assert keys.secret_access_key not in repr(aws.journal())


def test_everything_can_be_controlled_over_http(aws: Simulator, ec2: Any) -> None:
    (i,) = control(aws, "add_instances", names=["remote"], state="stopped")
    control(aws, "change_instance", instance_id=i, state="running", protected=True, tags={"Name": "renamed"})
    control(aws, "schedule_event", instance_id=i, code="system-reboot")
    control(aws, "fault", kind="throttle", action="DescribeInstances", times=1)

    assert refusal(ec2.describe_instances)[0] == "RequestLimitExceeded"
    (found,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    assert (found["State"]["Name"], found["Tags"][0]["Value"]) == ("running", "renamed")
    assert refusal(ec2.stop_instances, InstanceIds=[i])[0] == "OperationNotPermitted"
    with urllib.request.urlopen(f"{aws.url}/_sim/journal?action=StopInstances", timeout=5) as answer:
        (call,) = json.load(answer)
    assert (call["status"], call["parameters"]) == (400, {"InstanceIds": [i]})
    control(aws, "reset")
    assert control(aws, "journal") == []


def test_a_wrong_control_request_is_refused(aws: Simulator) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        control(aws, "no-such-thing")


def test_an_action_that_is_not_simulated_is_refused(ec2: Any) -> None:
    assert refusal(ec2.terminate_instances, InstanceIds=["i-0123456789abcdef0"])[0] == "InvalidAction"


def test_many_callers_are_served_at_once(aws: Simulator, client: Any) -> None:
    regions = ["eu-central-1", "eu-west-1", "us-east-1"]
    for region in regions:
        aws.add_instances(region, count=30)
    clients = [client(region=region) for region in regions]
    aws.fault("slow", "DescribeInstances", seconds=0.4)

    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda c: c.describe_instances(MaxResults=1000), clients))

    assert time.monotonic() - began < 1.0
    assert [len(a["Reservations"][0]["Instances"]) for a in answers] == [30, 30, 30]


def test_two_thousand_instances_are_quick(aws: Simulator, ec2: Any) -> None:
    aws.add_instances(count=2000)

    began = time.process_time()
    page = ec2.describe_instances(MaxResults=1000)

    assert sum(len(r["Instances"]) for r in page["Reservations"]) == 1000
    assert time.process_time() - began < 4


def test_two_simulators_share_nothing(aws: Simulator, keys: Keys, client: Any) -> None:
    with Simulator() as other:
        other.add_instances(count=3)

        assert client().describe_instances()["Reservations"] == []
        assert other.journal() == []


def test_the_end_cuts_what_hangs(client: Any) -> None:
    with Simulator() as aws:
        keys = aws.add_keys()
        aws.fault("hang", "DescribeInstances")
        ended = threading.Event()

        def call() -> None:
            with pytest.raises(BotoCoreError):
                _client(aws, keys).describe_instances()
            ended.set()

        threading.Thread(target=call).start()
        while not aws.journal():
            time.sleep(0.01)
    assert ended.wait(2)
    with pytest.raises(EndpointConnectionError):
        _client(aws, keys).describe_instances()


def _client(aws: Simulator, keys: Keys) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.Session().create_client(
        "ec2",
        region_name="eu-central-1",
        endpoint_url=aws.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1}),
    )

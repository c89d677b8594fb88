"""A simulated AWS for one test, and real boto3 clients to talk to it."""

from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.server import Simulator
from simulator.world import Keys

REGION = "eu-central-1"
_session = botocore.session.Session()


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator(delay_s=0.2) as aws:
        yield aws


@pytest.fixture
def keys(aws: Simulator) -> Keys:
    return aws.add_keys()


@pytest.fixture
def client(aws: Simulator, keys: Keys) -> Callable[..., Any]:
    """Make a client; a single attempt and short time-outs unless told otherwise."""

    def make(service: str = "ec2", *, using: Keys | None = None, attempts: int = 1, **given: Any) -> Any:
        who = using or keys
        return _session.create_client(
            service,
            region_name=given.get("region", REGION),
            endpoint_url=aws.url,
            aws_access_key_id=given.get("access_key_id", who.access_key_id),
            aws_secret_access_key=given.get("secret_access_key", who.secret_access_key),
            aws_session_token=given.get("session_token", who.session_token),
            config=Config(
                connect_timeout=2, read_timeout=1, retries={"mode": "standard", "total_max_attempts": attempts}
            ),
        )

    return make


@pytest.fixture
def ec2(client: Callable[..., Any]) -> Any:
    return client()


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Return the code, HTTP status and message of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], meta["HTTPStatusCode"], error["Message"]


def states(ec2: Any, ids: list[str]) -> list[str]:
    """Return the instances' states as EC2 tells them."""
    answer = ec2.describe_instances(InstanceIds=ids)
    found = {i["InstanceId"]: i["State"]["Name"] for r in answer["Reservations"] for i in r["Instances"]}
    return [found[instance_id] for instance_id in ids]

"""The simulator as a tool of tests: journal, control over HTTP, several callers at once."""

import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, EndpointConnectionError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

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


def test_it_speaks_tls_to_who_trusts_its_certificate(tmp_path: Path) -> None:
    context, certificate = _tls(tmp_path)
    with Simulator(tls=context) as aws:
        keys = aws.add_keys()

        assert aws.url.startswith("https://")
        with pytest.raises(SSLError):
            _client(aws, keys).describe_instances()
        assert _client(aws, keys, verify=str(certificate)).describe_instances()["Reservations"] == []


def _tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a new certificate for this machine, and the certificate's file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated EC2")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context, files[0]


def _client(aws: Simulator, keys: Keys, verify: str | None = None) -> Any:
    return botocore.session.Session().create_client(
        "ec2",
        region_name="eu-central-1",
        endpoint_url=aws.url,
        verify=verify,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1}),
    )

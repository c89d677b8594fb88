import contextlib
import os
import socket
import ssl
import threading

import pytest

from elements.aws.errors import AwsUnreachable
from elements.aws.session import BlankKeys, Credentials
from tests.aws.pages import listed
from tests.aws.proxy import Proxy


@pytest.mark.parametrize(
    ("access_key_id", "secret"),
    [("", ""), ("", "secret"), ("AKIADEMO", ""), (" ", "x"), ("AKIA\nX", "x"), ("AKIADEMO", "sécret"), ("A\x00", "x")],
)
def test_keys_that_aws_never_gives_out_are_not_sent(access_key_id, secret):
    with pytest.raises(BlankKeys):
        Credentials(access_key_id, secret)


def test_credentials_show_nothing_when_printed():
    credentials = Credentials("AKIADEMO", "planted-secret", "planted-token")

    assert "AKIADEMO" not in f"{credentials!r} {credentials}"
    assert "planted" not in f"{credentials!r} {credentials}"


def test_the_keys_of_the_machine_never_sign(aws, keys, open_to, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-the-machine")
    (tmp_path / "config").write_text("[default]\naws_access_key_id = of-the-file\nregion = us-east-1\n")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    gateway = open_to(keys, aws.url)
    listed(gateway.describe_instances())
    gateway.caller_identity()

    assert {(call.access_key_id, call.region) for call in aws.journal()} == {(keys.access_key_id, "eu-central-1")}


def test_the_sdks_endpoint_setting_is_used_where_an_element_names_none(aws, keys, open_to, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)

    gateway = open_to(keys)
    listed(gateway.describe_instances())
    gateway.caller_identity()

    assert [call.action for call in aws.journal()] == ["DescribeInstances", "GetCallerIdentity"]


def test_an_elements_own_endpoint_wins_over_the_sdks(aws, keys, open_to, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")

    listed(open_to(keys, aws.url).describe_instances())

    assert len(aws.journal("DescribeInstances")) == 1


def test_a_certificate_nobody_knows_is_refused_and_nothing_was_sent(tls_aws, open_to):
    gateway = open_to(tls_aws.add_keys(), tls_aws.url)

    with pytest.raises(AwsUnreachable, match="TLS certificate") as raised:
        gateway.stop_instances(["i-0123456789abcdef0"])

    assert raised.value.definite
    assert tls_aws.journal() == []


def test_a_certificate_of_the_sdks_bundle_is_trusted(tls_aws, open_to, certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    tls_aws.add_instances()

    assert len(listed(open_to(tls_aws.add_keys(), tls_aws.url).describe_instances())) == 1


def test_a_tls_answer_that_is_broken_on_the_way_leaves_the_outcome_of_a_write_open(
    keys, open_to, certificate, monkeypatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    with _server_that_breaks_tls(certificate) as url, pytest.raises(AwsUnreachable, match="TLS connection") as raised:
        open_to(keys, url).stop_instances(["i-0123456789abcdef0"])

    assert not raised.value.definite


@contextlib.contextmanager
def _server_that_breaks_tls(certificate):
    """Take one request over TLS and answer with bytes that are no TLS."""
    context, held = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(certificate)

    def serve():
        connection = context.wrap_socket(listener.accept()[0], server_side=True)
        held.append(connection)  # closed, it would cut the answer off instead
        connection.recv(65536)
        os.write(connection.fileno(), b"this is no TLS" * 10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def proxy(monkeypatch):
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()


def test_the_sdks_proxy_setting_is_used(tls_aws, open_to, certificate, proxy, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    tls_aws.add_instances()

    found = listed(open_to(tls_aws.add_keys(), tls_aws.url).describe_instances())

    assert len(found) == 1
    assert proxy.asked_for == [tls_aws.url.removeprefix("https://")]


def test_a_proxy_that_does_not_answer_is_named(keys, open_to, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with pytest.raises(AwsUnreachable, match="proxy on the way to AWS") as raised:
        open_to(keys, "https://127.0.0.1:9").stop_instances(["i-0123456789abcdef0"])

    assert raised.value.definite


@pytest.mark.parametrize("setting", [{}, {"AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "legacy"}])
def test_reads_are_tried_three_times_and_writes_once_whatever_the_machine_says(aws, gateway, monkeypatch, setting):
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    aws.fault("internal")

    for ask in (gateway.describe_instances, gateway.describe_instance_status):
        with pytest.raises(AwsUnreachable):
            listed(ask())
    with pytest.raises(AwsUnreachable):
        gateway.caller_identity()
    for ask in (gateway.start_instances, gateway.stop_instances, gateway.reboot_instances):
        with pytest.raises(AwsUnreachable):
            ask(["i-0123456789abcdef0"])

    tries = {action: len(aws.journal(action)) for action in {call.action for call in aws.journal()}}
    assert tries == {
        "DescribeInstances": 3,
        "DescribeInstanceStatus": 3,
        "GetCallerIdentity": 3,
        "StartInstances": 1,
        "StopInstances": 1,
        "RebootInstances": 1,
    }


@pytest.mark.parametrize("fault", ["reset", "lost", "captive", "throttle", "capacity", "unavailable"])
def test_whatever_goes_wrong_a_write_is_sent_once(aws, gateway, fault):
    (instance_id,) = aws.add_instances()
    aws.fault(fault, "StopInstances")

    with pytest.raises(Exception, match=r"\w"):
        gateway.stop_instances([instance_id])

    assert len(aws.journal("StopInstances")) == 1

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.credentials import Credentials as SigningKey

from elements.aws import clients, session
from elements.aws.clients import Kind
from elements.aws.errors import AwsDenied, AwsUnreachable
from elements.aws.session import Credentials, Patience, Target, open_gateway
from tests.aws.pages import listed

ELEMENTS = 60
POLLS = 3


def kind(url):
    return Kind("ec2", "eu-central-1", url, 3, 20, 20.0, True)


def test_sixty_elements_at_once_are_each_signed_recorded_and_answered_as_themselves(aws):
    elements = [Element(aws, number) for number in range(ELEMENTS)]
    together = threading.Barrier(20)

    with ThreadPoolExecutor(20) as pool:
        for _ in range(POLLS):
            list(pool.map(lambda element: element.poll(together), elements))

    signed = {call.request_id: call.access_key_id for call in aws.journal()}
    for element in elements:
        assert element.wrong == []
        outcomes = sorted(record.outcome for record in element.records)
        assert outcomes == ["error"] * POLLS + ["no-answer"] * POLLS + ["ok"] * 2 * POLLS
        answered = {record.request_id for record in element.records if record.request_id}
        assert {signed[request_id] for request_id in answered} == set(element.used)
    assert sum(len(element.records) for element in elements) == len(aws.journal())
    assert [made for made in clients._made if made.endpoint_url == aws.url] == [kind(aws.url)]


class Element:
    """An element of an account of its own that gets another key for each poll, one with a session token in between."""

    def __init__(self, aws, number):
        self.aws, self.account = aws, f"{number:012d}"
        self.ids = sorted(aws.add_instances(account=self.account, count=1 + number % 3))
        self.records, self.used, self.wrong = [], [], []

    def poll(self, together):
        number = len(self.used)
        keys = self.aws.add_keys(account=self.account, session_token=f"token-{number}" * 5 if number == 1 else None)
        self.used.append(keys.access_key_id)
        self.aws.fault("throttle", "DescribeInstances", access_key_id=keys.access_key_id, times=1)
        self.aws.fault("reset", "DescribeInstanceStatus", access_key_id=keys.access_key_id, times=1)
        gateway = open_gateway(
            Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or ""),
            Target("eu-central-1", self.aws.url, self.aws.url, allow_private=True),
            record=self.records.append,
            caller=self.account,
            patience=Patience(),
        )
        together.wait(30)
        found = {"instances": [], "statuses": []}
        for listing, page in gateway.read_all():
            found[listing] += page.seen
        ids = {name: sorted(snapshot.instance_id for snapshot in each) for name, each in found.items()}
        if ids != {"instances": self.ids, "statuses": self.ids}:
            self.wrong.append(ids)
        self.wrong += [each for each in found["instances"] if each.account_id != self.account]
        self.wrong += [record for record in self.records if record.caller != self.account]


def test_a_key_that_was_refused_is_not_tried_in_anothers_name(aws, open_to):
    good, refused = aws.add_keys(), aws.add_keys(denied=["DescribeInstances"])

    listed(open_to(good, aws.url).describe_instances())
    with pytest.raises(AwsDenied):
        listed(open_to(refused, aws.url).describe_instances())

    assert [call.access_key_id for call in aws.journal()] == [good.access_key_id, refused.access_key_id]


def test_a_request_that_nobody_called_for_is_not_sent(aws):
    with pytest.raises(LookupError):
        clients.client(kind(aws.url)).describe_instances()

    assert aws.journal() == []


@pytest.mark.parametrize("token", [None, "another-token"])
def test_a_request_that_another_key_signed_is_not_sent(aws, keys, open_to, token):
    other = aws.add_keys()
    key = other.access_key_id if token is None else keys.access_key_id

    def sign(request, **kwargs):
        request.context["signing"]["request_credentials"] = SigningKey(key, other.secret_access_key, token)

    clients.client(kind(aws.url)).meta.events.register("request-created.ec2.DescribeInstances", sign)

    with pytest.raises(RuntimeError, match="not signed with its own key"):
        listed(open_to(keys, aws.url, attempts=3).describe_instances())

    assert aws.journal() == []


def test_one_elements_failures_leave_others_their_retries(aws, keys, open_to, monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    failing = aws.add_keys()
    aws.fault("internal", access_key_id=failing.access_key_id)
    for _ in range(60):
        with pytest.raises(AwsUnreachable):
            open_to(failing, aws.url).sample_instances()
    aws.fault("internal", access_key_id=keys.access_key_id, times=2)

    open_to(keys, aws.url).sample_instances()

    assert len(aws.journal(access_key_id=failing.access_key_id)) == 180
    assert len(aws.journal(access_key_id=keys.access_key_id)) == 3


def test_a_process_does_not_use_its_parents_connections(aws, gateway):
    gateway.sample_instances()
    assert clients._made

    child = os.fork()
    if child == 0:
        os._exit(len(clients._made))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert clients._made


def test_clients_that_were_not_used_for_long_are_let_go(aws, monkeypatch):
    monkeypatch.setattr(clients, "_CLIENTS", 2)
    first, second, third = (kind(f"http://127.0.0.1:{port}") for port in (1, 2, 3))

    for each in (first, second, first, third):
        clients.client(each)

    assert list(clients._made) == [first, third]


def test_elements_use_one_connection_after_another_and_a_write_a_fresh_one(aws, open_to, connections):
    (instance_id,) = aws.add_instances()

    for _ in range(3):
        open_to(aws.add_keys(), aws.url).sample_instances()
    assert len(connections()) == 1
    for _ in range(3):
        open_to(aws.add_keys(), aws.url).stop_instances([instance_id])

    assert len(connections()) == 4


def test_a_connection_that_rested_long_is_not_used_again(aws, open_to, connections, monkeypatch):
    monkeypatch.setattr(session, "_READ_IDLE_S", 0.0)

    for _ in range(3):
        open_to(aws.add_keys(), aws.url).sample_instances()

    assert len(connections()) == 3


@pytest.fixture
def connections(aws):
    """Tell which connections were made to the simulated AWS so far."""
    made, accept = [], aws._listener.get_request

    def get_request():
        connection, address = accept()
        made.append(address)
        return connection, address

    aws._listener.get_request = get_request
    yield lambda: made
    del aws._listener.get_request


def test_aws_is_told_what_asks(aws, keys, open_to):
    asked = []
    events = clients.client(kind(aws.url)).meta.events
    events.register("before-send.ec2", lambda request, **_: asked.append(request.headers["User-Agent"]))

    listed(open_to(keys, aws.url).describe_instances())

    (text,) = (each.decode() if isinstance(each, bytes) else each for each in asked)
    assert text.startswith("Botocore/") and text.endswith(" ec2mon")

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from elements.aws.errors import AwsError
from elements.aws.recorder import Recorder, Trace
from elements.aws.redaction import Redactor
from tests.aws.pages import listed

PLANTED = "planted-secret-access-key-00000000000000"
TOKEN = "planted-session-token-" + "0" * 40


def test_an_answer_is_one_record_with_all_that_is_shown_of_it(aws, gateway, records):
    aws.add_instances(count=3)

    listed(gateway.describe_instances())

    (record,) = records
    assert (record.service, record.operation, record.caller, record.outcome) == (
        "ec2",
        "DescribeInstances",
        "test",
        "ok",
    )
    assert (record.http_status, record.attempt, record.returned) == (200, 1, 3)
    assert record.parameters == {"MaxResults": 1000}
    assert record.request_id == aws.journal()[0].request_id
    assert record.bytes > 1000
    assert record.duration_ms >= 0


def test_every_attempt_is_a_record_of_its_own(aws, gateway, records):
    aws.fault("throttle", "DescribeInstances", times=2)

    listed(gateway.describe_instances())

    assert [(r.attempt, r.outcome, r.http_status, r.error_code) for r in records] == [
        (1, "error", 503, "RequestLimitExceeded"),
        (2, "error", 503, "RequestLimitExceeded"),
        (3, "ok", 200, ""),
    ]
    assert len({record.request_id for record in records}) == 3
    assert gateway.calls == 3


def test_of_two_calls_at_once_each_record_has_its_own_request_id():
    records, trace = [], Trace()

    class Meanwhile(Redactor):
        def structure(self, value):
            recorder.last_request_id = "of the other call"
            return super().structure(value)

    recorder = Recorder(records.append, "test", Meanwhile("", []))
    trace.begin()

    recorder.note_end(trace, "RebootInstances", None, parsed_response={"ResponseMetadata": {"RequestId": "its own"}})

    assert records[0].request_id == "its own"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("reset", "no-answer"),
        ("hang", "no-answer"),
        ("lost", "no-answer"),
        ("captive", "not-understood"),
        ("garbage", "not-understood"),
        ("empty", "not-understood"),
        ("truncated", "not-understood"),
        ("no-set", "not-understood"),
        ("html-500", "error"),
        ("internal", "error"),
        ("optin", "error"),
    ],
)
def test_whatever_goes_wrong_is_recorded_once(aws, keys, open_to, records, fault, outcome):
    aws.fault(fault, "DescribeInstances")

    with pytest.raises(AwsError):
        listed(open_to(keys, aws.url, attempts=1, read_s=1).describe_instances())

    assert [record.outcome for record in records] == [outcome]


def test_a_call_that_could_not_connect_is_recorded(keys, open_to, records):
    with pytest.raises(AwsError):
        listed(open_to(keys, "http://127.0.0.1:9", attempts=1).describe_instances())

    assert [(record.outcome, record.error_code) for record in records] == [("no-answer", "EndpointConnectionError")]


def test_a_recording_that_fails_does_not_hide_the_answer(aws, keys, open_to, records, caplog):
    aws.add_instances()

    class Full(list):
        def append(self, item):
            raise OSError("the disk is full")

    gateway = open_to(keys, aws.url)
    gateway._asker.recorder._record = Full().append

    assert len(listed(gateway.describe_instances())) == 1
    assert "could not be recorded" in caplog.text


def test_the_clock_difference_is_taken_from_the_answer(aws, gateway):
    aws.set(clock_skew_s=120)

    listed(gateway.describe_instances())

    assert 115 < gateway.clock_offset_s < 125


def test_a_call_without_an_answer_has_no_request_id_of_the_one_before(aws, keys, open_to):
    (instance_id,) = aws.add_instances()
    gateway = open_to(keys, aws.url, read_s=1)
    listed(gateway.describe_instances())
    answered = gateway.last_request_id
    aws.fault("lost", "StopInstances")

    with pytest.raises(AwsError):
        gateway.stop_instances([instance_id])

    assert (bool(answered), gateway.last_request_id) == (True, "")


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_date_of_an_answer_is_read_with_whatever_name_utc_has(gateway, zone):
    said = f"{datetime.now(UTC) + timedelta(minutes=2):%a, %d %b %Y %H:%M:%S} {zone}"

    gateway._asker.recorder._note_clock({"date": said})

    assert 115 < gateway.clock_offset_s < 125


WORDS = f"{PLANTED} {TOKEN} Authorization: AWS4-HMAC-SHA256 Signature=deadbeef0123 X-Amz-Security-Token={TOKEN}"
ECHOES = {
    "in a message": {"kind": "error", "message": WORDS},
    "in a code": {"kind": "error", "code": PLANTED, "message": "x", "status": 400},
    "when refused": {"kind": "error", "code": "AuthFailure", "message": WORDS, "status": 401},
    "when cut off": {"kind": "reset"},
    "in garbage": {"kind": "garbage"},
    "in a captive portal": {"kind": "captive"},
    "when all is well": {"kind": "slow", "seconds": 0.01},
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_no_secret_is_in_records_errors_or_logs_even_at_debug(aws, open_to, records, caplog, echo):
    from django.conf import settings

    caplog.set_level(logging.DEBUG)
    for name, logger in settings.LOGGING["loggers"].items():
        caplog.set_level({**logger}.get("level", "NOTSET"), name)
    keys = aws.add_keys(secret_access_key=PLANTED, session_token=TOKEN)
    (instance_id,) = aws.add_instances()
    aws.fault(**echo)
    gateway = open_to(keys, aws.url, attempts=1)
    said = []

    calls = (
        lambda: listed(gateway.describe_instances()),
        lambda: listed(gateway.describe_instance_status()),
        gateway.caller_identity,
        lambda: gateway.stop_instances([instance_id]),
    )
    for call in calls:
        try:
            call()
        except AwsError as error:
            said += [repr(error), *map(str, vars(error).values()), str(error.__cause__), str(error.__context__)]

    everything = "\n".join([json.dumps(record.parameters) for record in records] + [repr(records), *said, caplog.text])
    for secret in (PLANTED, TOKEN, keys.access_key_id, "deadbeef0123"):
        assert secret not in everything

"""Each thing that happens is one line, with whose it is, and without secrets."""

import json
import logging
import re
import sys
import uuid

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from ec2mon.logs import JsonFormatter, LineFilter, name_process
from elements import tasks
from elements.domain.traces import REQUEST, current, traced
from elements.models import DebugRecord, Element
from elements.usecases.change_instance_state import request
from elements.usecases.run_polls import poll_once
from tests import builders

NAME = re.compile(r"(req|poll|task)-[0-9a-f]{12}\Z")


def written(text, *args, formatter=None, exc_info=None):
    """Return the line that the console gets."""
    record = logging.getLogger("elements.test").makeRecord("elements.test", 30, "f", 1, text, args, exc_info)
    LineFilter().filter(record)
    LineFilter().filter(record)
    text_format = settings.LOGGING["formatters"]["text"]["format"]
    return (formatter or logging.Formatter(text_format)).format(record)


@pytest.fixture
def named_web():
    name_process("web")
    yield
    name_process("-")


def error():
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        return sys.exc_info()


@pytest.mark.once
def test_the_console_has_the_filter_and_one_of_the_two_forms():
    console = settings.LOGGING["handlers"]["console"]

    assert console["filters"] == ["line"]
    assert console["formatter"] in ("text", "json")


@pytest.mark.once
@pytest.mark.parametrize("formatter", [None, JsonFormatter()], ids=["text", "json"])
def test_a_fault_is_one_line_whatever_is_in_it(formatter):
    line = written("polled %s", "a\r\nb\x1b[31m\u202e\x00\ud800\u2028", formatter=formatter, exc_info=error())

    assert len(line.splitlines()) == 1
    assert "Traceback" in line and "ValueError" in line
    assert not re.search("[\x00-\x1f\x7f\u202e\u2028\ud800]", line)
    line.encode()


def test_a_host_that_is_refused_is_one_short_line_without_a_trace(caplog, settings):
    settings.ALLOWED_HOSTS, settings.DEBUG = ["ec2mon.example.org"], False
    caplog.handler.addFilter(LineFilter())

    answer = Client(raise_request_exception=False).get("/login/", headers={"Host": "evil.example"})

    [line] = [record.getMessage() for record in caplog.records]
    assert answer.status_code == 400
    assert line.startswith("Invalid HTTP_HOST header: 'evil.example'.")
    assert len(line) < 120


@pytest.mark.once
def test_json_can_be_read_and_names_time_level_process_and_whose_it_is(named_web):
    with traced(REQUEST) as name:
        line = json.loads(written("is %s", "well", formatter=JsonFormatter()))

    assert {key: line[key] for key in ("level", "process", "id", "logger", "message")} == {
        "level": "WARNING",
        "process": "web",
        "id": name,
        "logger": "elements.test",
        "message": "is well",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["at"])


@pytest.mark.once
def test_a_line_of_text_names_its_process(named_web):
    assert " web     WARNING " in written("well")


@pytest.mark.once
def test_a_line_that_cannot_be_put_together_is_written_as_it_is():
    assert "two %s of %s" in written("two %s of %s", "one")


@pytest.mark.once
def test_no_secret_gets_into_a_line():
    secrets = [settings.SECRET_KEY, settings.FIELD_ENCRYPTION_KEY[0]]
    signed = "https://x/?X-Amz-Signature=feedface&X-Amz-Security-Token=longtoken Authorization: AWS4 Credential=abc"

    line = written("%s AKIAIOSFODNN7EXAMPLE %s", " ".join(secrets), signed)

    for secret in (*secrets, "feedface", "longtoken", "AKIAIOSFODNN7EXAMPLE", "AWS4"):
        assert secret not in line
    assert "…MPLE" in line


@pytest.mark.once
def test_the_sdk_is_never_let_below_warnings():
    for name in ("boto3", "botocore", "urllib3"):
        assert settings.LOGGING["loggers"][name]["level"] in ("WARNING", "ERROR", "CRITICAL")


@pytest.mark.django_db
def test_a_request_is_named_by_ourselves_alone():
    first, second = (Client().get("/healthz", headers={"X-Request-ID": "chosen"})["X-Request-ID"] for _ in range(2))

    assert NAME.match(first) and NAME.match(second)
    assert first != second
    assert current() == ""


@pytest.mark.django_db
def test_a_poll_has_one_name_in_the_log_and_in_debug(aws, caplog, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    aws.add_instances(count=2)
    caplog.handler.addFilter(LineFilter())
    monkeypatch.setattr("elements.usecases.poll_element.identify", lambda *args, **options: 1 / 0)
    poll_once(element.pk, caller="poll", now=timezone.now())
    monkeypatch.undo()

    poll_once(element.pk, caller="poll", now=timezone.now())

    [fault] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert NAME.match(fault.trace_id)
    assert "ZeroDivisionError" in fault.getMessage() and "\n" not in fault.getMessage()
    [name] = set(DebugRecord.objects.values_list("trace_id", flat=True))
    assert name.startswith("poll-") and NAME.match(name)
    assert name != fault.trace_id


@pytest.mark.django_db
def test_what_a_page_asks_of_aws_has_the_name_of_the_request_and_is_found_by_it(aws, client):
    client.force_login(builders.user("maria", "administrators"))
    element = builders.element(aws, aws.add_keys())

    answer = client.post(f"/e/{element.slug}/general/test/")

    [name] = set(DebugRecord.objects.values_list("trace_id", flat=True))
    assert name == answer["X-Request-ID"]
    record = DebugRecord.objects.first()
    shown = client.get(f"/e/{element.slug}/debug/", {"q": name, "record": record.pk}).content.decode()
    assert f'Part of <span class="mono breakable">{name}</span>' in shown


@pytest.mark.django_db
def test_an_action_that_a_worker_sends_has_a_name_of_its_own(aws):
    element = builders.element(aws, aws.add_keys())
    (instance_id,) = aws.add_instances()
    poll_once(element.pk, caller="poll", now=timezone.now())
    row = Element.objects.with_poll().get(pk=element.pk)
    asked = request(row, "stop", [instance_id], batch=uuid.uuid4(), by="maria", now=timezone.now())

    tasks.perform_actions(element.pk, [action.pk for action in asked.actions])

    assert DebugRecord.objects.get(operation="StopInstances").trace_id.startswith("task-")

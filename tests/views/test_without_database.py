"""What is said when the database cannot be used: why, and what became of a form. A real one is taken away elsewhere."""

import logging
import uuid

import pytest
from django.db import InternalError, OperationalError
from django.test import Client

from elements.models import Action
from elements.usecases import change_instance_state
from elements.views import actions
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    person = builders.user("olga", "operators")
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def element(aws):
    row = builders.element(aws, aws.add_keys())
    builders.instance(row, "playout-a")
    return builders.polled(row)


def submit(client, element, **headers):
    each = element.instances.get().instance_id
    fields = {"action": "stop", "id": each, "seen": f"{each}:running", "batch": str(uuid.uuid4())}
    return client.post(f"/e/{element.slug}/actions/", fields, headers=headers)


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("database is locked", "The database is busy"),
        ("canceling statement due to lock timeout", "The database is busy"),
        ("attempt to write a readonly database", "The database cannot be written to"),
        ("database or disk is full", "The database cannot be written to"),
        ("could not extend file: No space left on device", "The database cannot be written to"),
        ("the connection is closed", "The database does not answer"),
    ],
)
def test_a_page_says_what_is_wrong_and_leads_back_to_itself(client, monkeypatch, said, words):
    monkeypatch.setattr("elements.views.shell.Statement.rows", failing(OperationalError(said)))

    answer = client.get("/?sort=name")

    assert answer.status_code == 503
    assert words in answer.text and 'href="/?sort=name"' in answer.text
    assert "Not recorded" not in answer.text and "not known" not in answer.text
    assert answer.headers["Retry-After"] == "10"


def test_an_action_that_cannot_be_stored_says_that_nothing_was_sent(client, element, aws, monkeypatch):
    read_only = InternalError("cannot execute UPDATE in a read-only transaction")
    monkeypatch.setattr(change_instance_state, "hold", failing(read_only))

    answer = submit(client, element)

    assert answer.status_code == 503
    assert "Not recorded, nothing was sent to AWS" in answer.text and "cannot be written to" in answer.text
    assert aws.journal() == []


def test_what_may_have_been_stored_is_not_called_unrecorded(client, element, monkeypatch):
    stored = change_instance_state.request

    def lose_the_answer(*args, **kwargs):
        stored(*args, **kwargs)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(actions, "ask", lose_the_answer)

    answer = submit(client, element)

    assert answer.status_code == 503
    assert "Not recorded" not in answer.text
    assert "It is not known whether this was saved" in answer.text


def test_an_action_that_is_stored_when_the_database_fails_is_left_to_the_clock(client, element, monkeypatch, caplog):
    monkeypatch.setattr(actions, "perform", failing(OperationalError("server closed the connection unexpectedly")))

    answer = submit(client, element)

    assert answer.status_code == 302
    assert Action.objects.get().status == "requested"
    assert "were stored, then the database failed: server closed the connection" in caplog.text


def test_the_log_has_a_line_of_what_the_database_said_and_no_trace(client, monkeypatch, caplog):
    from ec2mon.logs import LineFilter

    monkeypatch.setattr("elements.views.shell.Statement.rows", failing(OperationalError("gone\nHINT: no")))

    client.get("/")

    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert LineFilter().filter(record)
    assert logging.Formatter().format(record) == "Service Unavailable: /: gone"


def test_a_mistake_of_ours_is_no_trouble_of_the_database(client, monkeypatch):
    monkeypatch.setattr("elements.views.shell.Statement.rows", failing(ValueError("database is locked")))

    assert client.get("/").status_code == 500

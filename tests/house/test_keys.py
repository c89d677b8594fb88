"""Keys stay home: nothing but the door to AWS reads them, and no page, dump or record holds them."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from elements.models import Activity, DebugRecord, Poll
from elements.usecases.run_polls import give_up_lost, poll_once
from elements.usecases.test_connection import examine, remember
from tests import builders

ROOT = Path(__file__).resolve().parents[2]
SECRET, TOKEN = "planted-secret-never-to-be-seen", "planted-token-never-to-be-seen"
LINK = re.compile(r'(?:href|action)="(/[^"#]*)"')
LIMIT = 150


@pytest.fixture
def planted(aws, db):
    """An element whose keys AWS knows, with some history: good and bad polls, a test, an action's records."""
    keys = aws.add_keys("ASIAPLANTED0123456789", SECRET, session_token=TOKEN, denied=["StopInstances"])
    (instance_id,) = aws.add_instances(names=["<b>playout</b>"])
    aws.instance(instance_id).schedule_event(deadline_s=172_800)
    element = builders.element(aws, keys)
    poll_once(element.pk, caller="poll", now=timezone.now())
    remember(element, examine(element, caller="maria", now=timezone.now()))
    aws.fault("error", "DescribeInstances", code="AuthFailure", message=f"no {SECRET} {TOKEN}", status=401, times=1)
    poll_once(element.pk, caller="poll", now=timezone.now())
    return element


def everybody():
    root = builders.user("root")
    root.is_staff = root.is_superuser = True
    root.save()
    return [*(builders.user(f"of-{group}", group) for group in ("viewers", "operators", "administrators")), root]


def crawled(user):
    """Yield every page somebody reaches by following links from the Overview, with its address."""
    client = Client()
    client.force_login(user)
    waiting, seen = ["/", "/admin/"], set()
    while waiting and len(seen) < LIMIT:
        address = waiting.pop(0)
        if address in seen or address.startswith("/static/") or "logout" in address:
            continue
        seen.add(address)
        answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        yield address, answer.status_code, body.decode()
        if answer.status_code in (301, 302):
            waiting.append(answer["Location"])
        waiting += [link.replace("&amp;", "&") for link in LINK.findall(body.decode())]


def test_no_page_holds_a_key_whoever_looks(planted):
    visited = {}
    for user in everybody():
        for address, status, body in crawled(user):
            visited[address] = status
            assert status < 500, address
            for secret in (SECRET, TOKEN, "ASIAPLANTED0123456789", "gAAAA"):
                assert secret not in body, f"{secret} on {address} for {user}"

    assert visited[f"/e/{planted.slug}/general/"] == 200
    assert visited[f"/admin/elements/element/{planted.pk}/change/"] == 200


def test_no_record_holds_a_key(planted):
    stored = f"{list(DebugRecord.objects.values())}{list(Activity.objects.values())}{list(Poll.objects.values())}"

    assert DebugRecord.objects.filter(error_code="AuthFailure").exists()
    assert SECRET not in stored
    assert TOKEN not in stored


@pytest.mark.parametrize("form", ["json", "xml", "jsonl"])
def test_a_dump_of_the_data_leaves_the_keys_out(planted, form):
    out = io.StringIO()

    call_command("dumpdata", "elements", format=form, stdout=out)

    assert planted.name in out.getvalue()
    for secret in (SECRET, TOKEN, "ASIAPLANTED0123456789", "gAAAA"):
        assert secret not in out.getvalue()


def test_no_page_decrypts_a_key(planted):
    client = Client()
    client.force_login(builders.user("maria", "administrators"))
    pages = [
        "/",
        *(f"/e/{planted.slug}/{page}/" for page in ("general", "instances", "configuration", "debug", "events")),
    ]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        for page in pages:
            client.get(page)

    assert not [query["sql"] for query in queries if "secret_access_key" in query["sql"]]


def test_the_clock_decrypts_no_key(planted):
    Poll.objects.update(lease="x", leased_until=timezone.now())

    with CaptureQueriesContext(connection) as queries:
        give_up_lost(timezone.now())

    assert Poll.objects.get().failure_code == "CutOff"
    assert not [query["sql"] for query in queries if "secret_access_key" in query["sql"]]


def test_nothing_updates_elements_in_bulk():
    """A bulk_update of encrypted columns is a way to lose them."""
    found = [
        path.relative_to(ROOT)
        for path in (ROOT / "elements").rglob("*.py")
        if re.search(r"Element\.objects[^\n]*\.bulk_(update|create)\(", path.read_text())
    ]

    assert found == []

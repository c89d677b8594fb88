"""Keys are planted, everything is used and much of it broken; then all that was stored, logged and sent is searched."""

import base64
import contextlib
import json
import pickle
import re
import sqlite3
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.stack import PASSWORD, Stack, wait_for
from tests.security.addresses import pages
from tests.security.search import found
from tests.security.visitor import Visitor

SECRET = "planted/secret+access<key>000000000000000"
WRONG = "planted/wrong+and<refused>0000000000000"
TOKEN = "planted//session+token==" + "0" * 60
GENERAL = "/e/frankfurt/general/"


@pytest.fixture(params=["false", pytest.param("true", marks=pytest.mark.once)], ids=lambda debug: f"DEBUG={debug}")
def stack(request, tmp_path):
    started = Stack(tmp_path)
    started.env.update(LOG_LEVEL="DEBUG", DEBUG=request.param, METRICS_NETWORKS="127.0.0.0/8")
    with started as running:
        for name, group in (("maria", "administrators"), ("olga", "operators"), ("vera", "viewers")):
            running.add_user(name, group)
        running.manage(
            "createsuperuser", "--noinput", "--username=root", "--email=", DJANGO_SUPERUSER_PASSWORD=PASSWORD
        )
        yield running


def test_no_planted_key_is_stored_logged_printed_or_sent(stack):
    keys = stack.aws.add_keys(secret_access_key=SECRET, session_token=TOKEN)
    (instance_id, *_) = stack.aws.add_instances("eu-central-1", count=3)
    stack.aws.instance(instance_id).schedule_event("system-reboot", in_s=7200, deadline_s=86_400)
    maria, root, olga, vera = visitors = signed_in(stack, "maria", "root", "olga", "vera")

    printed = [
        *set_up(stack, maria, root, keys),
        *polled(stack, keys),
        *acted(stack, olga, instance_id),
        *broken(stack, maria, keys, instance_id),
    ]
    opened = sum(visitor.get(page) is not None for visitor in visitors for page in pages("frankfurt", instance_id))
    printed += [stack.manage(*command) for command in (("dumpdata",), ("dumpdata", "--all", "--format=xml"))]
    printed.append(stack.attempt("backup", str(stack.directory / "copy"))[1])

    planted = [SECRET, TOKEN, WRONG, keys.access_key_id, PASSWORD, *own_secrets(stack)]
    kept = [*places(stack), *((f"printed {at}", text.encode()) for at, text in enumerate(printed))]
    sent = [(answer.split("\n")[0], answer.encode()) for visitor in visitors for answer in visitor.answers]
    assert opened > 130
    assert any("ec2mon_" in answer for answer in vera.answers), "no figures were given"
    assert len(kept) > 30
    assert found(planted, kept + sent) == []
    assert not re.search("Signature=[0-9a-f]{64}|X-Amz-Security-Token", stack.log())


def test_the_search_finds_what_is_packed():
    cell = zlib.compress(pickle.dumps({"kept": base64.b64encode(pickle.dumps([SECRET])).decode()}))
    session = base64.urlsafe_b64encode(zlib.compress(json.dumps({"form": SECRET}).encode())).rstrip(b"=")

    places = [
        ("cell", cell),
        ("session", b"." + session + b":1uAbCd:x"),
        ("page", f"?x={quote(SECRET)}".encode()),
    ]

    assert found([SECRET], places) == ["cell: planted/secr", "session: planted/secr", "page: planted/secr"]


def signed_in(stack, *names):
    visitors = [Visitor(stack.url) for _ in names]
    for visitor, name in zip(visitors, names, strict=True):
        visitor.sign_in(name, PASSWORD)
    return visitors


def set_up(stack, maria, root, keys):
    """Add elements in the admin site, on General and with the command, also with keys that AWS refuses."""
    new = {
        "name": "Frankfurt",
        "region": "eu-central-1",
        "endpoint_url": stack.aws.url,
        "sts_endpoint_url": stack.aws.url,
        "interval_s": "10",
    }
    entered = {"access_key_id": keys.access_key_id, "secret_access_key": SECRET, "session_token": TOKEN}
    target = {name: new[name] for name in ("region", "endpoint_url", "sts_endpoint_url")}
    assert root.get("/admin/elements/element/add/") == 200
    assert root.post("/admin/elements/element/add/", **new, **entered, _save="Save") == 200
    assert maria.post(GENERAL, **target, **{**entered, "secret_access_key": WRONG}) == 200
    assert maria.post(GENERAL, **{**target, "region": "no such region"}, **entered) == 200
    assert maria.post(GENERAL, **target, **entered) == 200
    assert maria.post(f"{GENERAL}test/") == 200
    (pk,) = {int(each) for each in re.findall(r"/admin/elements/element/(\d+)/change/", "\n".join(root.answers))}
    for page in ("", "?q=planted", f"{pk}/change/", f"{pk}/history/", f"{pk}/delete/"):
        root.get(f"/admin/elements/element/{page}")
    return [
        stack.manage(*command, AWS_ACCESS_KEY_ID=keys.access_key_id[::-1], AWS_SECRET_ACCESS_KEY=WRONG)
        for command in (
            ("element", "add", "Second", "--region=eu-central-1", f"--endpoint-url={stack.aws.url}"),
            ("element", "list", "--json"),
        )
    ]


def polled(stack, keys):
    """Poll in every way, while AWS echoes what it was sent."""
    echo = f"{SECRET} {TOKEN} Authorization: AWS4-HMAC-SHA256 Credential=x, Signature={'feed' * 16}"
    yield stack.attempt("poll", "--all", "--json")[1]
    for fault in ({"code": "AuthFailure", "status": 401}, {"code": SECRET, "status": 400}, {"code": "InternalError"}):
        stack.aws.fault("error", times=2, message=echo, access_key_id=keys.access_key_id, **fault)
        yield stack.attempt("poll", "--all")[1]
    stack.aws.clear_faults()
    yield stack.attempt("element", "test", "frankfurt")[1]


def acted(stack, olga, instance_id):
    """Stop an instance, and see it through."""
    olga.get(f"/e/frankfurt/actions/confirm/?action=stop&id={instance_id}")
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', olga.answers[-1]))
    form.pop("csrfmiddlewaretoken")
    olga.post("/e/frankfurt/actions/", **{**form, "action": "stop", "id": instance_id})
    wait_for(lambda: stack.aws.journal("StopInstances"), "nothing was stopped", stack.log)
    yield stack.attempt("poll", "frankfurt")[1]


def broken(stack, maria, keys, instance_id):
    """Break the database below a form full of keys, and pages below their reader."""
    entered = {"access_key_id": keys.access_key_id, "secret_access_key": SECRET, "session_token": TOKEN}
    target = {"region": "eu-central-1", "endpoint_url": stack.aws.url, "sts_endpoint_url": stack.aws.url}
    statuses = []
    for table in ("activity", "debugrecord"):
        rename(stack, f"elements_{table}", "elsewhere")
        statuses += [
            maria.post(GENERAL, **target, **entered),
            maria.get("/activity/"),
            maria.get("/e/frankfurt/debug/"),
        ]
        yield stack.attempt("poll", "frankfurt")[1]
        rename(stack, "elsewhere", f"elements_{table}")
    assert sum(status >= 500 for status in statuses) >= 3, statuses
    maria.get("/nowhere/")
    maria.post("/e/frankfurt/poll/", extra=SECRET)


def rename(stack, table, name):
    statement = f"ALTER TABLE {table} RENAME TO {name}"
    stack.manage("shell", "-c", f"from django.db import connection; connection.cursor().execute('{statement}')")


def own_secrets(stack):
    return [stack.env[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")]


def places(stack):
    """Yield what is kept: each file of the product, each row of each table, and the command lines of its processes."""
    for path in sorted(stack.directory.rglob("*")):
        if path.is_file() and "static" not in path.parts:
            with contextlib.suppress(FileNotFoundError):  # workers replace the file of their figures now and then
                yield path.name, path.read_bytes()
    yield from rows(stack)
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = line.read_bytes()
            if b"manage.py" in command or b"ec2mon" in command:
                yield str(line), command


def rows(stack):
    if "DATABASE_URL" in stack.env:
        import psycopg

        with psycopg.connect(stack.env["DATABASE_URL"]) as server:
            tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                for row in server.execute(f'SELECT * FROM "{table}"').fetchall():
                    yield table, b"\n".join(map(raw, row))
        return
    with contextlib.closing(sqlite3.connect(stack.directory / "ec2mon.sqlite3", timeout=20)) as file:
        for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in file.execute(f'SELECT * FROM "{table}"').fetchall():
                yield table, b"\n".join(map(raw, row))


def raw(cell):
    return cell if isinstance(cell, bytes) else str(cell).encode(errors="surrogateescape")

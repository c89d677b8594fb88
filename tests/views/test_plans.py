"""What the pages ask of the database, and whether an index answers it, among many rows of every kind."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from elements.models import Action, Activity, Change, DebugRecord, ScheduledEvent
from elements.tables.instances import CHOICES
from elements.urls import urlpatterns
from elements.usecases import backlogs
from tests import builders

MANY = 4000
BIG = ("instance", "debugrecord", "activity", "change", "action", "scheduledevent")
INDEXED = ["name", *(choice.name for choice in CHOICES if choice.is_default)]
PAGES = {
    "overview": ["/"],
    "wall": ["/wall/"],
    "wall_screens": ["/wall/screens/"],
    "activity": ["/activity/"],
    "system": ["/system/"],
    "general": ["/e/frankfurt/general/"],
    "instances": [f"/e/frankfurt/instances/{query}" for query in ("", "?page=80", "?sort=-state")],
    "instance": ["/e/frankfurt/instances/i-9/"],
    "events": ["/e/frankfurt/events/"],
    "debug": ["/e/frankfurt/debug/"],
}
# Reads everything because that is what is asked for, or the first 5,000 however many there are.
READS_ALL = {"find", "instances_export", "instances_selection", "debug_export", "configuration", "naming_preview"}
# Answers with a page of another name, or asks about the few that were chosen.
READS_NO_LIST = {
    "wall_screen_revoke",
    "wall_of_screen",
    "settings",
    "general_test",
    "instances_settings",
    "action_confirm",
    "action_submit",
    "event_reschedule",
    "events_display_key",
    "poll_now",
}
# PostgreSQL would need a second index to keep those without an address last when the highest comes first.
SORTED_BY_POSTGRESQL = ("-private_ip", "-public_ip")


@pytest.fixture
def element(db):
    row = builders.element()
    first, now = builders.instance(row, "first", private_ip="10.0.0.1", launched_at=timezone.now()), timezone.now()
    copies = {"private_ip_number": "private_ip_number + n", "launched_at": "launched_at"}
    copy(first, display_name="'node-' || n", instance_id="'i-' || n", search="'node-' || n", **copies)
    about = {"element": row, "at": now - timedelta(days=2)}
    copy(DebugRecord.objects.create(**about, service="ec2", operation="DescribeInstances", caller="poll", outcome="ok"))
    entry = Activity.objects.create(**about, username="olga", kind="setting", text="x", element_name=row.name)
    copy(entry, instance_id_text="'i-' || n")
    change = Change.objects.create(**about, kind="state", before="running", after="stopped")
    copy(change, instance_id_text="'i-' || n")
    at = about["at"]
    asked = {"requested_by": "olga", "requested_at": at, "expires_at": at, "batch": uuid4(), "verb": "stop"}
    settled = {"status": "confirmed", "settled_at": at}
    copy(Action.objects.create(element=row, **asked, **settled), instance_id_text="'i-' || n")
    cleared = {"stage": "completed", "first_seen_at": now, "cleared_at": now - timedelta(days=2), "not_before": now}
    copy(ScheduledEvent.objects.create(element=row, code="system-reboot", **cleared), instance_id_text="'i-' || n")
    if connection.vendor == "postgresql":  # which does so by itself, unlike SQLite
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    builders.polled(row)
    return row


def copy(row, **changed):
    """Let the database copy a row many times; `changed` says what differs, as SQL of n."""
    names = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    table, quoted = row._meta.db_table, ", ".join(f'"{name}"' for name in names)
    series = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {MANY})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({quoted}) {series} SELECT {values} FROM {table}, s WHERE id = {row.pk}")


def plan(sql):
    """Return how the database would answer, a step a line."""
    with connection.cursor() as cursor:
        cursor.execute(
            ("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql.replace("%", "%%"), []
        )
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def read_whole(sql):
    """Return the big tables that a statement reads from end to end, not only until it has enough."""
    steps = plan(sql)
    if sql.rpartition(" LIMIT ")[1] and "ORDER BY" not in steps and "SCAN" in steps:
        return set()  # in the order of numbers
    found = re.findall(r"^SCAN (\w+)(?! USING COVERING INDEX)$|Seq Scan on (\w+)", steps, re.MULTILINE)
    names = {a or b for a, b in found}
    return names & {f"elements_{name}" for name in BIG}


@pytest.mark.django_db
def test_a_page_of_the_list_is_read_by_an_index_whatever_the_column(element):
    for sort in [f"{sign}{name}" for name in INDEXED for sign in ("", "-")]:
        if connection.vendor == "postgresql" and sort in SORTED_BY_POSTGRESQL:
            continue
        for found in (element.instances.listed().sorted_by(sort), element.instances.listed().sorted_by(sort).reverse()):
            steps = found.values("pk")[:50].explain()

            assert "USING" in steps or "Index" in steps, (sort, steps)
            assert not re.search(r"TEMP B-TREE|(->  |^)Sort  \(cost", steps, re.MULTILINE), (sort, steps)


def test_a_page_whose_plans_nobody_looks_at_is_noticed():
    assert {pattern.name for pattern in urlpatterns} == {*PAGES, *READS_ALL, *READS_NO_LIST}


@pytest.mark.django_db
def test_spot_instances_to_be_asked_about_are_found_without_a_look_at_the_others(element):
    assert "instance_spot_untyped" in element.instances.untyped_spots().order_by().explain()


@pytest.mark.django_db
@pytest.mark.parametrize("address", [address for addresses in PAGES.values() for address in addresses])
def test_no_page_reads_a_big_table_from_end_to_end(administrator, element, address):
    with CaptureQueriesContext(connection) as asked:
        assert administrator.get(address).status_code == 200

    read = [each["sql"] for each in asked if each["sql"].startswith(("SELECT", "WITH"))]
    whole = {sql: read_whole(sql) for sql in read}
    assert len(read) > 2
    wrong = {sql: tables for sql, tables in whole.items() if tables}
    assert not wrong, "\n".join(map(str, wrong.items()))


def reads_all_of_an_element(sql):
    """Return the steps of a statement that read or sort all rows of an element for the few that it wants."""
    steps, big = plan(sql), "|".join(f"elements_{name}" for name in BIG)
    if connection.vendor == "postgresql":
        sorts = re.findall(r"^ *(?:->  )?Sort  .* rows=(\d+)", steps, re.MULTILINE)
        return [each for each in sorts if int(each) > MANY / 10]
    if "'i-9'" in sql:  # to read the others' rows in order of time may be to read all
        return re.findall(
            rf"^SEARCH (?:{big}) USING .*\(element_id=\?(?! AND (?:instance_id|requested_at))[^)]*\)$",
            steps,
            re.MULTILINE,
        )
    if " LIMIT " in sql and "TEMP B-TREE FOR ORDER BY" not in steps:
        return []  # read in order until there are enough
    return re.findall(rf"^SEARCH (?:{big}) USING INDEX \w+ \(element_id=\?\)$", steps, re.MULTILINE)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/activity/?element=frankfurt",
        "/e/frankfurt/instances/",
        "/e/frankfurt/instances/i-9/",
        "/e/frankfurt/events/",
        "/e/frankfurt/debug/",
    ],
)
def test_no_page_reads_all_that_an_element_has_of_something(administrator, element, address):
    with CaptureQueriesContext(connection) as asked:
        assert administrator.get(address).status_code == 200

    read = [each["sql"] for each in asked if each["sql"].startswith(("SELECT", "WITH"))]
    wrong = {sql: steps for sql in read if (steps := reads_all_of_an_element(sql))}
    assert not wrong, "\n".join(f"{sql}\n{plan(sql)}" for sql in wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("kept", backlogs.RETENTIONS, ids=lambda kept: kept.model.__name__)
def test_pruning_reads_no_more_of_an_element_than_it_removes(element, kept):
    old = backlogs.Backlog(element.pk, timezone.now(), timedelta(days=1))

    with CaptureQueriesContext(connection) as asked:
        backlogs.oldest_of(kept.model, kept.column, [(old, 10)])

    [sql] = [each["sql"] for each in asked]
    assert (reads_all_of_an_element(sql), read_whole(sql)) == ([], set()), plan(sql)
    assert "TEMP B-TREE" not in plan(sql)

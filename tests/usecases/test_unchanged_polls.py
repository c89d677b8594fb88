"""What a poll skips as unchanged is unchanged, and what it was cut off from is made up for."""

import itertools
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.domain import instance_rows
from elements.models import Change, Element, Instance, Poll, ScheduledEvent
from elements.usecases import spool, store_reading
from elements.usecases.change_instance_state import perform, request
from elements.usecases.describe import described
from elements.usecases.run_polls import poll_once
from elements.usecases.store_reading import Lease
from tests import builders

pytestmark = pytest.mark.django_db
NEVER_THE_SAME = {"id", "element_id", "revision", "first_seen_at", "observed_at", "gone_at"}
DAY = 86_400
RAW = {"raw_digest", "status_raw_digest"}
DISKS = [{"DeviceName": f"/dev/sd{letter}", "Ebs": {"VolumeId": f"vol-{letter}"}} for letter in "abc"]


@pytest.fixture
def element(aws):
    return builders.element(aws, aws.add_keys())


@pytest.fixture
def raw(aws):
    """Add an instance with all that is shown, and return what AWS knows of it."""
    (instance_id,) = aws.add_instances(
        names=["encoder"],
        tags={"Team": "playout", "aws:autoscaling:groupName": "group"},
        public_ip="192.0.2.10",
        iam_role="role",
        managed_by="eks.example",
        extra={"BlockDeviceMappings": DISKS, "StateReason": {"Code": "code", "Message": "message"}},
    )
    return aws.world.instances[instance_id]


def poll(element, *, later_s=0):
    report = poll_once(element.pk, caller="poll", now=timezone.now() + timedelta(seconds=later_s))
    assert report.ok, report
    return report


def rows(without=frozenset()):
    return [{key: row[key] for key in row.keys() - without} for row in Instance.objects.order_by("pk").values()]


def digests():
    return [bytes(value) for value in Instance.objects.values_list("raw_digest", flat=True)]


def forget_recipes(monkeypatch, **parts):
    """Let the code be that of another release."""
    for name, value in parts.items():
        monkeypatch.setattr(instance_rows, name, value)
    instance_rows.recipe.cache_clear()


@pytest.fixture(autouse=True)
def _recipe_of_this_release():
    yield
    instance_rows.recipe.cache_clear()


def test_tags_and_devices_in_another_order_write_nothing_but_the_new_digest(aws, element, raw):
    poll(element)
    before, known, shown = rows(RAW), digests(), described(Instance.objects.get())
    raw.tags = dict(reversed(raw.tags.items()))
    raw.extra = {**raw.extra, "BlockDeviceMappings": DISKS[::-1]}

    report = poll(element)

    assert (report.changed, rows(RAW), Change.objects.count()) == (0, before, 0)
    assert described(Instance.objects.get()) == shown
    assert digests() != known
    after = rows()
    poll(element)
    assert rows() == after


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("tags", lambda raw: raw.tags.update(Team="playouT")),
        ("tags", lambda raw: raw.tags.update(team=raw.tags.pop("Team"))),
        ("tags", lambda raw: raw.tags.update(Name="encoder ")),
        ("display_name", lambda raw: raw.tags.update(Name="encodes")),
        ("auto_scaling_group", lambda raw: raw.tags.update({"aws:autoscaling:groupName": "groups"})),
        ("instance_type", lambda raw: setattr(raw, "type", "m5.xlarge")),
        ("availability_zone", lambda raw: setattr(raw, "zone", "b")),
        ("private_ip", lambda raw: setattr(raw, "private_ip", "10.0.0.77")),
        ("public_ip", lambda raw: setattr(raw, "public_ip", "192.0.2.11")),
        ("architecture", lambda raw: setattr(raw, "architecture", "arm64")),
        ("platform", lambda raw: setattr(raw, "platform", "Linux/UNIY")),
        ("image_id", lambda raw: setattr(raw, "image_id", "ami-0d3a0demo00000002")),
        ("key_name", lambda raw: setattr(raw, "key_name", "demo-kez")),
        ("iam_role", lambda raw: setattr(raw, "iam_role", "rolf")),
        ("managed_by", lambda raw: setattr(raw, "managed_by", "eks.examplf")),
        ("lifecycle", lambda raw: setattr(raw, "lifecycle", "scheduled")),
        ("root_device_type", lambda raw: setattr(raw, "root_device", "instance-store")),
        ("state_reason", lambda raw: raw.extra.update(StateReason={"Code": "code", "Message": "messagf"})),
        ("state_reason_code", lambda raw: raw.extra.update(StateReason={"Code": "codf", "Message": "message"})),
        ("vpc_id", lambda raw: raw.extra.update(VpcId="vpc-1")),
        ("subnet_id", lambda raw: raw.extra.update(SubnetId="subnet-1")),
        ("private_dns", lambda raw: raw.extra.update(PrivateDnsName="a")),
        ("public_dns", lambda raw: raw.extra.update(PublicDnsName="a")),
        ("system_status", lambda raw: raw.checks.update(system="impaired")),
        ("ebs_status", lambda raw: raw.checks.update(ebs="insufficient-data")),
    ],
)
def test_one_other_character_is_shown_and_what_was_before_is_not(aws, element, raw, column, change):
    poll(element)
    before = rows()[0]
    change(raw)

    report = poll(element)

    (changed,) = rows()
    assert (report.changed, poll(element).changed) == (1, 0)
    assert changed[column] != before[column]
    assert changed["revision"] > before["revision"]


def test_what_only_the_description_shows_is_shown_anew(aws, element, raw):
    poll(element)
    raw.extra = {**raw.extra, "ClientToken": "another"}

    report = poll(element)

    assert (report.changed, described(Instance.objects.get())["ClientToken"]) == (1, "another")


def test_a_new_naming_format_names_what_is_unchanged(aws, element, raw):
    aws.add_instances(names=["encoder"])
    poll(element)
    kept = rows(RAW | {"display_name", "plain_name", "name_is_shared", "search", "revision"})
    Element.objects.update(naming_format="{type} {name}", naming_saved_at=timezone.now())

    report = poll(element)

    shown = {f"m5.large encoder [{row.instance_id[-6:]}]" for row in Instance.objects.all()}
    assert (report.changed, set(Instance.objects.values_list("display_name", flat=True))) == (2, shown)
    assert all(row["search"].startswith(row["display_name"].lower() + "\n") for row in rows())
    assert rows(RAW | {"display_name", "plain_name", "name_is_shared", "search", "revision"}) == kept
    assert poll(element).changed == 0


def test_a_release_that_keeps_another_column_fills_it_though_aws_says_the_same(aws, element, raw, monkeypatch):
    copied = instance_rows._COPIED
    forget_recipes(monkeypatch, _COPIED=tuple(each for each in copied if each != "key_name"))
    poll(element)
    forget_recipes(monkeypatch, _COPIED=copied)
    assert Instance.objects.get().key_name == ""

    report = poll(element)

    assert (report.changed, Instance.objects.get().key_name) == (1, raw.key_name)
    assert poll(element).changed == 0


def test_a_release_that_makes_a_column_otherwise_fills_it_though_aws_says_the_same(aws, element, raw, monkeypatch):
    with monkeypatch.context() as former:
        forget_recipes(former, _VERSION=0, tag_lines=lambda tags: "\n")
        poll(element)
    forget_recipes(monkeypatch)

    report = poll(element)

    assert (report.changed, Instance.objects.get().tag_lines) == (1, instance_rows.tag_lines(raw.tags))
    assert poll(element).changed == 0


def test_a_release_that_could_not_read_the_status_reads_all_again_the_next_time(aws, element, raw):
    poll(element)
    Poll.objects.update(rows_made_by="another release")
    Instance.objects.update(system_status="as that one kept it", status_digest="that one's")
    fault = aws.fault("internal", "DescribeInstanceStatus")
    poll_once(element.pk, caller="poll", now=timezone.now())
    fault.clear()

    poll(element)

    assert (Instance.objects.get().system_status, Poll.objects.get().rows_made_by) == ("ok", instance_rows.recipe())


def test_a_row_that_an_action_wrote_is_read_anew_though_aws_says_what_it_said_before(aws, element, raw):
    raw.managed_by = None  # what somebody else manages is not stopped here
    poll(element)
    phases = raw.phases
    aws.set(delay_s=3600)
    asked = request(
        Element.objects.with_poll().get(), "stop", [raw.instance_id], batch=uuid.uuid4(), by="m", now=timezone.now()
    )
    perform(element, [each.pk for each in asked.actions], clock=timezone.now)
    raw.phases = phases

    poll(element)
    lagging = Instance.objects.get().state
    poll(element, later_s=3600)

    assert (lagging, Instance.objects.get().state) == ("stopping", "running")
    after = rows()
    assert poll(element, later_s=3700).changed == 0
    assert rows() == after


def test_an_instance_that_went_and_is_back_byte_for_byte_is_shown_with_its_checks(aws, element, raw):
    poll(element)
    before = rows({"revision", "observed_at"})
    aws.vanish(raw.instance_id)
    poll(element)
    aws.world.instances[raw.instance_id] = raw

    report = poll(element)

    assert (report.changed, rows({"revision", "observed_at"})) == (1, before)
    assert list(Change.objects.order_by("pk").values_list("after", flat=True)) == ["gone", "running"]


class Killed(Exception):
    """Stands for whatever ends a worker."""


def killed_in(number, monkeypatch):
    """Let the worker end in a transaction of its writing, just before it is committed."""
    original, count = Lease.step, itertools.count(1)

    @contextmanager
    def step(lease):
        with original(lease) as poll:
            yield poll
            if next(count) == number:
                raise Killed

    monkeypatch.setattr(Lease, "step", step)


def stored(element):
    """Return the rows of an element and its history, apart from when they were written."""
    found = {row["instance_id"]: row for row in element.instances.values()}
    history = element.changes.values("instance_id_text", "kind", "before", "after", "what", "by", "reason")
    return (
        {key: {name: row[name] for name in row.keys() - NEVER_THE_SAME} for key, row in found.items()},
        {key for key, row in found.items() if row["gone_at"]},
        sorted(map(str, history)),
    )


@pytest.mark.parametrize("number", range(1, 6))
def test_a_poll_that_is_killed_while_it_writes_is_made_up_for_by_the_next(aws, element, monkeypatch, number):
    for module in (spool, store_reading):
        monkeypatch.setattr(module, "BATCH", 10)
    twin = builders.element(aws, aws.add_keys(), name="Twin")
    first = aws.add_instances(names=["web"] * 10)
    goes, stops, *_ = first
    poll(element)
    poll(twin)
    aws.vanish(goes)
    aws.instance(stops).stop()
    aws.instance(first[2]).fail_check()
    aws.add_instances(names=["web", "db"] * 10)
    with monkeypatch.context() as patch:
        killed_in(number, patch)
        report = poll_once(element.pk, caller="poll", now=timezone.now())
    states = dict(element.instances.values_list("instance_id", "state"))
    was_gone, before = element.instances.gone().exists(), Poll.objects.get(element=element)

    poll(element)
    poll(twin)

    assert report.error_code == "InternalError"
    assert not was_gone
    assert {states[key] for key in states if key != stops} == {"running"}
    assert before.succeeded_at < Poll.objects.get(element=element).succeeded_at
    assert stored(element) == stored(twin)
    assert Poll.objects.get(element=element).counts == Poll.objects.get(element=twin).counts
    duplicates = Element.objects.values_list("duplicate_names", flat=True)
    assert set(duplicates) == {9 + 20}
    assert poll(element).changed == 0


def test_names_that_depend_on_each_other_are_made_to_the_end_after_a_kill_between_them(aws, element, monkeypatch):
    aws.add_instances(names=["web"])
    (renamed,) = aws.add_instances(names=["db"])
    poll(element)
    aws.instance(renamed).tags["Name"] = "web"
    with monkeypatch.context() as patch:
        killed_in(2, patch)
        poll_once(element.pk, caller="poll", now=timezone.now())

    poll(element)

    shown = {f"web [{row.instance_id[-6:]}]" for row in Instance.objects.all()}
    assert set(Instance.objects.values_list("display_name", flat=True)) == shown


@pytest.mark.parametrize(("number", "written"), [(1, 0), (4, 0), (5, 10), (6, 20)])
def test_many_scheduled_events_are_written_in_steps_and_to_the_end_after_a_kill_between_them(
    aws, element, monkeypatch, number, written
):
    for module in (spool, store_reading):
        monkeypatch.setattr(module, "BATCH", 10)
    shown = [aws.instance(each) for each in aws.add_instances(count=25)]
    poll(element)
    for each in shown:
        each.schedule_event("instance-reboot", in_s=DAY)
    with monkeypatch.context() as patch:
        killed_in(number, patch)
        poll_once(element.pk, caller="poll", now=timezone.now())
    held = ScheduledEvent.objects.count()

    poll(element)

    assert (held, ScheduledEvent.objects.active().count()) == (written, 25)
    assert Poll.objects.get().counts["events"] == 25
    assert Change.objects.filter(kind="event").count() == 25


@pytest.mark.parametrize(("number", "cleared"), [(3, 0), (4, 0), (5, 10), (6, 20)])
def test_many_scheduled_events_are_cleared_in_steps_and_to_the_end_after_a_kill_between_them(
    aws, element, monkeypatch, number, cleared
):
    for module in (spool, store_reading):
        monkeypatch.setattr(module, "BATCH", 10)
    shown = [aws.instance(each) for each in aws.add_instances(count=25)]
    for each in shown:
        each.schedule_event("instance-reboot", in_s=DAY)
    poll(element)
    for each in shown:
        each.events.clear()
    with monkeypatch.context() as patch:
        killed_in(number, patch)
        poll_once(element.pk, caller="poll", now=timezone.now())
    gone = ScheduledEvent.objects.filter(cleared_at__isnull=False).count()

    poll(element)

    assert (gone, ScheduledEvent.objects.active().count()) == (cleared, 0)
    assert Poll.objects.get().counts["announced"] == 0

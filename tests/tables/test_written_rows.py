"""Rows that are kept read as rows that are written anew, whatever changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models.utils import create_namedtuple_class
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from elements.domain.row_states import ShownAction
from elements.models import Instance
from elements.tables import written_rows
from elements.tables.instance_cells import row_html
from elements.tables.instance_rows import PageFacts, Planned, age_in_words, instance_row
from elements.tables.instances import CHOICES, ROW_HEADER, cells_of, chosen
from elements.tables.written_rows import WrittenRows, said
from tests import builders

NOW = datetime(2026, 3, 18, 14, 2, 5, tzinfo=UTC)
ALL = [*CHOICES, *chosen(["tag:env"])]
FACTS = PageFacts(
    region="eu-central-1",
    viewer="olga",
    now=NOW,
    data_at=NOW,
    is_stale=False,
    may_operate=True,
    refusal="",
    instances_url="/e/frankfurt/instances/",
    events_url="/e/frankfurt/events/",
    debug_url="/e/frankfurt/debug/",
    confirm_url="/e/frankfurt/actions/confirm/",
)
OTHER_FACTS = {
    "region": "us-east-1",
    "may_operate": False,
    "refusal": "This element is not connected.",
    "instances_url": "/e/paris/instances/",
    "confirm_url": "/e/paris/actions/confirm/",
}
OTHER_VALUES = {
    "instance_id": "i-0other",
    "display_name": "decoder <2>",
    "state": "stopped",
    "gone_at": NOW,
    "checks_rank": 0,
    "instance_type": "m7i.large",
    "availability_zone": "eu-central-1b",
    "private_ip": "10.0.0.9",
    "public_ip": "3.120.44.9",
    "launched_at": NOW - timedelta(days=400),
    "protected_seen_at": NOW,
    "root_device_type": "instance-store",
    "lifecycle": "spot",
    "managed_by": "Auto Scaling",
    "tags": {"Name": "encoder", "env": "test"},
    "platform": "Windows",
    "architecture": "arm64",
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "image_id": "ami-1",
    "key_name": "broadcast",
    "iam_role": "playout",
    "state_reason": "Client.UserInitiatedShutdown",
    "auto_scaling_group": "encoders",
}
STOP = ShownAction("stop", "requested", "karl", NOW, is_open=True)
FEW_MOMENTS = st.sampled_from([None, NOW - timedelta(days=3), NOW - timedelta(seconds=9), NOW + timedelta(hours=1)])
FEW_TEXTS = st.sampled_from(["", "a", "<b>", "spot", "instance-store"])


@pytest.fixture
def one(db):
    row = builders.instance(builders.element(), "encoder", launched_at=NOW - timedelta(days=30), tags={"env": "prod"})
    return Instance.objects.filter(pk=row.pk)


def written(rows, page=FACTS, choices=ALL, actions=(), planned=()):
    """Return the only row as the page writes it."""
    (row,) = said(rows, choices)
    return WrittenRows(page, choices, dict(actions), dict(planned)).html(row)


def anew(rows, **more):
    """Return it as written when nothing is kept."""
    written_rows._quiet_row.cache_clear()
    return written(rows, **more)


@pytest.mark.parametrize("column", OTHER_VALUES)
def test_a_row_of_which_a_column_changed_is_written_anew(one, column):
    before = written(one)

    one.update(**{column: OTHER_VALUES[column]})

    now = written(one)
    assert now != before
    assert now == anew(one)


@pytest.mark.parametrize("check", ["system_status", "instance_status", "ebs_status"])
def test_a_row_of_which_a_check_changed_is_written_anew(one, check):
    one.update(checks_rank=0)
    before = written(one)

    one.update(**{check: "impaired"})

    assert before != written(one) == anew(one)


def test_a_spot_instance_whose_request_became_known_is_written_anew(one):
    one.update(lifecycle="spot")
    before = written(one)

    one.update(spot_type="persistent")

    assert before != written(one) == anew(one)


@pytest.mark.parametrize("fact", OTHER_FACTS)
def test_rows_are_written_anew_for_other_rights_connections_and_elements(one, fact):
    before, other = written(one), replace(FACTS, **{fact: OTHER_FACTS[fact]})

    assert before != written(one, page=other) == anew(one, page=other)


def test_other_columns_are_written_anew_although_they_hold_the_same(one):
    one.update(vpc_id="x", subnet_id="x", image_id="y")
    shown = [chosen(names) for names in (["vpc", "image"], ["subnet", "az"], ["image", "vpc"], ["id"])]
    texts = [written(one, choices=choices) for choices in shown]

    assert texts == [anew(one, choices=choices) for choices in shown]
    assert len(set(texts)) == 3  # the first and the third are the same columns


def test_columns_that_are_cut_to_the_same_name_are_one_in_kept_rows_and_in_all_others(one):
    choices = chosen([f"tag:{'k' * 128}{end}" for end in "ab"])

    quiet, moving = written(one, choices=choices), written(one, choices=choices, actions={one.get().instance_id: STOP})

    assert quiet.count("<td") == moving.count("<td")


def test_a_row_tells_its_age_at_each_moment(one):
    launched_at = one.get().launched_at
    moments = [launched_at + timedelta(seconds=s) for s in (1, 2, 59, 60, 3599, 3600, 86_399, 86_400, 864_000)]
    texts = [written(one, page=replace(FACTS, now=moment)) for moment in moments]

    assert texts == [anew(one, page=replace(FACTS, now=moment)) for moment in moments]
    assert all(earlier != later for earlier, later in pairwise(texts))


def test_what_is_asked_for_and_what_aws_plans_is_shown_at_once_and_no_longer_than_it_lasts(one):
    quiet, row = written(one), one.get()
    event = row.element.scheduled_events.create(
        instance=row, instance_id_text=row.instance_id, code="system-reboot", first_seen_at=NOW, not_before=NOW
    )
    planned = {row.pk: Planned(event, "crit", True, 1)}

    for seconds in (1, 2, 400):
        page = replace(FACTS, now=NOW + timedelta(seconds=seconds))
        assert "karl" in written(one, page=page, actions={row.instance_id: STOP})
        assert "in progress" in written(one, page=page, planned=planned)
        assert written(one, page=page, actions={row.instance_id: STOP}) != quiet
    assert written(one) == quiet == anew(one)


def test_a_protection_that_was_seen_long_ago_no_longer_keeps_from_stopping(one):
    one.update(protected_seen_at=NOW)

    lately, later = (written(one, page=replace(FACTS, now=NOW + timedelta(minutes=m))) for m in (14, 16))

    assert "protected against stopping" in lately
    assert "protected against stopping" not in later


def test_nothing_more_is_read_for_the_columns_of_a_row(one):
    with CaptureQueriesContext(connection) as asked:
        anew(one)
        anew(one, planned={}, actions={one.get().instance_id: STOP})

    assert len(asked) == 3


@st.composite
def rows(draw):
    """Make a row as it is read, of few values, so that rows meet that differ in one of them."""
    names = [*written_rows._ALWAYS, *(choice.field for choice in ALL if choice.field)]
    moments = {name: draw(FEW_MOMENTS) for name in names if name.endswith("_at")}
    texts = {name: draw(FEW_TEXTS) for name in names if not name.endswith("_at")}
    values = {**texts, **moments, "pk": draw(st.integers(1, 2)), "revision": draw(st.integers(0, 2))}
    values["state"] = draw(st.sampled_from(["running", "stopped", "stopping", "unheard-of"]))
    values["checks_rank"] = draw(st.sampled_from([0, 1, 2, 3, 9]))
    values["tags_text"] = draw(st.sampled_from(["{}", '{"env": "prod"}', '{"env": "<i>"}']))
    return create_namedtuple_class(*values)(*values.values())


@given(
    rows(),
    st.sampled_from([FACTS, *(replace(FACTS, **{name: value}) for name, value in OTHER_FACTS.items())]),
    st.sampled_from([NOW, NOW + timedelta(seconds=30), NOW + timedelta(days=2)]),
    st.sampled_from(["olga", "karl"]),
    st.sampled_from([ALL, ALL[:4], ALL[4:]]),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_a_kept_row_never_differs_from_one_written_now(row, facts, now, viewer, choices, is_asked):
    page = replace(facts, now=now, viewer=viewer)
    actions = {row.instance_id: STOP} if is_asked else {}

    text = WrittenRows(page, choices, actions, {}).html(row)

    shown = instance_row(
        written_rows._instance(row), page, age_in_words(row.launched_at, now), actions.get(row.instance_id)
    )
    assert text == row_html(shown, cells_of(choices, may_operate=page.may_operate), ROW_HEADER)


def test_a_quiet_row_cannot_ask_for_the_time():
    with pytest.raises(TypeError):
        assert timezone.now() > written_rows.TIMELESS

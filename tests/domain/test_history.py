from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.history import (
    CLEARED,
    USER_SHUTDOWN,
    Before,
    Difference,
    EventFacts,
    Request,
    attributed,
    differences,
    event_difference,
    gap,
    newcomer,
    unchecked,
)

NOW = datetime(2026, 3, 18, 14, 0, tzinfo=UTC)
SENT = NOW - timedelta(minutes=1)
OK = ("ok", "ok", "ok")


def ago(**span):
    return NOW - timedelta(**span)


def held(state="running", checks=OK, **fields):
    return Before(state, checks, **{"observed_at": ago(minutes=30), **fields})


def values(state="running", since=None, checks=OK, impaired_since=None, code="", launched=None):
    return {
        "instance_id": "i-1",
        "state": state,
        "state_since_at": since,
        "state_reason_code": code,
        "state_reason": f"{code}: words" if code else "",
        "launched_at": launched,
        "impaired_since_at": impaired_since,
        **dict(zip(("system_status", "instance_status", "ebs_status"), checks, strict=True)),
    }


def told(before, new):
    return differences(before, new, NOW)


def test_nothing_differs_without_a_difference():
    assert told(held(), values()) == []


@pytest.mark.parametrize(
    ("since", "at"),
    [
        (ago(minutes=10), ago(minutes=10)),
        (ago(minutes=40), NOW),
        (NOW + timedelta(seconds=1), NOW),
        (None, NOW),
    ],
)
def test_a_change_happened_when_aws_says_if_that_can_be_true(since, at):
    (change,) = told(held(), values("stopped", since=since))

    assert (change.kind, change.before, change.after, change.at) == ("state", "running", "stopped", at)


def test_a_change_of_state_keeps_awss_reason():
    (change,) = told(held(), values("stopped", code=USER_SHUTDOWN))

    assert (change.reason_code, change.reason) == (USER_SHUTDOWN, f"{USER_SHUTDOWN}: words")


def test_who_was_gone_is_back_whatever_its_state():
    (change,) = told(held(is_gone=True), values("stopped"))

    assert (change.kind, change.before, change.after) == ("back", "gone", "stopped")


@pytest.mark.parametrize(
    ("old", "new", "flips"),
    [
        ("ok", "impaired", True),
        ("initializing", "impaired", True),
        ("impaired", "ok", True),
        ("impaired", "insufficient-data", True),
        ("impaired", "", True),
        ("impaired", "impaired", False),
        ("initializing", "ok", False),
        ("ok", "insufficient-data", False),
    ],
)
def test_a_check_flips_when_it_begins_or_ends_to_fail(old, new, flips):
    found = told(held(checks=("ok", old, "ok")), values(checks=("ok", new, "ok")))

    assert [(each.what, each.before, each.after) for each in found] == [("instance_status", old, new)] * flips


def test_a_check_fails_since_aws_says_so():
    (change,) = told(held(), values(checks=("ok", "impaired", "ok"), impaired_since=ago(minutes=9)))

    assert change.at == ago(minutes=9)


def test_without_status_columns_nothing_is_said_about_checks():
    new = {name: value for name, value in values().items() if not name.endswith("_status")}

    assert told(held(checks=("impaired", "ok", "ok")), new) == []


def test_failing_checks_end_with_the_run_of_their_instance():
    found = unchecked("i-1", ("impaired", "ok", "impaired"), NOW)

    assert [(each.what, each.after) for each in found] == [("system_status", ""), ("ebs_status", "")]


@pytest.mark.parametrize(("launched", "at"), [(ago(seconds=20), ago(seconds=20)), (ago(days=2), NOW), (None, NOW)])
def test_a_newcomer_came_when_it_was_launched_if_that_was_since_the_last_read(launched, at):
    assert newcomer(values(launched=launched), last_read_at=ago(seconds=30), read_at=NOW).at == at


@pytest.mark.parametrize(("age_s", "is_gap"), [(65, False), (66, True)])
def test_a_gap_is_longer_than_connected_allows(age_s, is_gap):
    found = gap(ago(seconds=age_s), NOW, 30)

    assert (found is not None) == is_gap
    assert found is None or (found.from_at, found.to_at, found.instance_id) == (ago(seconds=age_s), NOW, "")


def test_before_the_first_read_there_is_no_gap():
    assert gap(None, NOW, 30) is None


def asked(verb="stop", by="maria", sent=SENT, ended=None, pk=1, reason_before="", instance_id="i-1"):
    return Request(pk, instance_id, verb, by, reason_before, sent, ended)


def by(change, *requests):
    (found,) = attributed([change], requests)
    return found.by


def moved(before, after, at=NOW, code=""):
    return Difference("i-1", "state", at, before=before, after=after, reason_code=code)


@pytest.mark.parametrize(
    ("verb", "before", "after", "code", "explained"),
    [
        ("stop", "running", "stopping", "", True),
        ("stop", "running", "stopped", USER_SHUTDOWN, True),
        ("stop", "stopped", "running", "", False),
        ("start", "stopped", "pending", "", True),
        ("start", "stopped", "running", "", True),
        ("start", "pending", "stopped", "Client.InternalError", True),
        ("start", "pending", "stopped", USER_SHUTDOWN, False),
        ("start", "running", "stopped", "Client.InternalError", False),
        ("reboot", "stopped", "running", "", False),
        ("stop", "running", "terminated", "", False),
    ],
)
def test_a_request_explains_where_it_leads_to(verb, before, after, code, explained):
    assert (by(moved(before, after, code=code), asked(verb)) == "maria") == explained


def test_a_start_that_fell_back_with_the_old_reason_is_still_its_askers():
    fall = moved("pending", "stopped", code=USER_SHUTDOWN)

    assert by(fall, asked("start", reason_before=USER_SHUTDOWN)) == "maria"


@pytest.mark.parametrize(
    ("sent", "ended", "explained"),
    [
        (ago(minutes=5), ago(minutes=1), True),
        (ago(minutes=50), ago(minutes=3), False),
        (NOW + timedelta(minutes=1), None, True),
        (NOW + timedelta(minutes=3), None, False),
        (ago(hours=5), None, True),
    ],
)
def test_a_request_explains_what_happens_in_its_time(sent, ended, explained):
    assert (by(moved("running", "stopped"), asked(sent=sent, ended=ended)) == "maria") == explained


def test_the_latest_request_counts_and_none_of_another_instance():
    requests = (
        asked(by="olga", sent=ago(minutes=2)),
        asked(by="maria", sent=ago(minutes=1), pk=2),
        asked(by="jo", sent=NOW, pk=3, instance_id="i-2"),
    )

    assert by(moved("running", "stopped"), *requests) == "maria"


def event(before, after, asked_by=""):
    return event_difference(Difference("i-1", "event", NOW), before, after, asked_by=asked_by)


def test_an_event_is_announced_moved_and_ends():
    first, second = EventFacts("scheduled", NOW), EventFacts("scheduled", NOW + timedelta(days=1))

    announced, move = event(None, first), event(first, second, "olga")

    assert (announced.before, announced.after, announced.to_at) == ("", "scheduled", NOW)
    assert (move.from_at, move.to_at, move.by) == (first.starts_at, second.starts_at, "olga")
    assert event(first, EventFacts("canceled", NOW)).after == "canceled"
    assert event(first, EventFacts(CLEARED, NOW)).after == CLEARED
    assert event(first, first) is None

"""What may be asked, and how what AWS shows settles it."""

from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.actions import Asked, InstanceFacts, Look, connection_refusal, next_look_s, refusal, settle
from elements.domain.connections import CONNECTED, LATE, NEW, NOT_CONNECTED, PAUSED

NOW = datetime(2026, 3, 18, 14, 2, 11, tzinfo=UTC)


def settled(look, verb="stop", *, after_s=3, reason_before="", passed=False, answered=True):
    asked = Asked(verb, NOW - timedelta(seconds=after_s), reason_before, passed, is_answered=answered)
    return settle(asked, look, NOW).outcome


@pytest.mark.parametrize(
    ("verb", "state", "allowed"),
    [
        ("start", "stopped", True),
        ("start", "running", False),
        ("start", "stopping", False),
        ("start", "terminated", False),
        ("stop", "running", True),
        ("stop", "pending", True),
        ("stop", "stopped", False),
        ("stop", "shutting-down", False),
        ("reboot", "running", True),
        ("reboot", "stopped", False),
        ("stop", "unknown", False),
    ],
)
def test_a_verb_needs_a_state(verb, state, allowed):
    assert (refusal(verb, InstanceFacts(state), NOW) == "") == allowed


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (InstanceFacts("running", is_gone=True), "AWS no longer lists it"),
        (InstanceFacts("running", root_device_type="instance-store"), "instance store"),
        (InstanceFacts("running", lifecycle="spot", spot_type="one-time"), "one-time Spot"),
        (InstanceFacts("running", lifecycle="spot"), "Spot Instance"),
        (InstanceFacts("running", protected_seen_at=NOW - timedelta(minutes=14)), "protected"),
        (InstanceFacts("running", managed_by="ecs.amazonaws.com"), "managed by ecs.amazonaws.com"),
        (InstanceFacts("running", open_verb="stop", open_by="maria"), "stopping was already asked for by maria"),
    ],
)
def test_what_cannot_be_stopped_is_refused_with_the_reason(facts, reason):
    assert reason in refusal("stop", facts, NOW)


@pytest.mark.parametrize(
    "facts",
    [
        InstanceFacts("running", lifecycle="spot", spot_type="persistent"),
        InstanceFacts("running", protected_seen_at=NOW - timedelta(minutes=15)),
    ],
)
def test_what_may_be_stoppable_is_left_to_aws(facts):
    assert refusal("stop", facts, NOW) == ""


@pytest.mark.parametrize(
    ("connection", "open_"), [(CONNECTED, True), (LATE, True), (NOT_CONNECTED, False), (PAUSED, False), (NEW, False)]
)
def test_late_data_stops_nobody_but_no_connection_does(connection, open_):
    assert (connection_refusal(connection) == "") == open_


@pytest.mark.parametrize(
    ("look", "options", "outcome"),
    [
        (Look("stopped"), {}, "confirmed"),
        (Look("stopping"), {}, "wait"),
        (Look("stopping"), {"after_s": 599}, "wait"),
        (Look("stopping"), {"after_s": 600}, "unknown"),
        (Look("running"), {}, "wait"),
        (Look("running"), {"after_s": 299}, "wait"),
        (Look("running"), {"after_s": 300}, "failed"),
        (Look(""), {}, "failed"),
        (Look("terminated"), {}, "failed"),
        (Look("running"), {"verb": "start"}, "confirmed"),
        (Look("pending"), {"verb": "start"}, "wait"),
        (Look("stopped", "Client.InternalError"), {"verb": "start"}, "failed"),
        (Look("stopped", "Client.X"), {"verb": "start", "reason_before": "Client.X"}, "wait"),
        (Look("stopped", "Client.X"), {"verb": "start", "reason_before": "Client.X", "passed": True}, "wait"),
        (
            Look("stopped", "Client.X"),
            {"verb": "start", "reason_before": "Client.X", "passed": True, "after_s": 20},
            "failed",
        ),
        (Look("running"), {"verb": "reboot"}, "wait"),
        (Look("running"), {"verb": "reboot", "after_s": 5}, "confirmed"),
        (Look("stopped"), {"verb": "reboot"}, "failed"),
        (Look("running"), {"verb": "reboot", "after_s": 60, "answered": False}, "unknown"),
        (Look("running"), {"answered": False, "after_s": 119}, "wait"),
        (Look("running"), {"answered": False, "after_s": 120}, "unknown"),
        (Look("stopped"), {"answered": False}, "confirmed"),
        (Look("stopping"), {"answered": False, "after_s": 120}, "wait"),
    ],
)
def test_what_aws_shows_settles_the_request(look, options, outcome):
    assert settled(look, **options) == outcome


def test_looks_begin_quickly_and_grow_apart():
    assert [next_look_s(looks) for looks in (0, 1, 2, 3, 100)] == [3, 3, 3, 5, 20]

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from elements.domain import instance_rows
from elements.domain.changes import Name
from elements.domain.instance_rows import (
    instance_values,
    ip_number,
    name_values,
    naming_values,
    search_text,
    state_since,
    status_values,
    tag_lines,
)
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot

NAME = Name("Encoder A", "Encoder A")
LAUNCHED = datetime(2026, 3, 18, 14, tzinfo=UTC)
SNAPSHOT = InstanceSnapshot(
    "i-0123456789abcdef0",
    "running",
    private_ip="10.0.0.9",
    public_ip="192.0.2.1",
    launched_at=LAUNCHED,
    tags={"Name": "Encoder A", "Team": "Play=out"},
)


def test_the_digest_changes_with_anything_that_aws_says_and_with_nothing_else():
    digest = instance_values(SNAPSHOT, NAME)["digest"]
    others = [
        instance_values(replace(SNAPSHOT, state="stopped"), NAME),
        instance_values(replace(SNAPSHOT, tags={"Name": "b"}), NAME),
        instance_values(replace(SNAPSHOT, spot_request_id="sir-1"), NAME),
    ]
    reordered = replace(SNAPSHOT, tags=dict(reversed(SNAPSHOT.tags.items())), raw_digest=b"another", description=b"x")

    assert digest not in {values["digest"] for values in others}
    assert instance_values(reordered, NAME)["digest"] == digest
    assert instance_values(SNAPSHOT, Name("another", "one"))["digest"] == digest


def test_a_new_name_takes_the_place_of_the_old_one_in_what_is_searched():
    old = instance_values(SNAPSHOT, NAME)["search"]

    assert name_values(Name("Web", "Web"), old)["search"] == search_text(SNAPSHOT, "Web")


@pytest.mark.parametrize("part", ["_COPIED", "_VERSION"])
def test_a_release_that_keeps_more_or_reads_otherwise_reads_everything_anew(monkeypatch, part):
    before = instance_rows.recipe()
    changed = ("instance_id",) if part == "_COPIED" else -1
    instance_rows.recipe.cache_clear()
    monkeypatch.setattr(instance_rows, part, changed)

    assert instance_rows.recipe() != before
    instance_rows.recipe.cache_clear()


@pytest.mark.parametrize(
    ("state", "transition", "since"),
    [
        ("running", "", LAUNCHED),
        ("stopped", "User initiated (2026-03-18 15:04:05 GMT)", datetime(2026, 3, 18, 15, 4, 5, tzinfo=UTC)),
        ("stopped", "User initiated (2026-03-18 15:04:05 UTC)", datetime(2026, 3, 18, 15, 4, 5, tzinfo=UTC)),
        ("stopped", "User initiated shutdown", None),
        ("stopped", "User initiated (2026-13-48 25:04:05 GMT)", None),
        ("stopped", "", None),
    ],
)
def test_since_when_is_read_tolerantly_from_what_aws_says(state, transition, since):
    assert state_since(replace(SNAPSHOT, state=state, state_transition_reason=transition)) == since


def test_the_worst_check_ranks_first():
    ranks = [
        status_values(StatusSnapshot("i", *checks))["checks_rank"]
        for checks in [
            ("impaired", "ok", "ok"),
            ("ok", "insufficient-data", "ok"),
            ("initializing", "ok", "ok"),
            ("ok", "ok", "ok"),
            ("not-applicable", "not-applicable", "not-applicable"),
        ]
    ]

    assert ranks == sorted(ranks)
    assert status_values(None)["checks_rank"] == ranks[-1]


def test_addresses_sort_as_numbers_and_what_is_none_sorts_as_nothing():
    assert ip_number("10.0.0.9") < ip_number("10.0.0.10")
    assert [ip_number(text) for text in ("", "::1", "10.0.0", "hello")] == [None] * 4


def test_a_tag_is_a_line_of_its_own_in_lower_case():
    assert tag_lines(SNAPSHOT.tags) == "\nname=encoder a\nteam=play=out\n"


def test_free_text_is_looked_for_in_names_ids_addresses_and_tags():
    text = search_text(SNAPSHOT, "Shown Name")

    for word in ("shown name", "i-0123456789abcdef0", "10.0.0.9", "192.0.2.1", "team=play=out"):
        assert word in text


def test_the_short_id_is_the_last_six():
    assert naming_values(SNAPSHOT, "eu-central-1")["short_id"] == "bcdef0"

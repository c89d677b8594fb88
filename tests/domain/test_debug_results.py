import pytest

from elements.aws.recorder import LISTS
from elements.domain.debug_results import (
    OPERATIONS,
    anchor,
    bar_class,
    bar_percent,
    is_request_id,
    pieces,
    result,
    returned,
    tiles,
)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (("ok", "", 200, 1), ("200", "ok")),
        (("ok", "", 200, 3), ("200 after 3 tries", "warn")),
        (("error", "RequestLimitExceeded", 503, 1), ("RequestLimitExceeded", "crit")),
        (("no-answer", "", None, 1), ("No answer", "crit")),
        (("not-understood", "AnswerNotUnderstood", 200, 1), ("AnswerNotUnderstood", "crit")),
        (("error", "DryRunOperation", 412, 1), ("DryRunOperation", "ok")),
    ],
)
def test_a_result_is_the_status_the_tries_or_the_code_of_aws(attempt, words):
    found = result(*attempt)

    assert (found.word, found.tone) == words


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (("DescribeInstances", 32, {"MaxResults": 1000}, {"NextToken": "absent"}), "32 instances, 1 page"),
        (("DescribeInstances", 1, {}, {}), "1 instance, 1 page"),
        (("DescribeInstances", 1000, {}, {"NextToken": "present"}), "1\u00a0000 instances, 1 of several pages"),
        (("DescribeInstanceStatus", 3, {"NextToken": "x"}, {}), "3 statuses, 1 of several pages"),
        (("DescribeInstances", 2, {"InstanceIds": ["i-1", "i-2"]}, {}), "2 instances"),
        (("StopInstances", 1, {}, {}), "1 instance"),
        (("GetCallerIdentity", None, {}, {}), ""),
        (("NewOperation", 2, {}, {}), "2 items"),
    ],
)
def test_what_came_back_is_told_with_its_noun(answer, text):
    assert returned(*answer) == text


def test_every_operation_that_is_recorded_can_be_chosen():
    assert set(LISTS) <= set(OPERATIONS)


def test_a_bar_is_full_from_two_and_a_half_seconds_on():
    assert (bar_percent(0), bar_percent(1250), bar_percent(60_000)) == (0, 50, 100)


@pytest.mark.parametrize(
    ("ms", "tone", "look"), [(100, "ok", ""), (1000, "ok", "slow"), (10, "warn", "slow"), (10, "crit", "bad")]
)
def test_a_bar_looks_as_the_attempt_went(ms, tone, look):
    assert bar_class(ms, tone) == look


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("54d368fb-dcab-0ec0-dddc-4b594281f6ee", True),
        ("54d368fb", False),
        ("i-0123456789abcdef0", False),
        ("UnauthorizedOperation of user", False),
    ],
)
def test_a_whole_request_id_is_told_from_other_texts(text, whole):
    assert is_request_id(text) == whole


def test_only_a_request_id_becomes_a_place_in_the_page():
    assert anchor("54d368fb-dcab-0ec0-dddc-4b594281f6ee", 7) == "54d368fb-dcab-0ec0-dddc-4b594281f6ee"
    assert anchor("main", 7) == anchor('a" b-c', 7) == anchor("", 7) == "record-7"


def test_texts_are_cut_where_something_was_removed_and_join_to_the_whole():
    cut = pieces({"UserData": "removed", "Name": "was removed"})

    assert len(cut) == 2
    assert '"removed"'.join(cut) == '{\n  "UserData": "removed",\n  "Name": "was removed"\n}'


def test_no_attempt_makes_empty_tiles_and_too_many_say_so():
    none, many = tiles([], 5), tiles([(10, 1, "ok", "")] * 5, 5)

    assert (none.requests, none.median_ms, none.slowest_ms, none.capped) == (0, None, None, False)
    assert many.capped


def test_the_slowest_twentieth_begins_where_it_begins():
    found = tiles([(ms, 1, "ok", "") for ms in range(1, 101)], 1000)

    assert (found.median_ms, found.slowest_ms) == (50, 96)

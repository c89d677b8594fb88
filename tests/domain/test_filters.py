import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elements.domain import filters
from elements.domain.filters import InvalidFilter, Term, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("encoder", [Term("", "encoder")]),
        ("Encoder  HD", [Term("", "encoder"), Term("", "hd")]),
        ('"two words"', [Term("", "two words")]),
        ("-old", [Term("", "old", excluded=True)]),
        ("State:Stopped", [Term("state", "stopped")]),
        ("-state:stopped", [Term("state", "stopped", excluded=True)]),
        ('tag:"Cost Center=on air"', [Term("tag", "cost center=on air")]),
        ('tag:owner="media operations"', [Term("tag", "owner=media operations")]),
        ('"arn:aws:ec2"', [Term("", "arn:aws:ec2")]),
        ("a***b", [Term("", "a*b")]),
        ("state: running", [Term("", "running")]),
        ("- -", []),
        ("10.20.4.7", [Term("", "10.20.4.7")]),
        ("a\0b", [Term("", "ab")]),
    ],
)
def test_a_filter_reads_as_words(text, terms):
    assert parse(text) == terms


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour:red", "There is no filter colour:. Try state:, checks:, type:"),
        ("state:broken", "There is no state broken. Try pending, running"),
        ("checks:purple", "There are no checks purple. Try ok, impaired"),
        ("launched:24h", "Write launched:<24h"),
        ("launched:<٣h", "Write launched:<24h"),
        ("ip:10.0.0.0/99", "10.0.0.0/99 is no network"),
        ("x" * 501, "longer than 500"),
        ("a " * 21, "more than 20 words"),
        ("a*b*c*d*e*f*g*h*i*j", "8 wildcards"),
    ],
)
def test_what_cannot_be_understood_is_said_with_what_can(text, says):
    with pytest.raises(InvalidFilter) as invalid:
        parse(text)

    assert says in str(invalid.value)


@given(st.text(max_size=600))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_in_words(text):
    try:
        terms = parse(text)
    except InvalidFilter:
        return

    assert all(term.value and "\0" not in term.value for term in terms)
    assert all(term.value.encode() for term in terms)


def test_a_beginning_is_enough_for_a_state_and_a_pattern_must_meet_it_whole():
    assert filters.states(Term("state", "stop")) == ("stopping", "stopped")
    assert filters.states(Term("state", "*ing")) == ("pending", "running", "stopping", "changing")
    assert filters.states(Term("state", "topp*")) == ()


def test_failing_is_another_word_for_impaired():
    assert filters.checks(Term("checks", "failing")) == ("impaired",)


@pytest.mark.parametrize(
    ("text", "wants"), [("state:gone", True), ("state:g", True), ("-state:gone", False), ("gone", False), ("", False)]
)
def test_only_the_state_gone_asks_for_what_aws_no_longer_lists(text, wants):
    assert filters.wants_gone(parse(text)) is wants


def test_an_age_beyond_the_calendar_is_a_century():
    assert filters.age("<999999w").seconds == 100 * 365 * 86_400


def test_a_long_filter_is_read_at_once():
    began = time.perf_counter()

    parse('"' * 500)

    assert time.perf_counter() - began < 1

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elements.domain import naming
from elements.domain.naming import (
    MAX_FORMAT,
    MAX_NAME,
    PLACEHOLDERS,
    InvalidFormat,
    make_unique,
    parse,
    usable_tag_keys,
)

VALUES = {"instance_id": "i-0607e57a467f7a206", "private_ip": "10.0.0.1"}


@pytest.mark.parametrize(
    ("text", "tags", "name"),
    [
        ("{tag:Name|instance_id}", {"Name": "web"}, "web"),
        ("{tag:Name|instance_id}", {}, "i-0607e57a467f7a206"),
        ("{{{private_ip}}}", {}, "{10.0.0.1}"),
        ("{tag:Any key: odd}", {"Any key: odd": "x"}, "x"),
        ("{tag:Name}", {}, "i-0607e57a467f7a206"),
        ("{tag:Name}", {"Name": "a\x00b\nc"}, "a·b·c"),
        ("{tag:Name}", {"Name": "   "}, "i-0607e57a467f7a206"),
        ("{tag:name}", {"Name": "web"}, "i-0607e57a467f7a206"),
        ("{ tag:a | private_ip }", {}, "10.0.0.1"),
        ("{tag:aws:autoscaling:groupName}", {"aws:autoscaling:groupName": "asg"}, "asg"),
        ("100%n $x %(y)s", {}, "100%n $x %(y)s"),
        ("{tag:Name}", {"Name": "{instance_id}"}, "{instance_id}"),
        ("{tag:Name:>99999}", {"Name": "web"}, "i-0607e57a467f7a206"),
        ("x" * 200, {}, "x" * 200),
    ],
)
def test_a_format_gives_the_name(text, tags, name):
    assert parse(text).render(VALUES, tags).text == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{tag:Name}-{pivate_ip}",
            "There is no placeholder {pivate_ip}, at character 12. Did you mean {private_ip}?",
        ),
        ("a {tag", "The placeholder that begins at character 3 is not closed. Add a }."),
        ("{0.__class__}", "There is no placeholder {0.__class__}, at character 1."),
        ("{instance_id!r}", "There is no placeholder {instance_id!r}, at character 1. Did you mean {instance_id}?"),
        ("{instance_id:>9999999}", "There is no placeholder {instance_id:>9999999}, at character 1."),
        ("{}", "There is no placeholder between the signs at character 1."),
        ("{az||region}", "There is no placeholder between the signs at character 5."),
        ("{az|pivate_ip}", "There is no placeholder {pivate_ip}, at character 5. Did you mean {private_ip}?"),
        ("{tag:}", "The tag at character 1 has no key."),
        ("a } b", "There is a } without a {, at character 3. Write }} for a brace."),
        ("{a{b}", "The placeholder that begins at character 1 is not closed."),
        ("  ", "Enter a format"),
        ("a" * 201, "The format is 201 characters long; at most 200 are possible."),
        ("ab\x00", "There is a character that cannot be shown, at character 3."),
        ("\ud800", "There is a character that cannot be shown, at character 1."),
    ],
)
def test_an_error_names_the_position(text, message):
    with pytest.raises(InvalidFormat) as error:
        parse(text)

    assert error.value.message.startswith(message)


@given(st.text(max_size=250), st.text(max_size=300))
def test_no_text_does_more_than_be_refused(text, value):
    try:
        name = parse(text).render(VALUES, {"Name": value}).text
    except InvalidFormat:
        return
    assert 0 < len(name) <= MAX_NAME


def test_shared_names_become_unique_even_against_a_name_that_looks_so_already():
    names, shared = make_unique({"i-aaaaaa": "web", "i-bbbbbb": "web", "i-cccccc": "web [aaaaaa]"})

    assert len(set(names.values())) == 3
    assert shared == 2


def test_what_is_empty_is_counted():
    assert parse("a{tag:x}").render(VALUES, {}).notes == ("One placeholder is empty here",)
    assert parse("a{tag:x}{tag:y}").render(VALUES, {}).notes == ("2 placeholders are empty here",)
    assert parse("{tag:x}").render(VALUES, {}).notes == ("Nothing left, so the instance ID is used",)


def lines_of(work):
    """Return what the work gives, and how many lines of the module ran for it."""
    lines = 0

    def trace(frame, event, _argument):
        nonlocal lines
        if frame.f_code.co_filename != naming.__file__:
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return work(), lines
    finally:
        sys.settrace(before)


PIECES = st.sampled_from(["{", "}", "{{", "}}", "|", "{tag:a}", "{az|region|tag:b}", "{x", "ab", "tag:", " ", "é"])


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=200).map("".join)), st.text(max_size=256))
def test_no_format_takes_more_than_a_fixed_work_for_each_of_its_characters(text, value):
    def name():
        try:
            return parse(text).render(dict.fromkeys(PLACEHOLDERS, value) | VALUES, {"a": value}).text
        except InvalidFormat:
            return ""

    result, lines = lines_of(name)

    assert lines <= 40 * min(len(text), MAX_FORMAT) + 6 * 2 * MAX_NAME + 100
    assert len(result) <= MAX_NAME


IDS = [f"i-{number:08x}" for number in range(40)]
NAMES = st.sampled_from(["web", "web [000001]", "web [i-00000001]", "web [000001] [000002]", "x" * 255, "i-00000003"])


@given(st.dictionaries(st.sampled_from(IDS), NAMES))
def test_no_two_instances_ever_share_a_name_whatever_their_order(names):
    unique, shared = make_unique(names)

    assert len(set(unique.values())) == len(names)
    assert all(len(name) <= MAX_NAME for name in unique.values())
    assert make_unique(dict(reversed(names.items()))) == (unique, shared)


def test_the_short_id_is_added_to_both_of_a_pair_and_to_no_other():
    assert make_unique({"i-aaaaaa": "web", "i-bbbbbb": "web", "i-cccccc": "db"}) == (
        {"i-aaaaaa": "web [aaaaaa]", "i-bbbbbb": "web [bbbbbb]", "i-cccccc": "db"},
        2,
    )


def test_two_with_the_same_short_id_take_their_whole_ids():
    names, _ = make_unique({"i-0aaaaaaa": "web", "i-1aaaaaaa": "web"})

    assert set(names.values()) == {"web [i-0aaaaaaa]", "web [i-1aaaaaaa]"}


def test_a_long_chain_of_names_that_look_unique_already_is_no_more_work_than_its_length():
    def chain(length):
        names, name = {"i-00000000": "web", "i-ffffffff": "web"}, "web"
        for number in range(length):
            name = f"{name[:200]} [{number:06x}]"
            names[f"i-{number + 1:08x}"] = name
        return names

    short, long = (lines_of(lambda n=n: make_unique(chain(n)))[1] for n in (50, 500))

    assert long <= 11 * short


def test_tag_keys_that_no_placeholder_can_name_are_left_out():
    assert usable_tag_keys(["Name", "a b", "a|b", "{x}", " y", "", "aws:x"]) == ["Name", "a b", "aws:x"]


def test_every_placeholder_gives_its_value():
    for name in PLACEHOLDERS:
        assert parse("{" + name + "}").render({name: "x", "instance_id": "x"}, {}).text == "x"

"""A digest that says "unchanged" never hides a change."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from elements.domain.changes import Known, Name, differs
from elements.domain.instance_rows import instance_values, status_values
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot

NAME, NOW = Name("Encoder", "Encoder"), datetime(2026, 3, 18, tzinfo=UTC)
ID = "i-0123456789abcdef0"
TEXTS = [each.name for each in fields(InstanceSnapshot) if each.type is str and each.name != "instance_id"]
CHECKS = ("system", "instance", "ebs")

texts = st.text(max_size=12)
snapshots = st.builds(
    InstanceSnapshot,
    st.just(ID),
    **dict.fromkeys(TEXTS, texts),
    launched_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    tags=st.dictionaries(texts, texts, max_size=6),
    raw_digest=st.binary(min_size=16, max_size=16),
)
statuses = st.builds(StatusSnapshot, st.just(ID), **dict.fromkeys(CHECKS, texts))


def row(snapshot, status=None, name=NAME):
    return {**instance_values(snapshot, name), **status_values(status)}


def known(values):
    name = Name(values["display_name"], values["plain_name"])
    rest = {each.name: values.get(each.name) for each in fields(Known) if each.name not in ("name", "is_gone")}
    return Known(name=name, is_gone=False, **rest)


def other(text, where, char):
    """Return a text with one character put in, taken out, or replaced."""
    at = where % (len(text) + 1)
    return text[:at] + char + text[at + 1 :] if text[at : at + 1] != char else text[:at] + text[at + 1 :]


@given(snapshots, statuses, st.randoms())
def test_the_order_of_tags_and_awss_own_bytes_are_no_change(snapshot, status, chance):
    tags = list(snapshot.tags.items())
    chance.shuffle(tags)
    again = replace(snapshot, tags=dict(tags), raw_digest=b"another", description=b"another")

    assert not differs(known(row(snapshot, status)), row(again, replace(status, raw_digest=b"another")))


@given(snapshots, st.integers(0, 12), st.characters())
def test_one_other_character_of_any_text_is_a_change(snapshot, where, char):
    for field in TEXTS:
        changed = replace(snapshot, **{field: other(getattr(snapshot, field), where, char)})

        assert differs(known(row(snapshot)), row(changed)), field


@given(snapshots, st.sampled_from(CHECKS), st.integers(0, 12), st.characters(), statuses)
def test_one_other_character_of_a_check_is_a_change(snapshot, check, where, char, status):
    changed = replace(status, **{check: other(getattr(status, check), where, char)})

    assert differs(known(row(snapshot, status)), row(snapshot, changed))


@given(snapshots, texts, texts, st.integers(0, 12), st.characters(), st.booleans())
def test_one_other_character_of_a_tag_is_a_change(snapshot, key, value, where, char, in_key):
    tags = {**snapshot.tags, key: value}
    others = dict(snapshot.tags) | ({other(key, where, char): value} if in_key else {key: other(value, where, char)})

    if tags != others:
        assert differs(known(row(replace(snapshot, tags=tags))), row(replace(snapshot, tags=others)))


@given(snapshots, st.none() | st.timedeltas(timedelta(microseconds=1), timedelta(days=400)))
def test_another_launch_is_a_change(snapshot, by):
    changed = replace(snapshot, launched_at=snapshot.launched_at and by and min(snapshot.launched_at, NOW) - by)

    if changed.launched_at != snapshot.launched_at:
        assert differs(known(row(snapshot)), row(changed))


@given(snapshots, st.sampled_from(TEXTS))
def test_a_text_that_is_said_of_another_member_is_a_change(snapshot, field):
    for neighbour in TEXTS:
        values = {field: getattr(snapshot, neighbour), neighbour: getattr(snapshot, field)}
        moved = replace(snapshot, **values)
        if moved != snapshot:
            assert differs(known(row(snapshot)), row(moved))


@given(snapshots, texts, texts)
def test_a_change_of_the_name_alone_is_a_change(snapshot, text, plain):
    name = Name(text, plain)

    assert differs(known(row(snapshot)), row(snapshot, name=name)) == (name != NAME)


@given(snapshots, statuses)
def test_what_is_gone_is_back_with_the_very_same_bytes(snapshot, status):
    gone = replace(known(row(snapshot, status)), is_gone=True)

    assert differs(gone, row(snapshot, status))


@given(snapshots, statuses)
def test_a_row_that_an_action_wrote_differs_from_whatever_is_read(snapshot, status):
    written = replace(known(row(snapshot, status)), digest="", raw_digest=b"")

    assert differs(written, row(snapshot, status))

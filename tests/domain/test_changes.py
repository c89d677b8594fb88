from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from elements.domain.changes import Known, compare

READ_AT = datetime(2026, 3, 18, 14, tzinfo=UTC)


def known(digest="a", status_digest="s", *, observed_at=READ_AT - timedelta(minutes=1), is_gone=False):
    return Known(digest, status_digest, "running", None, observed_at, is_gone)


def row(digest="a", status_digest="s"):
    return {"digest": digest, "status_digest": status_digest}


def changes(held, seen, *, complete=True):
    return compare(held, seen, read_at=READ_AT, complete=complete)


def test_what_is_the_same_is_no_change():
    assert not changes({"i": known()}, {"i": row()})


def test_what_is_new_is_added():
    assert changes({}, {"i": row()}).added == {"i"}


def test_a_difference_in_the_instance_or_in_its_status_is_a_change():
    held = {"i": known(), "j": known()}

    assert changes(held, {"i": row(digest="b"), "j": row(status_digest="t")}).changed == {"i", "j"}


def test_a_status_that_was_not_read_differs_in_nothing():
    assert not changes({"i": known()}, {"i": {"digest": "a"}})


def test_only_a_complete_read_misses_an_instance():
    assert changes({"i": known()}, {}).removed == {"i"}
    assert changes({"i": known()}, {}, complete=False).removed == frozenset()


def test_what_is_gone_already_is_not_missed_again_and_comes_back_when_listed():
    held = {"i": known(is_gone=True)}

    assert not changes(held, {})
    assert changes(held, {"i": row()}).changed == {"i"}


def test_old_news_loses():
    held = {"i": known(observed_at=READ_AT + timedelta(seconds=1)), "j": known(observed_at=READ_AT + timedelta(1))}

    assert not changes(held, {"i": row(digest="b")})


ids = st.sets(st.sampled_from("abcdef"))


@given(ids, ids, ids)
def test_every_instance_is_in_one_place_at_most(held, seen, different):
    found = changes({key: known() for key in held}, {key: row(digest="b" if key in different else "a") for key in seen})

    assert found.added == seen - held
    assert found.removed == held - seen
    assert found.changed == held & seen & different

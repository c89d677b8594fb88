"""What a poll keeps on disk comes back as it was."""

from contextlib import closing
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from elements.domain.snapshots import InstanceSnapshot, ScheduledEventSnapshot, StatusSnapshot
from elements.usecases.spool import BATCH, Spool, Spooled

AT = datetime(2026, 3, 18, 14, tzinfo=UTC)
EVENT = ScheduledEventSnapshot("i-b", "event-1", "system-reboot", "[Completed] It is", not_before=AT)

ids = st.text("abc", min_size=1, max_size=2).map("i-{}".format)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
instances = st.builds(
    InstanceSnapshot,
    ids,
    texts,
    launched_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    tags=st.dictionaries(texts, texts, max_size=3),
    raw_digest=st.binary(max_size=16),
    description=st.binary(max_size=20),
)
statuses = st.builds(StatusSnapshot, ids, texts, impaired_since=st.none() | st.just(AT), events=st.sets(st.just(EVENT)))


def number(count):
    return [InstanceSnapshot(f"i-{each:05}", "running") for each in range(count)]


@given(st.lists(st.tuples(instances, texts), max_size=8), st.lists(statuses, max_size=8))
def test_whatever_goes_in_comes_out_as_it_was_the_later_one_of_two(named, checked):
    by_id = {each.instance_id: each for each in checked}
    last = {each.instance_id: (each, name) for each, name in named}
    with closing(Spool()) as spool:
        spool.add_statuses(checked)
        spool.add_instances(named)

        found = [each for batch in spool.batches() for each in batch]
        named = [each for batch in spool.by_name() for each in batch]
        lone = [each for batch in spool.lone_statuses() for each in batch]

        assert found == [Spooled(*last[key], by_id.get(key)) for key in sorted(last)]
        assert named == sorted(found, key=lambda each: (each.name.encode().lower(), each.instance.instance_id))
        assert lone == [by_id[key] for key in sorted(by_id.keys() - last.keys())]
        having = [key for key in sorted(by_id) if by_id[key].events]
        assert sorted(spool.with_events()) == having
        assert [list(spool.events(key, key)) for key in having] == [[by_id[key]] for key in having]
        if having:
            assert list(spool.events(having[0], having[-1])) == [by_id[key] for key in having]
        assert {key for key in by_id | last if spool.has_status(key)} == by_id.keys()


def test_what_is_one_more_than_a_batch_comes_in_two_in_the_order_of_the_ids():
    many = number(BATCH + 1)
    with closing(Spool()) as spool:
        spool.add_instances((each, "") for each in reversed(many))

        found, by_name = list(spool.batches()), list(spool.by_name())

    assert [len(batch) for batch in found] == [len(batch) for batch in by_name] == [BATCH, 1]
    assert [each.instance for batch in found for each in batch] == many


def test_a_batch_may_be_written_down_while_the_next_ones_are_still_to_come():
    with closing(Spool()) as spool:
        spool.add_instances((each, "old") for each in number(2 * BATCH + 1))

        for batch in spool.batches():
            spool.rename((each.instance.instance_id, "new") for each in batch)

        assert {name for names in spool.names() for _, name in names} == {"new"}
        assert sum(map(len, spool.names())) == 2 * BATCH + 1


def test_reading_that_begins_anew_forgets_what_was_read():
    with closing(Spool()) as spool:
        spool.add_instances((each, "") for each in number(3))
        spool.add_statuses([StatusSnapshot("i-00001", events=[EVENT])])

        spool.forget_instances()
        assert (spool.instances, list(spool.batches()), list(spool.by_name()), list(spool.names())) == (0, [], [], [])
        assert [len(batch) for batch in spool.lone_statuses()] == [1]

        spool.forget_statuses()
        assert (spool.statuses, list(spool.lone_statuses()), spool.with_events()) == (0, [], [])
        assert not spool.has_status("i-00001")


def test_names_are_those_read_and_the_stored_ones_of_all_others():
    with closing(Spool()) as spool:
        spool.add_instances([(InstanceSnapshot("i-a", "running"), "web"), (InstanceSnapshot("i-b", "running"), "db")])

        spool.set_names([("i-a", "what it was called", "x"), ("i-c", "web", "web [c]"), ("i-d", "it's", "it's")])

        assert spool.alike() == {"i-a": "web", "i-c": "web"}
        assert spool.holders(["db", "it's", "what it was called", "nobody"]) == {"i-b": "db", "i-d": "it's"}
        assert list(spool.stored_names()) == [[("i-d", "it's", "it's"), ("i-c", "web", "web [c]")]]


def test_names_that_are_set_again_replace_those_before():
    with closing(Spool()) as spool:
        spool.set_names([("i-a", "web", "web"), ("i-b", "web", "web")])

        spool.set_names([("i-a", "one", "web")])

        assert (spool.alike(), spool.holders(["web"])) == ({}, {})


def test_an_empty_spool_holds_nothing_and_closes():
    spool = Spool()

    assert (list(spool.batches()), list(spool.lone_statuses()), list(spool.names())) == ([], [], [])
    spool.close()

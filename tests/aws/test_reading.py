import random
from dataclasses import make_dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from elements.aws import descriptions, parsing, reading, slices
from elements.aws.botocore_session import parse_answer
from elements.aws.recorder import LISTS
from tests.aws.answers import Answer, as_aws_writes

FINDERS = {"DescribeInstances": reading.instances, "DescribeInstanceStatus": reading.statuses}
THEIRS = {"DescribeInstances": parsing.instances, "DescribeInstanceStatus": parsing.statuses}
OPERATIONS = pytest.mark.parametrize("operation", FINDERS)
SAVED = sorted((Path(__file__).parent / "saved").glob("*.xml"))
# What botocore raises for good XML with a bad value in it.
UNREADABLE = (ValueError, LookupError, AttributeError, TypeError)
SMALL = b"<item><instanceId>i-%d</instanceId><instanceState><code>16</code></instanceState></item>"
seeds = st.integers(0, 2**48)


def read_here(operation, body, known):
    found = FINDERS[operation](body)
    return found and found.read(known)


def instances(body, known):
    return read_here("DescribeInstances", body, known)


def botocores(operation, body):
    return [bare(snapshot) for snapshot in THEIRS[operation](parse_answer(operation, body))]


def bare(snapshot):
    blank = {"raw_digest": b"", "description": b""} if hasattr(snapshot, "description") else {"raw_digest": b""}
    return replace(snapshot, **blank)


def known_of(operation, body):
    read = read_here(operation, body, {})
    return {snapshot.instance_id: snapshot.raw_digest for snapshot in read.seen} if read else {}


def operation_of(file):
    return file.name.partition(".")[0]


@OPERATIONS
@given(seed=seeds)
@settings(max_examples=150, deadline=None)
def test_what_is_read_is_what_botocore_reads(operation, seed):
    body = Answer(operation, seed, usual=False).body()

    read = read_here(operation, body, {})

    if read is not None:
        assert [bare(snapshot) for snapshot in read.seen] == botocores(operation, body)


@OPERATIONS
@given(seed=seeds)
@settings(max_examples=150, deadline=None)
def test_the_usual_answers_are_read_fast_and_known_ones_are_not_read(operation, seed):
    answer = Answer(operation, seed, usual=True)
    body = answer.body()

    read = read_here(operation, body, {})

    if not answer.made:
        assert read is None
        return
    assert [bare(snapshot) for snapshot in read.seen] == botocores(operation, body)
    again = read_here(operation, body, known_of(operation, body))
    assert (again.unchanged, again.seen) == ([snapshot.instance_id for snapshot in read.seen], [])


@OPERATIONS
@given(seed=seeds, way=st.sampled_from(["change", "drop", "double", "move", "swap"]))
@settings(max_examples=400, deadline=None)
def test_what_was_garbled_is_never_taken_for_what_was_known(operation, seed, way):
    never_taken_for_known(operation, Answer(operation, seed, usual=seed % 3 > 0).body(), seed, way)


@given(seed=seeds, way=st.sampled_from(["change", "drop", "double", "move", "swap"]))
@settings(max_examples=600, deadline=None)
def test_what_was_garbled_around_usual_reservations_is_never_taken_for_what_was_known(seed, way):
    never_taken_for_known("DescribeInstances", as_aws_writes(seed), seed, way)


def never_taken_for_known(operation, body, seed, way):
    first = read_here(operation, body, {})
    before = {snapshot.instance_id: bare(snapshot) for snapshot in first.seen} if first else {}
    garbled = garble(body, random.Random(seed), way)

    try:
        read = read_here(operation, garbled, known_of(operation, body))
    except (parsing.Incomplete, *UNREADABLE):
        read = None  # the poll fails

    if read is not None:
        try:
            theirs = botocores(operation, garbled)
        except UNREADABLE:
            return  # a number or a time that we do not keep
        ours = [bare(snapshot) for snapshot in read.seen] + [before[key] for key in read.unchanged]
        assert sorted(ours, key=repr) == sorted(theirs, key=repr)


def garble(body, chance, way):
    at, size = chance.randrange(len(body)), chance.choice((1, 3, 40, 400))
    if way == "change":
        return body[:at] + bytes([chance.choice(b"<>&x0 \xff]-")]) + body[at + 1 :]
    if way == "drop":
        return body[:at] + body[at + size :]
    if way == "double":
        return body[: at + size] + body[at:]
    if way == "move":
        to = chance.randrange(len(body))
        return body[:to] + body[at : at + size] + body[to:]
    tags = [b"<item>", b"</item>", b"<instanceId>", b"</instancesSet>", b"<!-- ", b"-->", b"<![CDATA[", b"]]>"]
    tags += [b"<instancesSet>", b"<reservationId>", b"</reservationId>", b"<ec2mon-instance/>", b"\x0c"]
    return body[:at] + chance.choice(tags) + body[at:]


@given(seed=seeds)
@settings(max_examples=150, deadline=None)
def test_reservations_as_aws_writes_them_are_cut_as_any_others(seed):
    body = as_aws_writes(seed)
    quick = slices.cut(body, slices.INSTANCES)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_usual", lambda body, runs: None)
        slow = slices.cut(body, slices.INSTANCES)

    assert (quick.bounds, quick.rest) == (slow.bounds, slow.rest)
    assert [(each.members, each.count) for each in quick.reservations] == [
        ({name: text for name, text in each.members.items() if name != "groupSet"}, each.count)
        for each in slow.reservations
    ]
    read = instances(body, {})
    assert read is None or [bare(snapshot) for snapshot in read.seen] == botocores("DescribeInstances", body)


@pytest.mark.parametrize(
    "odd",
    [
        lambda body: body.replace(b"</instancesSet>", b"\x0c</instancesSet>", 1),
        lambda body: body.replace(b"</reservationId>", b"\x0b</reservationId>", 2),
        lambda body: body.replace(b"<ownerId>", b"<ownerId>&", 2),
        lambda body: body.replace(b"</item><item><reservationId>", b"</item>\x0c<item><reservationId>"),
        lambda body: body.replace(b"<item><instanceId>i-2", b"\x0c<item><instanceId>i-2"),
        lambda body: body.replace(b"</ownerId>", b"</ownerId><ownerId>1</ownerId>"),
        lambda body: body.replace(b"<reservationSet>", b"<otherSet>").replace(
            b"</reservationSet>", b"</otherSet><reservationSet/>"
        ),
        lambda body: body.replace(b"<reservationSet>", b"<reservationSet><a>").replace(
            b"</reservationSet>", b"</a></reservationSet>"
        ),
        lambda body: body.replace(b"<reservationSet>", b"<reservationSet><!--").replace(
            b"</reservationSet>", b"--><ec2mon-instance /></reservationSet>"
        ),
    ],
)
def test_what_looks_like_usual_reservations_is_left_to_botocore_where_they_are_none(odd):
    body = as_aws_writes(6, instances=SMALL)
    changed = odd(body)

    assert changed != body
    assert len(instances(body, {}).seen) > 2
    assert instances(changed, known_of("DescribeInstances", body)) is None


@pytest.mark.parametrize("known", [False, True])
def test_usual_reservations_that_are_cut_at_any_byte_are_not_read(known):
    body = as_aws_writes(5, instances=SMALL)

    digests = known_of("DescribeInstances", body) if known else {}

    read = [length for length in range(len(body)) if instances(body[:length], digests) is not None]

    assert (read, len(instances(body, digests).seen) > 1) == ([], not known)


@OPERATIONS
@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_is_cut_at_any_byte_is_not_read(operation, known):
    body = next(b for seed in range(99) if len(known_of(operation, b := small(operation, seed))) > 1)
    digests = known_of(operation, body) if known else {}

    read = [length for length in range(len(body)) if read_here(operation, body[:length], digests) is not None]

    assert read == []
    assert read_here(operation, body, digests) is not None


@OPERATIONS
def test_an_answer_that_is_cut_is_not_read_by_botocore_either_to_which_it_is_left(operation):
    body = small(operation, 4) if operation == "DescribeInstanceStatus" else page("i-1", "i-2", token="next")

    assert [length for length in range(len(body)) if botocore_reads(operation, body[:length])] == []
    assert botocore_reads(operation, body)


def botocore_reads(operation, body):
    try:
        return LISTS[operation] in parse_answer(operation, body)
    except ResponseParserError:
        return False


def small(operation, seed):
    return Answer(operation, seed, usual=True, instances=3).body()


@pytest.mark.parametrize("tag", ["reservationId", "ownerId", "requesterId"])
def test_what_is_said_of_a_reservation_belongs_to_each_of_its_instances(tag):
    body = page("i-1", "i-2").replace(b"r-1", b"r-1</reservationId><requesterId>7</requesterId><a>", 1)
    body = body.replace(b"<a></reservationId>", b"<a></a>", 1)
    changed = body.replace(b"<%b>" % tag.encode(), b"<%b>9" % tag.encode(), 1)

    read = instances(changed, known_of("DescribeInstances", body))

    assert (read.unchanged, [snapshot.instance_id for snapshot in read.seen]) == ([], ["i-1", "i-2"])


def test_an_instance_that_took_anothers_place_is_another():
    before, after = page("i-1", "i-2"), page("i-2", "i-1")

    read = instances(after, known_of("DescribeInstances", before))

    assert sorted(read.unchanged) == ["i-1", "i-2"]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_page_that_lists_an_instance_twice_is_left_to_botocore_which_keeps_their_order(is_known):
    body = page("i-1", "i-2", "i-1")

    read = instances(body, known_of("DescribeInstances", page("i-1")) if is_known else {})

    assert read is None


def test_any_character_of_an_instance_counts():
    body = page("i-1", "i-2")
    known, start = known_of("DescribeInstances", body), body.index(b"running")

    for at in range(start, start + len(b"running")):
        read = instances(body[:at] + b"x" + body[at + 1 :], known)
        assert (read.unchanged, len(read.seen)) == (["i-2"], 1)


@OPERATIONS
def test_a_digest_takes_sixteen_bytes_of_each_row(operation):
    body = next(b for seed in range(99) if known_of(operation, b := small(operation, seed)))

    assert {len(digest) for digest in known_of(operation, body).values()} == {16}


def test_what_another_version_of_the_reader_read_is_not_known(monkeypatch):
    body = page("i-1")
    known = known_of("DescribeInstances", body)
    monkeypatch.setattr(reading, "_READING", 0)

    assert instances(body, known).unchanged == []


def test_statuses_of_a_version_that_read_less_of_scheduled_events_are_not_known(monkeypatch):
    body = next(
        b for seed in range(99) if known_of("DescribeInstanceStatus", b := small("DescribeInstanceStatus", seed))
    )
    monkeypatch.setattr(reading, "ScheduledEventSnapshot", make_dataclass("FormerSnapshot", ["code"]))
    known = known_of("DescribeInstanceStatus", body)
    monkeypatch.undo()

    assert read_here("DescribeInstanceStatus", body, known).unchanged == []


ELSEWHERE = b"<item><instanceId>i-9</instanceId><instanceState><code>16</code></instanceState></item>"
LATE = b"<item><imageId/><instanceId>i-9</instanceId><instanceState><code>16</code></instanceState></item>"


@pytest.mark.parametrize(
    "odd",
    [
        lambda body: body.replace(b"?>", b"?><!DOCTYPE a>", 1),
        lambda body: body.replace(b"UTF-8", b"ISO-8859-1", 1),
        lambda body: body.replace(b"<item>", b'<item a="b">'),
        lambda body: body.replace(b"</instancesSet>", b"</instancesSet><instancesSet/>", 1),
        lambda body: body.replace(b"</reservationSet>", b"</reservationSet><reservationSet/>", 1),
        lambda body: body.replace(b"<instancesSet><item>", b"<!--<instancesSet><item><a>--><instancesSet><item>", 1),
        lambda body: body.replace(b"<ownerId>", b"<ec2mon-instance/><ownerId>", 1),
        lambda body: body.replace(b"<instancesSet>", b"<instancesSet><ec2mon-instance/>", 1),
        lambda body: body.replace(b"<item><instanceId>i-2", b"<item><!-- --><instanceId>i-2", 1),
        lambda body: body.replace(
            b"i-1</instanceId>", b"i-1</instanceId><x><item><instanceId>i-9</instanceId></item></x>"
        ),
        lambda body: body.replace(b"i-1</instanceId>", b"i-1</instanceId><x><![CDATA[<item><instanceId>]]></x>"),
        lambda body: body.replace(b"DescribeInstancesResponse", b"DescribeOtherResponse"),
        lambda body: body.replace(b"<ownerId>", b"<ownerId>9</ownerId><ownerId>"),
        lambda body: body.replace(b"</instancesSet>", b"</instancesSet><others>%b</others>" % ELSEWHERE),
        lambda body: body.replace(
            b"</reservationSet>", b"<item><instancesSet>%b</instancesSet></item></reservationSet>" % LATE
        ),
        lambda body: body + b"<more/>",
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: b"",
    ],
)
def test_a_page_of_another_shape_is_left_to_botocore(odd):
    body = page("i-1", "i-2", "i-3")
    changed = odd(body)

    assert changed != body
    assert instances(changed, known_of("DescribeInstances", body)) is None


def test_a_member_that_comes_twice_is_read_as_botocore_reads_it():
    twice = b"<placement><availabilityZone>a</availabilityZone></placement><placement/><instanceState>"
    body = page("i-1").replace(b"<instanceState>", twice)

    (snapshot,) = instances(body, {}).seen

    assert (snapshot.availability_zone, [bare(snapshot)]) == ("a", botocores("DescribeInstances", body))


def test_what_stands_in_a_text_is_read_as_botocore_reads_it():
    body = page("i-1").replace(b"<instanceState>", b"<instanceType> <x>a</x>b</instanceType><instanceState>")

    (snapshot,) = instances(body, {}).seen

    assert (snapshot.instance_type, [bare(snapshot)]) == (" ", botocores("DescribeInstances", body))


@given(text=st.text("ab&é \t\r\n", max_size=8))
@settings(max_examples=300, deadline=None)
def test_white_space_of_any_kind_in_a_text_is_read_as_botocore_reads_it(text):
    body = page("i-1").replace(b"<instanceState>", b"<keyName>%b</keyName><instanceState>" % escape(text).encode())

    (snapshot,) = instances(body, {}).seen

    assert [bare(snapshot)] == botocores("DescribeInstances", body)


def test_a_text_that_comes_twice_fails_the_read():
    body = page("i-1").replace(b"<instanceState>", b"<instanceType>a</instanceType><instanceType/><instanceState>")

    with pytest.raises(parsing.Incomplete, match="a member comes twice"):
        instances(body, {})


@pytest.mark.parametrize(
    "broken", [b"<instanceId>i-1</instanceId>", b"<instanceState><code>16</code><name>running</name></instanceState>"]
)
def test_an_instance_without_an_id_or_a_state_is_incomplete(broken):
    body = page("i-0").replace(b"i-0", b"i-1").replace(broken, b"<x/>")

    with pytest.raises(parsing.Incomplete):
        instances(body, {})


def test_botocore_finds_the_request_and_the_next_page_in_the_rest():
    body = page("i-1", token="a&amp;b").replace(b"</DescribeInstancesR", b"<more>x</more></DescribeInstancesR")

    answer = parse_answer("DescribeInstances", reading.instances(body).rest)

    assert (answer["NextToken"], answer["Reservations"], answer["ResponseMetadata"]["RequestId"]) == ("a&b", [], "q-1")


def test_tags_may_be_as_long_and_as_many_as_they_like():
    tags = b"".join(b"<item><key>k%d</key><value>%b</value></item>" % (n, b"v" * 2000) for n in range(5000))
    body = page("i-1").replace(b"<instanceState>", b"<tagSet>%b</tagSet><instanceState>" % tags)

    (snapshot,) = instances(body, {}).seen

    assert (len(snapshot.tags), [bare(snapshot)]) == (5000, botocores("DescribeInstances", body))


@pytest.mark.parametrize("file", SAVED, ids=[file.stem for file in SAVED])
def test_saved_answers_are_read_fast_and_as_botocore_reads_them(file):
    operation, body = operation_of(file), file.read_bytes()

    read = read_here(operation, body, {})

    assert [bare(snapshot) for snapshot in read.seen] == botocores(operation, body)
    assert read_here(operation, body, known_of(operation, body)).seen == []


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_a_description_is_all_that_botocore_finds(seed):
    body = Answer("DescribeInstances", seed, usual=seed % 2 == 0).body()
    answer = parse_answer("DescribeInstances", body)
    theirs = [
        descriptions.plain({**instance, "ReservationId": reservation.get("ReservationId", "")})
        for reservation in answer["Reservations"]
        for instance in reservation.get("Instances", ())
    ]

    read = instances(body, {})
    seen = read.seen if read else parsing.instances(answer)

    assert [descriptions.description(snapshot.description) for snapshot in seen] == theirs


def page(*ids, token=""):
    instances = "".join(
        f"<item><instanceId>{each}</instanceId><instanceState><code>16</code><name>running</name></instanceState></item>"
        for each in ids
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        "<requestId>q-1</requestId><reservationSet><item><reservationId>r-1</reservationId><ownerId>111122223333</ownerId>"
        f"<instancesSet>{instances}</instancesSet></item></reservationSet>"
        f"{f'<nextToken>{token}</nextToken>' if token else ''}</DescribeInstancesResponse>"
    ).encode()

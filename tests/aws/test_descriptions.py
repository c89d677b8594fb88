import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from elements.aws import descriptions, reading

SAVED = Path(__file__).parent / "saved"


def seen(name):
    return reading.instances((SAVED / name).read_bytes()).read({}).seen


def described(**members):
    return descriptions.description(descriptions.of_members({"InstanceId": "i-1", **members}, {"ReservationId": "r-1"}))


def test_a_description_holds_the_whole_instance_and_its_reservation():
    (snapshot,) = seen("DescribeInstances.compact.xml")

    description = descriptions.description(snapshot.description)

    assert description["Tags"] == [{"Key": "Name", "Value": "Server <1> & more"}, {"Key": "empty", "Value": ""}]
    assert description["LaunchTime"] == "2018-05-08T16:46:19+00:00"
    assert (description["AmiLaunchIndex"], description["EbsOptimized"]) == (0, False)
    assert description["ReservationId"] == "r-1234567890abcdef1"


def test_what_botocore_has_parsed_is_described_likewise():
    assert described(LaunchTime=datetime(2026, 3, 1, tzinfo=UTC)) == {
        "InstanceId": "i-1",
        "LaunchTime": "2026-03-01T00:00:00+00:00",
        "ReservationId": "r-1",
    }


def test_without_a_description_there_is_nothing():
    assert descriptions.description(b"") == {}


def test_a_number_that_is_none_leaves_no_description():
    xml = b"<item><instanceId>i-1</instanceId><amiLaunchIndex>one</amiLaunchIndex></item>"

    assert descriptions.description(descriptions.of_xml(xml, "r-1")) == {}


def test_lists_in_another_order_are_the_same_description():
    groups = [{"GroupId": "sg-1"}, {"GroupId": "sg-2"}]

    assert described(SecurityGroups=groups) == described(SecurityGroups=groups[::-1])


def test_a_description_takes_a_tenth_of_what_aws_sent():
    size = (SAVED / "DescribeInstances.two_reservations.xml").stat().st_size

    found = seen("DescribeInstances.two_reservations.xml")

    assert 0 < sum(len(snapshot.description) for snapshot in found) < size / 10


def test_what_was_kept_can_be_read_for_ever():
    assert hashlib.sha256(descriptions._TYPICAL).hexdigest() == (
        "06f99be06a82439a4f6a0350e118acc217883d9fde1159a45ef4fc90bb3de74c"
    )


wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["Extra", "NetworkInterfaces", "CpuOptions"]), wild))
def test_whatever_else_aws_says_is_kept_as_json_that_can_be_stored(more):
    description = described(**more)

    assert "\x00" not in json.dumps(description, ensure_ascii=False)
    json.dumps(description, ensure_ascii=False).encode()

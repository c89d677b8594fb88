import pytest

from elements.aws import parsing
from tests.aws.pages import listed


def one(**raw):
    (snapshot,) = parsing.instances(answer(**raw))
    return snapshot


def answer(**raw):
    instance = {"InstanceId": "i-0123456789abcdef0", "State": {"Name": "running", "Code": 16}, **raw}
    return {"Reservations": [{"OwnerId": "111122223333", "ReservationId": "r-1", "Instances": [instance]}]}


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"Name": "running", "Code": 272}, "running"),
        ({"Code": 272}, "running"),
        ({"Code": 80}, "stopped"),
        ({"Name": "stopping", "Code": 16}, "stopping"),
        ({"Name": "hovering", "Code": 7}, "hovering"),
        ({"Code": 7}, "unknown"),
    ],
)
def test_a_state_goes_by_its_name_and_else_by_the_low_byte_of_its_code(state, name):
    assert one(State=state).state == name


def test_what_aws_leaves_out_is_empty():
    snapshot = one()

    assert (snapshot.public_ip, snapshot.tags, snapshot.launched_at, snapshot.name) == ("", {}, None, "")


@pytest.mark.parametrize(
    ("wild", "kept"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\u202eevil\u202c", "\u202eevil\u202c"),
        ("🎬" * 3, "🎬" * 3),
        ("x" * 50_000, "x" * 256),
    ],
)
def test_a_tag_is_kept_as_text_that_every_database_takes(wild, kept):
    tags = one(Tags=[{"Key": "Name", "Value": wild}]).tags

    assert tags == {"Name": kept}
    tags["Name"].encode()


def test_ten_thousand_tags_are_kept():
    tags = [{"Key": f"key-{number}", "Value": "v"} for number in range(10_000)]

    assert len(one(Tags=tags).tags) == 10_000


@pytest.mark.parametrize("broken", [{"InstanceId": None}, {"InstanceId": ""}, {"State": None}, {"State": {}}])
def test_an_instance_without_an_id_or_a_state_is_incomplete(broken):
    with pytest.raises(parsing.Incomplete):
        one(**broken)


def test_a_status_holds_three_checks_and_since_when_the_first_failed(aws, gateway):
    (instance_id,) = aws.add_instances()
    aws.instance(instance_id).fail_check("ebs")

    (status,) = listed(gateway.describe_instance_status())

    assert (status.system, status.instance, status.ebs) == ("ok", "ok", "impaired")
    assert status.impaired_since is not None


def test_an_event_may_lack_its_end_and_its_deadline_and_even_its_id():
    raw = {"Code": "instance-retirement", "Description": "[Completed] x"}
    (status,) = parsing.statuses({"InstanceStatuses": [{"InstanceId": "i-0123456789abcdef0", "Events": [raw]}]})

    (event,) = status.events
    assert (event.not_before, event.not_after, event.not_before_deadline) == (None, None, None)
    assert event.event_id == "instance-retirement@"

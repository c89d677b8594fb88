from elements.domain.naming import parse
from elements.domain.naming_preview import Candidate, chips, choose, preview
from elements.domain.snapshots import InstanceSnapshot


def candidate(number, name="", shown="", **tags):
    key = f"i-{number:017x}"
    all_tags = {**({"Name": name} if name else {}), **tags}
    return Candidate(InstanceSnapshot(key, "running", tags=all_tags), shown or name or key)


PLAIN, LONG, RIGHT_TO_LEFT = candidate(1, "playout"), candidate(2, "encoder-" * 9), candidate(3, "بث-01")
TWIN, OTHER_TWIN, NAMELESS = candidate(4, "web"), candidate(5, "web"), candidate(6)
ALL = [PLAIN, TWIN, OTHER_TWIN, NAMELESS, LONG, RIGHT_TO_LEFT]


def test_five_that_show_trouble_are_chosen():
    assert choose(ALL) == [PLAIN, LONG, RIGHT_TO_LEFT, TWIN, NAMELESS]


def test_where_there_is_no_trouble_others_fill_up():
    plain = [candidate(number, f"encoder-{number}") for number in range(9)]

    assert len(choose(plain)) == len(set(map(id, choose(plain)))) == 5


def test_of_few_instances_each_is_shown_once_and_of_none_none():
    assert choose([NAMELESS]) == [NAMELESS]
    assert choose([]) == []


def test_the_preview_names_as_a_poll_would_and_counts_all_that_share_a_name():
    shown = preview(parse("{tag:Name}"), ALL, "eu-central-1")

    assert (shown.total, shown.sharing, shown.changing) == (6, 2, 1)
    twin = next(row for row in shown.rows if row.instance_id == TWIN.snapshot.instance_id)
    assert (twin.old, twin.new) == ("web", "web [000004]")
    assert twin.note == "Shared by 2 instances, so the short ID is added"


def test_notes_follow_no_change():
    shown = preview(parse("{tag:Name}"), [NAMELESS], "eu-central-1")

    assert shown.rows[0].note == "No change. Nothing left, so the instance ID is used"


def test_the_chips_begin_with_the_name_and_the_most_frequent_tag_and_leave_out_what_cannot_be_written():
    found = chips([candidate(1, "a", env="prod", **{"x|y": "1"}), candidate(2, env="test", role="db")], "eu-central-1")

    assert [chip.text for chip in found[:4]] == ["{tag:Name}", "{tag:env}", "{tag:role}", "{instance_id}"]
    assert found[1].example == "prod"

"""The list as a file."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime

import pytest

from elements.models import Instance, Poll
from tests import builders

pytestmark = pytest.mark.django_db
PAGE = "/e/frankfurt/instances/"


@pytest.fixture
def element():
    row = builders.element()
    for number in range(60):
        builders.instance(
            row, f"node-{number:02}", state="stopped" if number % 2 else "running", tags={"env": "prod"}, private_ip=""
        )
    return builders.polled(row)


def export(client, query=""):
    answer = client.get(PAGE + "export.csv" + query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="frankfurt-instances-')
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_every_page_of_what_is_filtered_is_exported_in_its_order(viewer, element):
    rows = export(viewer, "?q=state:running&sort=-name&per_page=25&page=2")

    assert [row[0] for row in rows[1:]] == [f"node-{number:02}" for number in range(58, -1, -2)]


def test_the_chosen_columns_come_and_the_instance_id_always(viewer, element):
    rows = export(viewer, "?col=state&col=checks&col=tag:env&col=tags")

    assert rows[0] == ["Display key", "Instance ID", "State", "Status checks", "Tags", "Tag env"]
    assert rows[1][2:] == ["running", "ok", "Name=node-00; env=prod", "prod"]
    assert rows[1][1].startswith("i-")


def test_a_launch_is_written_in_utc(viewer, element):
    element.instances.filter(display_name="node-00").update(launched_at=datetime(2026, 2, 28, 14, 2, 11, tzinfo=UTC))

    rows = export(viewer, "?q=node-00&col=launched&col=private_ip")

    assert rows == [
        ["Display key", "Instance ID", "Private IP", "Launched (UTC)"],
        ["node-00", rows[1][1], "", "2026-02-28 14:02:11"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"])
def test_no_cell_is_a_formula(viewer, element, text):
    builders.instance(element, text, tags={text: text}, state_reason=text, instance_id="i-bad")

    rows = export(viewer, f"?q=id:i-bad&col=reason&col=tags&col=tag:{text.replace('+', '%2B')}")

    for row in rows:
        assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "＝")) for cell in row)
    assert text.strip() in rows[1][0]


def test_a_wrong_filter_is_shown_instead_of_exported(viewer, element):
    answer = viewer.get(PAGE + "export.csv?q=colour:red&sort=-id")

    assert answer["Location"] == PAGE + "?q=colour%3Ared&sort=-id"


def test_what_is_gone_is_exported_when_asked_for(viewer, element):
    builders.instance(element, "old", gone=True)

    assert [row[0] for row in export(viewer)[1:]].count("old") == 0
    assert export(viewer, "?q=state:gone&col=state")[1:] == [["old", "i-0000000000000003d", "gone"]]


def test_the_name_of_the_file_says_when_aws_was_seen_so(viewer, element):
    Poll.objects.update(succeeded_at=datetime(2026, 3, 18, 14, 2, 5, tzinfo=UTC))

    assert 'instances-as-of-20260318-140205.csv"' in viewer.get(PAGE + "export.csv")["Content-Disposition"]


def test_the_number_of_queries_does_not_grow_with_the_rows(viewer, element, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        assert len(export(viewer)) == 61


def add_many(element, first, number):
    """Add instances that are all like the first one but for their ID."""
    model = element.instances.first()
    names = [field.attname for field in Instance._meta.concrete_fields if field.attname != "id"]
    values = {name: getattr(model, name) for name in names}
    Instance.objects.bulk_create(
        Instance(**{**values, "instance_id": f"i-9{each:016x}"}) for each in range(first, first + number)
    )


def most_held(client):
    """Return how many bytes were held at most at a time while a file was sent, and how long the file is."""
    tracemalloc.start()
    try:
        size = sum(map(len, client.get(PAGE + "export.csv").streaming_content))
        return tracemalloc.get_traced_memory()[1], size
    finally:
        tracemalloc.stop()


def test_a_long_file_takes_no_more_memory_than_a_short_one(viewer, element):
    most_held(viewer)  # what is loaded once only
    add_many(element, 0, 2_000)  # rows are read by the thousand, and the next thousand before the last one is let go
    few, short = most_held(viewer)
    add_many(element, 2_000, 4_000)
    many, long = most_held(viewer)

    assert long > 2.5 * short
    assert many < 1.3 * few

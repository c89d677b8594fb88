"""What the cells of the Instances table say, column by column."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.tables.instances import CHOICES
from tests import builders

pytestmark = pytest.mark.django_db
PAGE = "/e/frankfurt/instances/"
SAID = {
    "platform": "Windows",
    "architecture": "arm64",
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "image_id": "ami-1",
    "key_name": "broadcast",
    "iam_role": "playout",
    "lifecycle": "spot",
    "state_reason": "Client.UserInitiatedShutdown: User initiated shutdown",
}


@pytest.fixture
def element():
    return builders.element()


def row(client, element, *columns):
    """Return the only row as it stands in the page, with these columns."""
    builders.polled(element)
    query = "".join(f"&col={name}" for name in columns)
    html = client.get(f"{PAGE}?{query}").content.decode()
    return re.search(r"<tbody.*?<tr\b(.*?)</tr>", html, re.DOTALL)[1]


def text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def test_an_id_can_be_copied(viewer, element):
    one = builders.instance(element, "encoder")

    assert f'data-copy="{one.instance_id}"' in row(viewer, element)


def test_a_zone_is_short_to_the_eye_and_whole_to_a_screen_reader(viewer, element):
    builders.instance(element, "encoder")

    assert '<span class="vh">eu-central-</span><b>1a</b>' in row(viewer, element, "az")


def test_an_instance_without_an_address_has_a_dash(viewer, element):
    builders.instance(element, "encoder", private_ip="", public_ip="3.120.44.9")

    said = row(viewer, element, "private_ip", "public_ip")

    assert re.search(r"<td[^>]*>–</td>\s*<td[^>]*>3\.120\.44\.9</td>", said)


def test_a_launch_is_an_age_with_its_moment_in_the_title(viewer, element):
    at = timezone.now() - timedelta(days=22, hours=3)
    builders.instance(element, "encoder", launched_at=at)

    said = row(viewer, element, "launched")

    cell = re.search(r'<td[^>]*class="[^"]*\bnum\b[^"]*"[^>]*>(.*?)</td>', said, re.DOTALL)[1]
    assert text(cell) == "22 d"
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in cell


def test_tags_are_chips_and_a_single_tag_is_a_column_of_its_own(viewer, element):
    builders.instance(element, "encoder", tags={"env": "prod", "team: night": "b"})

    said = row(viewer, element, "tags", "tag:team: night")

    assert "<bdi>env</bdi>=<b><bdi>prod</bdi></b></span>" in said
    assert re.search(r"<td[^>]*>b</td>", said)


def test_every_further_column_says_what_aws_says(viewer, element):
    builders.instance(element, "encoder", tags={"aws:autoscaling:groupName": "packager"}, **SAID)

    said = text(row(viewer, element, *(choice.name for choice in CHOICES if choice.name != "tags")))

    assert [value for value in (*SAID.values(), "packager") if value not in said] == []


def test_a_key_is_a_link_with_its_full_text_in_the_title(viewer, element):
    one = builders.instance(element, "encoder-" + "x" * 90)

    name = "encoder-" + "x" * 90
    assert f'href="{PAGE}{one.instance_id}/" title="{name}"><bdi>{name}</bdi>' in row(viewer, element)

"""What the Instances page answers when its script asks what changed."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.domain.actions import PROTECTION_IS_KNOWN_FOR
from elements.models import Action, Poll, UserSettings
from elements.usecases.store_snapshots import touch
from tests import builders

pytestmark = pytest.mark.django_db
PAGE = "/e/frankfurt/instances/"


@pytest.fixture
def element():
    row = builders.element()
    for number in range(1, 4):
        builders.instance(row, f"encoder-{number}")
    return builders.polled(row)


def token(html):
    return re.search(r'data-revision="([^"]+)"', html)[1]


def shape(html):
    return re.search(r'data-shape="([^"]+)"', html)[1]


def names(html):
    return re.findall(r'data-name="([^"]*)"', html)


def ask(client, since="", query=""):
    return client.get(f"{PAGE}?since={since}{query}", headers={"X-Fragment": "live"})


def test_a_protection_that_is_no_longer_known_leaves_the_page(operator, element):
    one = element.instances.filter(display_name="encoder-2")
    one.update(protected_seen_at=timezone.now() - PROTECTION_IS_KNOWN_FOR + timedelta(seconds=60))
    opened = operator.get(PAGE).content.decode()
    one.update(protected_seen_at=timezone.now() - PROTECTION_IS_KNOWN_FOR)
    Poll.objects.update(attempted_at=timezone.now())

    html = ask(operator, token(opened)).content.decode()

    assert "protected against stopping" in opened
    assert names(html) == ["encoder-2"]
    assert "protected against stopping" not in html


@pytest.fixture
def opened(operator, element):
    """Return the page as it was opened."""
    return operator.get(PAGE).content.decode()


def test_nothing_is_sent_while_nothing_changed(operator, opened):
    answer = ask(operator, token(opened))

    assert (answer.status_code, answer.content) == (204, b"")


def test_asking_costs_aws_nothing(operator, aws):
    row = builders.element(aws, aws.add_keys(), name="Asked")
    builders.instance(row, "encoder")
    builders.polled(row)

    for since in ("", "1", "0.x.y"):
        for headers in ({}, {"X-Fragment": "live"}):
            assert operator.get(f"/e/asked/instances/?since={since}", headers=headers).status_code == 200

    assert aws.journal() == []


def test_only_the_rows_written_since_are_sent_and_all_keys_in_order(operator, element, opened):
    ids = list(element.instances.order_by("display_name").values_list("instance_id", flat=True))
    element.instances.filter(instance_id=ids[1]).update(state="stopped")
    touch(element, [ids[1]])

    html = ask(operator, token(opened)).content.decode()

    assert names(html) == ["encoder-2"]
    assert f'data-order="{" ".join(ids)}"' in html
    assert 'data-live-table="instances"' in html
    assert ask(operator, token(html)).status_code == 204


def test_without_a_token_every_row_is_sent(operator, opened):
    assert len(names(ask(operator).content.decode())) == 3
    assert len(names(ask(operator, "1.nonsense.x").content.decode())) == 3


def test_links_of_a_fragment_do_not_carry_the_token(operator, element, opened):
    for number in range(4, 40):
        builders.instance(element, f"encoder-{number}")
    builders.polled(element, revision=2)

    html = ask(operator, token(opened), "&q=encoder&per_page=25&sort=-name").content.decode()

    links = re.findall(r'(?:href|data-select-matching)="([^"]*\?[^"]*)"', html)
    assert len(links) > 10 and "page=2" in html
    assert not [link for link in links if "since" in link]


def test_when_the_connection_is_lost_every_row_is_sent_with_its_controls_off(operator, element, opened):
    Poll.objects.update(refused=True, failed_since=timezone.now())

    html = ask(operator, token(opened)).content.decode()

    assert len(names(html)) == 3
    assert html.count('data-can=""') == 3
    assert "is-stale" in html


def test_a_failure_leaves_its_row_after_an_hour_although_no_row_was_written(operator, element):
    row, now = element.instances.first(), timezone.now()
    action = Action.objects.create(
        element=element,
        instance=row,
        instance_id_text=row.instance_id,
        batch="00000000-0000-0000-0000-000000000001",
        verb="stop",
        status="failed",
        requested_by="olga",
        requested_at=now,
        expires_at=now,
        settled_at=now,
    )
    before = operator.get(PAGE).content.decode()
    assert "Stop failed" in before
    Action.objects.filter(pk=action.pk).update(settled_at=now - timedelta(hours=2))

    html = ask(operator, token(before)).content.decode()

    assert row.display_name in names(html)
    assert "Stop failed" not in html


def test_other_columns_change_the_shape_so_that_the_page_is_loaded_anew(operator, element, opened):
    touch(element, [])
    same = shape(ask(operator, token(opened)).content.decode())
    user = operator.session["_auth_user_id"]
    UserSettings.objects.create(user_id=user, columns={"instances": ["type"]})

    assert same == shape(opened)
    assert shape(ask(operator).content.decode()) != shape(opened)


def test_the_first_instances_change_the_shape(operator, element):
    other = builders.element(name="Empty")
    before = operator.get("/e/empty/instances/").content.decode()
    builders.instance(other, "first")
    builders.polled(other)

    after = operator.get("/e/empty/instances/", headers={"X-Fragment": "live"}).content.decode()

    assert shape(before) != shape(after)
    assert "data-live-table" in after


def test_counts_and_pages_are_parts_of_their_own(operator, opened):
    for part in ("facets", "shown", "dock", "tabs", "head"):
        assert f'data-live-part="{part}"' in opened


def test_a_viewer_is_sent_no_control_either(viewer, element):
    html = ask(viewer).content.decode()

    assert len(names(html)) == 3
    assert "data-act" not in html and "data-can" not in html


def test_a_page_is_busy_while_an_instance_changes(operator, element):
    element.instances.filter(display_name="encoder-1").update(state="stopping")
    builders.polled(element)

    assert " data-busy" in operator.get(PAGE).content.decode()
    assert "Changing <b>1</b>" in operator.get(PAGE).content.decode()

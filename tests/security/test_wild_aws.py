"""Whatever AWS says of an instance: the poll is good, the rows are stored, and every page shows text as text."""

import csv
import io
import json
import re
import unicodedata

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from elements.models import Element, Poll
from elements.usecases.run_polls import poll_once
from simulator.server import Simulator
from tests import builders
from tests.security import wild
from tests.security.every_address import addresses
from tests.security.reader import wrong_with
from tests.security.wild_world import in_xml, populate

pytestmark = pytest.mark.django_db

FORMAT = "{tag:Name|instance_id} {type} {tag:env} {{ 913*877 }}"


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Read all of it once, twice over as the next poll does too, and put everything away after the last test."""
    with django_db_blocker.unblock(), Simulator(delay_s=0) as aws:
        number = populate(aws)
        row = builders.element(aws, aws.add_keys(), name="Wild", naming_format=FORMAT)
        said = []
        for naming_format in (FORMAT, FORMAT.replace("{type}", "{az}")):
            Element.objects.filter(pk=row.pk).update(naming_format=naming_format)
            poll_once(row.pk, caller="poll", now=timezone.now())
            said.append((Poll.objects.get(element=row).failure_text, row.instances.listed().count()))
        yield row.pk, said, number
        for model in (Element, *apps.get_app_config("elements").get_models()):
            model._base_manager.all().delete()
        connection.close()


@pytest.fixture
def element(db, world):
    return Element.objects.with_poll().get(pk=world[0])


def test_the_polls_are_good_and_miss_nothing(world):
    _, said, number = world

    assert said == [("", number), ("", number)]


def addresses_of(element):
    """Return every address outside the admin site, those of some instances and events, and lists in several orders."""
    instances = element.instances.values_list("instance_id", flat=True).order_by("instance_id")
    events = element.scheduled_events.values_list("pk", flat=True).order_by("pk")
    parts = {"slug": element.slug, "kind": "csv", "token": "t", "object_id": str(element.pk), "pk": str(events[0])}
    plain = addresses({**parts, "instance_id": instances[0]})
    found = {address for route, address in plain.items() if "logout" not in route and "admin/auth" not in route}
    found |= {reverse("elements:instance", args=[element.slug, each]) for each in instances[::4]}
    found |= {reverse("elements:event_reschedule", args=[element.slug, pk]) for pk in events[::9]}
    found |= {f"/e/wild/instances/?page={page}&per_page=100&{columns()}" for page in (1, 2)}
    found |= {"/e/wild/events/?when=all", "/e/wild/instances/?q=wild", "/find/?q=wild", "/?q=wild"}
    return found | {"/e/wild/instances/?sort=tag:env&col=tag:env", "/e/wild/debug/export.json"}


def test_every_page_shows_text_as_text(element, admin_client):
    wrong, found = {}, addresses_of(element)

    for address in sorted(found):
        for headers in ({}, {"X-Fragment": "live"}):
            if said := wrong_with(admin_client.get(address, headers=headers)):
                wrong[address] = said

    wrong.pop("/readyz", None)  # nothing polls in a test
    print(f"{len(found) * 2} pages read")
    assert wrong == {}


def columns():
    from elements.tables.instances import CHOICES

    return "&".join(f"col={choice.name}" for choice in CHOICES)


def test_names_are_there_to_be_read_each_with_its_id_and_kept_apart_from_their_neighbours(element, admin_client):
    text = "".join(admin_client.get(f"/e/wild/instances/?page={page}&per_page=100").content.decode() for page in (1, 2))

    for payload in wild.MARKUP:
        assert escape(payload) in text, payload
    for instance in element.instances.filter(display_name__contains="\u202e"):
        assert f"<bdi>{escape(instance.display_name)}</bdi>" in text
        assert instance.instance_id in text


def test_confirming_names_the_instances_as_text(element, admin_client):
    ids = [each.instance_id for each in element.instances.all()[:60]]

    for action in ("start", "stop", "reboot"):
        answer = admin_client.get("/e/wild/actions/confirm/", {"action": action, "id": ids})
        assert (answer.status_code, wrong_with(answer)) == (200, [])


def test_every_row_can_be_stored_and_sent_as_utf_8_without_controls_in_its_name(element):
    for instance in element.instances.all():
        for field in instance._meta.concrete_fields:
            value = getattr(instance, field.attname)
            if isinstance(value, str):
                value.encode()
                assert "\x00" not in value
        assert 0 < len(instance.display_name) <= 255
        assert not {unicodedata.category(character) for character in instance.display_name} & {"Cc", "Cs"}


FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def test_no_cell_of_an_export_is_a_formula_and_json_is_data(element, admin_client):
    csv.field_size_limit(10_000_000)
    for name in ("instances/export.csv?" + columns(), "debug/export.csv"):
        answer = admin_client.get(f"/e/wild/{name}")
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")))
        assert len(rows) > 1
        assert [
            cell
            for row in rows
            for cell in row
            if cell.strip(" \u00a0\u200b\ufeff\"'").startswith(FORMULA) and not cell.startswith("'")
        ] == []
        assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.csv"', answer.headers["Content-Disposition"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    answer = admin_client.get("/e/wild/debug/export.json")
    assert isinstance(json.loads(b"".join(answer.streaming_content)), list)
    assert answer.headers["Content-Type"].startswith("application/json")


def test_a_wall_that_needs_no_sign_in_shows_text_as_text(element):
    from elements.models import WallScreen

    screen, token = WallScreen.objects.add("<wild>", by=builders.user("mona", "administrators"), now=timezone.now())

    answer = Client().get(reverse("elements:wall_of_screen", args=[token]))

    assert (answer.status_code, wrong_with(answer)) == (200, [])


def test_errors_of_aws_are_shown_as_text(aws, admin_client):
    other, wrong = builders.element(aws, aws.add_keys(), name="Refused"), {}

    for text in (*wild.MARKUP[:8], *wild.CODE[:3], *map(in_xml, wild.UNSEEN[3:7])):
        aws.clear_faults()
        aws.fault("error", code=text[:60], message=text, status=400)
        poll_once(other.pk, caller="poll", now=timezone.now())
        for address in ("/e/refused/general/", "/e/refused/debug/"):
            answer = admin_client.get(address)
            if said := wrong_with(answer):
                wrong[address, text] = said

    assert wrong == {}


def test_whoever_gives_out_ids_that_aws_never_gives_out_is_not_believed(aws, admin_client):
    other = builders.element(aws, aws.add_keys(), name="Refused")

    for text in (*wild.MARKUP[:5], *wild.CODE[:3], "a/b", "i-1\n", "..", "x" * 41):
        aws.world.instances.clear()
        aws.add_instances(extra={"InstanceId": in_xml(text)})
        poll_once(other.pk, caller="poll", now=timezone.now())

        assert "an InstanceId that AWS never gives out" in Poll.objects.get(element=other).failure_text
    assert other.instances.count() == 0

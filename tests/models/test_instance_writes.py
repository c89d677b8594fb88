"""Instance rows as they are written many at a time, in whatever way the database takes them best."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from elements.models import Instance
from elements.models.instance_writes import add_instances
from tests import builders

pytestmark = pytest.mark.django_db

WILD = ["\\N", "\\.", "a\tb\nc\rd", "'\"\\", "", "ü\u202e🎬", "NULL", "{}", "%s %(a)s"]


def row(number, text):
    now = timezone.now()
    return {
        "instance_id": f"i-{number}",
        "display_name": text,
        "state": "running",
        "name_is_shared": number % 2 == 0,
        "tags": {"Name": text, text: "value"},
        "search": text,
        "digest": "d",
        "raw_digest": bytes(range(256)),
        "launched_at": now if number else None,
        "private_ip_number": None,
        "first_seen_at": now,
        "observed_at": now,
    }


def test_what_is_written_is_read_back_to_the_letter():
    element, rows = builders.element(), [row(number, text) for number, text in enumerate(WILD)]

    add_instances(element.pk, rows, revision=7)

    for given, kept in zip(rows, Instance.objects.order_by("pk"), strict=True):
        read = {name: getattr(kept, name) for name in given}
        assert {**read, "raw_digest": bytes(read["raw_digest"])} == given
        assert (kept.element_id, kept.revision, kept.gone_at, kept.spot_type) == (element.pk, 7, None, "")


def test_an_instance_that_is_there_is_refused_as_by_every_database():
    element = builders.element()
    add_instances(element.pk, [row(1, "web")])

    with pytest.raises(IntegrityError), transaction.atomic():
        add_instances(element.pk, [row(2, "new"), row(1, "web")])

    assert [each.instance_id for each in Instance.objects.all()] == ["i-1"]

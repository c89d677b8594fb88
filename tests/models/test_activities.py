from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from elements.models import Activity
from tests import builders

pytestmark = pytest.mark.django_db


def note(**fields):
    return Activity.objects.note(**{"by": "maria.k", "kind": "setting", "text": "x", "now": timezone.now(), **fields})


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.save(),
        lambda entry: entry.delete(),
        lambda entry: Activity.objects.update(text="nothing happened"),
        lambda entry: Activity.objects.filter(pk=entry.pk).delete(),
        lambda entry: Activity.objects.update_or_create(pk=entry.pk, defaults={"text": "nothing happened"}),
        lambda entry: Activity.objects.bulk_update([entry], ["text"]),
    ],
)
def test_an_entry_is_neither_changed_nor_removed(change):
    entry = note()

    with pytest.raises(TypeError, match="written once"), transaction.atomic():
        change(entry)

    assert Activity.objects.get().text == "x"


def test_an_entry_outlives_its_element_and_keeps_its_name():
    element = builders.element()
    note(element=element)

    element.delete()

    assert Activity.objects.get().element_name == "Frankfurt"
    assert Activity.objects.get().element is None


def test_time_removes_the_oldest_entries_first_and_no_more_than_asked():
    now = timezone.now()
    entries = [note(now=now - timedelta(days=days)) for days in (500, 400, 300)]

    first = Activity.objects.forget_before(now - timedelta(days=366), at_most=1)
    kept = list(Activity.objects.newest())
    second = Activity.objects.forget_before(now - timedelta(days=366), at_most=9)

    assert (first, second) == (1, 1)
    assert kept == [entries[2], entries[1]]
    assert Activity.objects.get() == entries[2]

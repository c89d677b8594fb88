from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Element, Instance, Poll
from elements.usecases import store_reading
from elements.usecases.configure import save_naming_format, save_settings, switch_polling
from elements.usecases.poll_element import ElementPoll
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    aws.add_instances(names=["web", "web", "db"])
    row = builders.element(aws, aws.add_keys())
    poll(row)
    return Element.objects.get()


def poll(element):
    assert poll_once(element.pk, caller="poll", now=timezone.now()).ok


def save(element, text):
    return save_naming_format(element, text, by="maria", now=timezone.now())


def names():
    return set(Instance.objects.values_list("display_name", flat=True))


def test_a_new_format_renames_every_instance_at_the_next_poll_although_aws_shows_nothing_new(element):
    save(element, "{tag:Name}!")
    assert not any("!" in name for name in names())

    poll(element)

    assert all("!" in name for name in names())
    row = Element.objects.get()
    assert row.naming_effective_at >= row.naming_saved_at
    assert row.duplicate_names == 2


def test_a_format_saved_while_aws_is_read_is_the_one_that_the_poll_uses(element, monkeypatch):
    read = ElementPoll._read

    def read_and_save(self, gateway):
        answer = read(self, gateway)
        save(element, "{tag:Name}!")
        return answer

    monkeypatch.setattr(ElementPoll, "_read", read_and_save)

    poll(element)

    assert all("!" in name for name in names())
    assert Element.objects.get().naming_effective_at is not None


def test_a_format_saved_after_a_poll_made_its_names_is_not_in_effect(element, monkeypatch):
    note_gap = store_reading.note_gap

    def note_and_save(*args):
        save(element, "{tag:Name}?")
        note_gap(*args)

    save(element, "{tag:Name}!")
    monkeypatch.setattr(store_reading, "note_gap", note_and_save)

    poll(element)

    assert all("!" in name for name in names())
    assert Element.objects.get().naming_effective_at is None

    monkeypatch.undo()
    poll(element)
    assert all("?" in name for name in names())
    assert Element.objects.get().naming_effective_at is not None


def test_a_form_that_was_sent_before_a_poll_and_saved_after_it_waits_for_the_next(element):
    sent_at = timezone.now()
    save(element, "{tag:Name}!")
    poll(element)

    save_naming_format(element, "{tag:Name}?", by="maria", now=sent_at)

    assert Element.objects.get().naming_effective_at is None
    poll(element)
    assert Element.objects.get().naming_effective_at is not None


def test_a_poll_that_fails_puts_no_format_into_effect(element, aws):
    save(element, "{tag:Name}!")
    aws.fault("throttle", "DescribeInstances")

    assert not poll_once(element.pk, caller="poll", now=timezone.now()).ok

    assert Element.objects.get().naming_effective_at is None


def test_a_format_that_was_written_past_the_form_stops_no_poll(element):
    Element.objects.update(naming_format="{no such}")

    poll(element)

    assert "db" in names()


def test_the_next_poll_counts_the_new_interval_from_the_last_one(element):
    now = timezone.now()
    Poll.objects.update(started_at=now - timedelta(seconds=100), due_at=now + timedelta(hours=1))

    save_settings(element, {"interval_s": 120}, by="maria", now=now)

    assert Poll.objects.get().due_at == now + timedelta(seconds=20)


def test_an_interval_that_is_over_already_makes_the_poll_due_now(element):
    now = timezone.now()
    Poll.objects.update(started_at=now - timedelta(seconds=100), due_at=now + timedelta(hours=1))

    save_settings(element, {"interval_s": 10}, by="maria", now=now)

    assert Poll.objects.get().due_at == now


def test_an_element_in_back_off_is_not_tried_later_for_a_longer_interval(element):
    now = timezone.now()
    Poll.objects.update(failures=2, due_at=now + timedelta(seconds=5))

    save_settings(element, {"interval_s": 3600}, by="maria", now=now)

    assert Poll.objects.get().due_at == now + timedelta(seconds=5)


def test_other_settings_move_no_poll(element):
    due_at = Poll.objects.get().due_at

    save_settings(element, {"gone_retention_days": 3}, by="maria", now=timezone.now())

    assert Poll.objects.get().due_at == due_at


def test_switching_to_what_is_the_case_changes_nothing(element):
    assert not switch_polling(element, True, by="maria", now=timezone.now())


def test_an_element_without_a_poll_row_can_be_configured(element):
    Poll.objects.all().delete()

    assert save_settings(element, {"interval_s": 60}, by="maria", now=timezone.now())

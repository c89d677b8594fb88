"""What happens to an element while it is read."""

import threading
import uuid
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.signals import post_delete
from django.utils import timezone

from elements.models import Action, DebugRecord, Element, Instance, Poll
from elements.models.elements import leaving
from elements.models.polls import LeaseLost
from elements.usecases import configure, prune, removal, run_polls, store_reading
from elements.usecases.poll_element import ElementPoll, Superseded
from elements.usecases.run_polls import poll_once
from elements.usecases.side_by_side import running
from tests import builders
from tests.usecases.test_run_polls import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def poll(element):
    return poll_once(element.pk, caller="poll", now=timezone.now())


def begin(element):
    """Take the lease of an element and return its poll, not yet run."""
    token = Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)
    read = Element.objects.with_keys().select_related("poll").get(pk=element.pk)
    return ElementPoll(read, token, caller="poll", now=timezone.now())


def test_keys_stored_during_a_poll_win_over_what_it_read(aws):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    poll(element)
    aws.add_instances(count=1)
    begun = begin(element)
    element.store_keys(
        access_key_id="AKIADEMONEW", secret_access_key="new", session_token="", by="maria", now=timezone.now()
    )

    with pytest.raises(Superseded):
        begun.run()

    assert Instance.objects.count() == 1
    assert Element.objects.get().identified_at is None


@pytest.mark.parametrize(
    "change", [{"region": "eu-west-1"}, {"endpoint_url": "http://127.0.0.1:9"}, {"sts_endpoint_url": ""}]
)
def test_an_element_pointed_elsewhere_during_a_poll_gets_nothing_of_it(aws, change):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    begun = begin(element)
    Element.objects.update(**change)

    with pytest.raises(Superseded):
        begun.run()

    assert not Instance.objects.exists()


def test_a_poll_that_was_overtaken_by_a_change_is_due_again_at_once(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    aws.fault("slow", "DescribeInstances", seconds=0.01)
    monkeypatch.setattr(store_reading, "check_source", lambda element: (_ for _ in ()).throw(Superseded))

    assert poll(element) is None

    row = Poll.objects.get()
    assert row.lease == ""
    assert row.due_at <= timezone.now()


def test_a_poll_whose_lease_went_to_another_writes_nothing(aws):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    begun = begin(element)
    Poll.objects.update(lease="of-another")

    with pytest.raises(LeaseLost):
        begun.run()

    assert not Instance.objects.exists()
    assert Poll.objects.get().lease == "of-another"


@pytest.mark.parametrize("change", [{"lease": "of-another"}, {"lease": "of-another", "failures": 3}, {}])
def test_the_requests_of_a_poll_are_counted_once_however_it_ends(aws, change):
    begun = begin(builders.element(aws, aws.add_keys()))
    Poll.objects.update(**change)
    if "failures" in change:
        aws.fault("optin", "DescribeInstances")

    with pytest.raises(LeaseLost) if change else nullcontext():
        begun.run()

    assert Poll.objects.get().calls_total == len(aws.journal()) > 0


def test_a_failure_backs_off_but_not_over_a_poll_that_somebody_asked_for_meanwhile(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=60)
    aws.fault("optin", "DescribeInstances")
    poll(element)
    backed_off = Poll.objects.get().due_at
    begun = begin(element)
    asked_at = timezone.now()
    Poll.objects.make_due(element.pk, asked_at)

    begun.run()

    assert backed_off > asked_at + timedelta(seconds=40)
    assert Poll.objects.get().due_at == asked_at


def at_once(number, work):
    """Do the work in that many threads at the same moment and return what each gave."""
    together, results = threading.Barrier(number), []

    def run():
        together.wait()
        try:
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_many_polls_of_an_element_at_once_one_reads(aws):
    element = builders.element(aws, aws.add_keys())
    aws.fault("slow", "DescribeInstances", seconds=1)

    reports = at_once(8, lambda: poll(element))

    assert len([report for report in reports if report is not None]) == 1
    assert len(aws.journal("DescribeInstances")) == 1


def test_of_many_clocks_at_once_each_due_poll_goes_to_one():
    elements = {builders.element(name=f"element {number}").pk for number in range(10)}
    now = timezone.now()

    claims = at_once(8, lambda: run_polls.claim_batches(now))

    won = [pk for batches in claims for batch in batches for pk in batch.element_ids]
    assert sorted(won) == sorted(elements)


def test_of_many_deliveries_of_one_task_one_polls(aws):
    element = builders.element(aws, aws.add_keys())
    run_polls.claim_batches(timezone.now())

    at_once(8, lambda: run_polls.run_batch([element.pk], caller="poll"))

    wait_until(lambda: not running())  # a poll that takes a second is not waited for
    assert len(aws.journal("DescribeInstances")) == 1


def test_of_many_presses_of_poll_now_one_is_queued():
    element = builders.element()
    now = timezone.now()

    assert sorted(at_once(8, lambda: Poll.objects.claim_now(element.pk, now))) == [False] * 7 + [True]


def test_an_element_paused_after_its_poll_was_queued_makes_no_call(aws):
    element = builders.element(aws, aws.add_keys())
    run_polls.claim_batches(timezone.now())
    element.set_paused(True, by="maria", now=timezone.now())

    run_polls.run_batch([element.pk], caller="poll")

    assert aws.journal() == []


def test_poll_now_during_a_poll_is_followed_by_another(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=3600)
    begun = begin(element)
    Poll.objects.claim_now(element.pk, timezone.now())
    run_polls.run_batch([element.pk], caller="poll")

    begun.run()

    assert [batch.element_ids for batch in run_polls.claim_batches(timezone.now())] == [[element.pk]]


def test_a_lease_that_is_kept_is_not_taken_for_lost(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    now = timezone.now()
    token = Poll.objects.lease(element.pk, now=now, seconds=60)
    late = now + timedelta(seconds=61)
    kept = Poll.with_result

    def renewed_meanwhile(self, *args):
        Poll.objects.filter(pk=self.pk).update(leased_until=late + timedelta(seconds=60))
        return kept(self, *args)

    monkeypatch.setattr(Poll, "with_result", renewed_meanwhile)

    run_polls.give_up_lost(late)

    assert Poll.objects.get().lease == token


def beside(work):
    """Do the work in a thread of its own; return once it is over or waits for a lock, and how to get its result."""
    results = []

    def run():
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(1)

    def result():
        thread.join(30)
        return results[0]

    return result


@pytest.mark.services
def test_pruning_waits_for_no_element_while_it_holds_others():
    """Who renews several leases takes Poll rows in any order: each would wait for the other."""
    now = timezone.now()
    held, free = (builders.element(name=name, slug=name) for name in ("held", "free"))
    for element in (held, free):
        builders.instance(element, element.name)
        settled = {
            "status": "confirmed",
            "settled_at": now - timedelta(days=100),
            "requested_at": now,
            "expires_at": now,
        }
        Action.objects.create(element=element, batch=uuid.uuid4(), instance_id_text=element.name, **settled)
    Instance.objects.update(gone_at=now - timedelta(days=30))

    with transaction.atomic():
        Poll.objects.select_for_update().get(element=held)
        assert isinstance(beside(lambda: prune.prune(now))(), int)
        assert [row.element for row in (*Instance.objects.all(), *Action.objects.all())] == [held, held]

    prune.prune(now)
    assert not Instance.objects.exists() and not Action.objects.exists()
    assert [poll.removed_actions for poll in Poll.objects.all()] == [{"confirmed": 1}] * 2


def test_settings_saved_while_a_poll_writes_wait_for_it(aws, monkeypatch):
    aws.add_instances(count=1)
    element = builders.element(aws, aws.add_keys())
    configure.save_naming_format(element, "{instance_id}", by="maria", now=timezone.now())
    saved, counted = [], store_reading.count

    def save_meanwhile(*args, **kwargs):
        saved.append(
            beside(lambda: configure.save_settings(element, {"interval_s": 60}, by="maria", now=timezone.now()))
        )
        return counted(*args, **kwargs)

    monkeypatch.setattr(store_reading, "count", save_meanwhile)

    report = poll(element)

    assert (report.error, saved[0]()) == ("", True)
    element.refresh_from_db()
    assert element.interval_s == 60
    assert element.naming_effective_at is not None


def test_a_debug_record_of_a_poll_under_way_does_not_keep_an_element_from_being_removed():
    element = builders.element()
    late = []

    def record_late(**kwargs):
        late.append(beside(lambda: element.debug_records.create(at=timezone.now(), attempt=1)))

    post_delete.connect(record_late, sender=Poll)
    try:
        removal.remove(element, by="maria", now=timezone.now(), patience_s=0)
    finally:
        post_delete.disconnect(record_late, sender=Poll)

    assert late[0]().pk
    removal.go_on([element.pk])
    assert not leaving().exists()
    assert not DebugRecord.objects.exists()


def test_outside_a_transaction_an_element_is_not_taken_for_locked_whoever_locked_one_before():
    element = builders.element()
    with transaction.atomic():
        assert Poll.objects.lock_with_element(element.pk)

    with pytest.raises(transaction.TransactionManagementError):
        Poll.objects.lock_with_element(element.pk)


def test_an_element_is_locked_before_its_poll_row_by_whoever_locks_both():
    assert Poll.objects.locked_with_element().query.select_for_update_of == ("element", "self")


@pytest.mark.parametrize("failures", [1, F("failures") + 1], ids=["composed once", "with an expression"])
def test_a_lease_is_given_back_once(failures):
    element = builders.element()
    token = Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)

    Poll.objects.release(element.pk, token, failures=failures)

    with pytest.raises(LeaseLost):
        Poll.objects.release(element.pk, token, failures=failures)
    assert Poll.objects.get(element=element).failures == 1

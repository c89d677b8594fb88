import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.domain.lanes import Batch
from elements.models import Element, Instance, Poll, WorkerBeat
from elements.usecases import run_polls
from elements.usecases.side_by_side import running
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_element_without_a_poll_row_gets_one_that_is_due():
    builders.element()
    Poll.objects.all().delete()

    run_polls.ensure()

    assert len(run_polls.claim_batches(timezone.now())) == 1


def test_a_due_poll_is_claimed_by_one_of_many_clocks():
    element = builders.element()
    now = timezone.now()

    claims = [run_polls.claim_batches(now) for _ in range(3)]

    assert claims == [[Batch([element.pk], "quick")], [], []]


def test_a_poll_is_due_again_one_interval_after_it_was_due_however_late_it_ran(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=30)
    due_at = timezone.now() - timedelta(seconds=3)
    Poll.objects.update(due_at=due_at)

    run_polls.poll_once(element.pk, caller="poll", now=timezone.now())

    assert Poll.objects.get().due_at == due_at + timedelta(seconds=30)


def test_what_a_clock_a_little_ahead_queued_is_polled_once(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=30)
    now = timezone.now()
    due_at = now + timedelta(seconds=2)
    Poll.objects.update(due_at=due_at)
    run_polls.claim_batches(now + timedelta(seconds=3))

    run_polls.run_batch([element.pk], caller="poll")

    wait_until(lambda: not running())
    assert Poll.objects.get().due_at == due_at + timedelta(seconds=30)
    assert run_polls.claim_batches(now + timedelta(seconds=4)) == []


def test_what_somebody_polls_before_its_time_keeps_its_time(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=30)
    now = timezone.now()
    Poll.objects.update(due_at=now + timedelta(seconds=9))

    run_polls.poll_once(element.pk, caller="command", now=now)

    assert Poll.objects.get().due_at == now + timedelta(seconds=9)


def test_after_a_long_stop_there_is_one_poll_and_the_next_is_a_whole_interval_away(aws):
    element = builders.element(aws, aws.add_keys(), interval_s=30)
    now = timezone.now()
    Poll.objects.update(due_at=now - timedelta(hours=8))

    run_polls.poll_once(element.pk, caller="poll", now=now)

    assert Poll.objects.get().due_at == now + timedelta(seconds=30)


def test_a_task_that_was_lost_is_queued_again_after_some_seconds_whatever_the_interval():
    element = builders.element(interval_s=86_400)
    now = timezone.now()
    run_polls.claim_batches(now)

    claims = [run_polls.claim_batches(now + timedelta(seconds=s)) for s in (14, 15)]

    assert claims == [[], [Batch([element.pk], "quick")]]


def test_tasks_that_piled_up_while_no_worker_ran_make_one_poll(aws):
    element = builders.element(aws, aws.add_keys())
    for minutes in range(3):
        assert run_polls.claim_batches(timezone.now() + timedelta(minutes=minutes))

    for _ in range(3):
        run_polls.run_batch([element.pk], caller="poll")

    wait_until(lambda: not running())
    assert len(aws.journal("DescribeInstances")) == 1


def test_poll_now_is_queued_once_however_often_it_is_pressed():
    element = builders.element()
    now = timezone.now()

    assert [Poll.objects.claim_now(element.pk, now) for _ in range(3)] == [True, False, False]


def test_a_paused_element_is_not_claimed():
    builders.element(paused=True)

    assert run_polls.claim_batches(timezone.now() + timedelta(seconds=1)) == []


def test_a_hanging_element_delays_no_other(aws):
    slow_keys, keys = aws.add_keys(), aws.add_keys()
    aws.add_instances(count=1)
    slow = builders.element(aws, slow_keys, name="slow")
    quick = builders.element(aws, keys, name="quick")
    aws.fault("hang", "DescribeInstances", access_key_id=slow_keys.access_key_id)
    run_polls.claim_batches(timezone.now())

    began = time.monotonic()
    run_polls.run_batch([slow.pk, quick.pk], caller="poll")

    assert time.monotonic() - began < 5
    wait_until(Instance.objects.exists)
    assert Instance.objects.get().element_id == quick.pk
    aws.close()  # lets the hanging thread end
    wait_until(lambda: not Poll.objects.get(element=slow).lease)


def test_of_the_big_elements_one_is_read_at_a_time_where_two_workers_are(settings):
    settings.WORKERS = 2
    now = timezone.now()
    elements = [builders.element(name=f"Big {number}") for number in range(3)]
    small = builders.element(name="Small")
    Poll.objects.update(due_at=now)
    Poll.objects.exclude(element=small).update(counts={"total": 50_000})

    first = run_polls.claim_batches(now)
    second = run_polls.claim_batches(now + timedelta(seconds=1))
    for row in (small, elements[0]):
        Poll.objects.lease(row.pk, now=now, seconds=60, interval_s=3600)
    reading = run_polls.claim_batches(now + timedelta(seconds=14))
    hanging = run_polls.claim_batches(now + timedelta(seconds=21))

    assert [batch.lane for batch in first] == ["quick", "big"]
    assert (second, reading) == ([], [])
    assert [batch.lane for batch in hanging] == ["big"]


def test_each_host_that_works_reads_a_big_element(settings):
    settings.WORKERS = 2
    now = timezone.now()
    for number in range(3):
        builders.element(name=f"Big {number}")
        WorkerBeat.objects.stamp("default", f"host-{number}", now - timedelta(minutes=number))
    Poll.objects.update(counts={"total": 50_000}, due_at=now)
    WorkerBeat.objects.stamp("ops", "host-0", now)

    assert len(run_polls.claim_batches(now)) == 1
    WorkerBeat.objects.stamp("default", "host-1", now)
    assert len(run_polls.claim_batches(now)) == 1


def test_a_worker_with_many_polls_that_hang_leaves_further_slow_ones_to_others(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    monkeypatch.setattr(run_polls, "running", lambda: run_polls.MOST_AT_ONCE)
    Poll.objects.update(duration_ms=60_000)
    [batch] = run_polls.claim_batches(timezone.now())

    run_polls.run_batch(batch.element_ids, batch.lane, caller="poll")

    assert aws.journal() == []
    assert run_polls.claim_batches(timezone.now()) == [Batch([element.pk], "slow")]


def test_a_paused_element_that_was_queued_is_due_as_soon_as_it_is_not_paused(aws):
    element = builders.element(aws, aws.add_keys())
    run_polls.claim_batches(timezone.now())
    element.set_paused(True, by="maria", now=timezone.now())
    run_polls.run_batch([element.pk], caller="poll")
    wait_until(lambda: not running())

    element.set_paused(False, by="maria", now=timezone.now())

    assert run_polls.claim_batches(timezone.now()) == [Batch([element.pk], "quick")]


def test_a_thousand_due_polls_are_claimed_with_a_few_queries(django_assert_max_num_queries):
    for number in range(30):
        builders.element(name=f"element {number}")

    with django_assert_max_num_queries(5):
        run_polls.claim_batches(timezone.now())


def test_a_poll_whose_worker_vanished_is_said_and_tried_again():
    element = builders.element()
    now = timezone.now()
    assert Poll.objects.lease(element.pk, now=now, seconds=60)

    run_polls.give_up_lost(now + timedelta(seconds=61))

    poll = Poll.objects.get()
    assert (poll.failures, poll.lease, poll.failure_code) == (1, "", "CutOff")


def test_an_element_deleted_during_its_poll_troubles_nobody(aws, caplog):
    element = builders.element(aws, aws.add_keys())
    aws.fault("slow", "DescribeInstances", seconds=1)
    run_polls.claim_batches(timezone.now())
    batch = threading.Thread(target=run_polls.run_batch, args=([element.pk],), kwargs={"caller": "poll"})
    batch.start()
    wait_until(lambda: aws.journal("DescribeInstances"))

    Element.objects.all().delete()
    batch.join()

    assert [entry.message for entry in caplog.records if entry.levelname == "ERROR"] == []


def wait_until(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)

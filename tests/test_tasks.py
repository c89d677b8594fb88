import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Task
from django_q.signals import post_execute, pre_enqueue
from django_q.signing import SignedPackage
from redis.exceptions import ConnectionError as RedisConnectionError

from elements import tasks
from elements.models import WorkerBeat
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def another_process(monkeypatch):
    monkeypatch.setattr(tasks, "_noted", {})
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)  # it would end the test's transaction


def result_arrived(**task):
    post_execute.send(sender="django_q", task={"func": "elements.tasks.beat", "success": True, **task})


@pytest.mark.parametrize(("cluster", "queue"), [("ec2mon", "default"), ("ops", "ops")])
def test_a_result_that_arrives_proves_that_its_queue_works(cluster, queue):
    result_arrived(cluster=cluster)

    assert [beat.queue for beat in WorkerBeat.objects.all()] == [queue]


def test_any_task_is_a_proof_even_one_that_failed():
    result_arrived(cluster="ops", func="elements.tasks.follow", success=False)

    assert WorkerBeat.objects.get().queue == "ops"


def test_many_results_are_one_write(django_assert_num_queries):
    result_arrived(cluster="ops")

    with django_assert_num_queries(0):
        result_arrived(cluster="ops")


@pytest.mark.parametrize("kind", [DatabaseError, InterfaceError])
def test_a_beat_that_cannot_be_stored_does_not_end_the_process(monkeypatch, caplog, kind):
    def refuse(*args):
        raise kind("the disk is full")

    monkeypatch.setattr(WorkerBeat.objects, "stamp", refuse)

    result_arrived(cluster="ops")

    assert "the beat of queue ops could not be stored: the disk is full" in caplog.text
    assert tasks._noted == {}


@pytest.mark.parametrize(("queue", "cluster"), [("default", None), ("ops", "ops")])
def test_a_beat_is_asked_of_the_queue_itself(queue, cluster):
    queued = []

    def keep(sender, task, **kwargs):
        queued.append((task["func"], task.get("cluster"), task["save"]))

    pre_enqueue.connect(keep)
    tasks.ask_for_beat(queue)
    pre_enqueue.disconnect(keep)

    assert queued == [("elements.tasks.beat", cluster, False)]


def test_failures_of_tasks_are_not_kept_for_ever():
    now = timezone.now()
    for days in (6, 8):
        stopped = now - timedelta(days=days)
        Task.objects.create(id=f"{days}", name=f"{days}", func="f", started=stopped, stopped=stopped, success=False)

    tasks.prune_all()

    assert [failure.name for failure in Failure.objects.all()] == ["6"]


def test_sessions_that_are_over_are_not_kept():
    for key, hours in (("over", -1), ("going on", 1)):
        expires = timezone.now() + timedelta(hours=hours)
        Session.objects.create(session_key=key, session_data="", expire_date=expires)

    tasks.prune_all()

    assert [session.session_key for session in Session.objects.all()] == ["going on"]


def test_the_schedules_are_those_of_the_table():
    assert {row.name: row.func for row in Schedule.objects.all()} == tasks.SCHEDULES


@pytest.mark.once  # elsewhere the queue is Redis
def test_a_queue_says_how_many_tasks_wait_and_since_when():
    now = timezone.now()
    for minutes in (3, 1, -1):
        OrmQ.objects.create(key="ops", payload="x", lock=now - timedelta(minutes=minutes))

    default, ops = tasks.queues(now)

    assert (default.waiting, default.oldest_at) == (0, None)
    assert (ops.waiting, ops.oldest_at) == (2, now - timedelta(minutes=3))


class FakeBroker:
    """What a Redis broker offers of its list."""

    list_key = "django_q:ops:q"

    def __init__(self, payloads, error=None):
        self.connection, self.payloads, self.error = self, payloads, error

    def llen(self, key):
        if self.error:
            raise self.error
        return len(self.payloads)

    def lindex(self, key, index):
        return self.payloads[index] if self.payloads else None


def test_a_queue_in_redis_says_the_same(monkeypatch):
    started = timezone.now() - timedelta(minutes=2)
    waiting = FakeBroker([SignedPackage.dumps({"started": started}), SignedPackage.dumps({"started": timezone.now()})])
    monkeypatch.setattr(tasks.Conf, "ORM", None)
    monkeypatch.setattr(tasks, "get_broker", lambda key: waiting if key == "ops" else FakeBroker([]))

    default, ops = tasks.queues(timezone.now())

    assert (default.waiting, default.oldest_at) == (0, None)
    assert (ops.waiting, ops.oldest_at) == (2, started)


def test_a_redis_that_does_not_answer_is_said_not_raised(monkeypatch):
    monkeypatch.setattr(tasks.Conf, "ORM", None)
    monkeypatch.setattr(tasks, "get_broker", lambda key: FakeBroker([], RedisConnectionError("refused")))

    assert [queue.waiting for queue in tasks.queues(timezone.now())] == [None, None]


def without_a_queue(monkeypatch):
    def refuse(*args, **kwargs):
        raise RedisConnectionError("connection refused")

    monkeypatch.setattr(tasks, "async_task", refuse)


def test_what_is_stored_waits_for_the_clock_while_there_is_no_queue(monkeypatch, caplog):
    without_a_queue(monkeypatch)
    element = builders.element()

    tasks.poll_now(element.pk)
    tasks.send(element.pk, [1])

    assert caplog.text.count("could not be queued, so it waits for the clock: connection refused") == 2


def test_a_request_that_nobody_can_send_expires_while_there_is_no_queue(monkeypatch):
    without_a_queue(monkeypatch)
    element, now = builders.element(), timezone.now()
    times = {"requested_at": now - timedelta(seconds=61), "expires_at": now - timedelta(seconds=1)}
    action = element.actions.create(instance_id_text="i-1", batch=uuid.uuid4(), verb="stop", **times)

    with pytest.raises(RedisConnectionError):
        tasks.tick(now)

    action.refresh_from_db()
    assert action.status == "expired"

"""What django-q runs, a few lines each, and the table of its schedules. Arguments are ids, never values."""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
from django.db import Error, close_old_connections
from django.db.models import Count, Min
from django.dispatch import receiver
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.signals import post_execute
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from redis.exceptions import RedisError

from elements.domain.lanes import QUICK
from elements.domain.machinery import QUEUES, Queue
from elements.domain.traces import TASK, traced
from elements.models import Element, Poll, WorkerBeat
from elements.usecases import compact, follow_actions, prune, run_polls
from elements.usecases.change_instance_state import perform

log = logging.getLogger(__name__)

DEFAULT, OPS = "default", "ops"
BEAT_EVERY_S = 5.0
KEEP_FAILURES_DAYS = 7
FORGOTTEN_AT_ONCE = 500


def work(queue: str) -> None:
    """Run what is queued until SIGTERM: a process for each of the queue's workers, forked from this one."""
    if queue == OPS:  # Q_CLUSTER_NAME does it too, but only where django-q was not imported before
        Conf.CLUSTER_NAME = OPS
        for name, value in settings.Q_CLUSTER["ALT_CLUSTERS"][OPS].items():
            setattr(Conf, name.upper(), value)
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()


def tick(now: datetime) -> None:
    """Queue whatever is due. Called each second by the clock; running it twice costs nothing.

    What needs no queue comes first: it is done even while there is none.
    """
    run_polls.ensure()
    run_polls.give_up_lost(now)
    follow_actions.expire(now)
    for batch in run_polls.claim_batches(now):
        async_task("elements.tasks.poll_batch", batch.element_ids, batch.lane)
    for element_id in follow_actions.elements_to_look_at(now):
        async_task("elements.tasks.follow", element_id, cluster=OPS)
    for element_id, pks in follow_actions.stuck_requests(now):
        send(element_id, pks)


def send(element_id: int, action_pks: list[int]) -> None:
    """Queue the sending of stored actions; the rows decide whether they are still to be sent."""
    _wake("elements.tasks.perform_actions", element_id, action_pks, cluster=OPS)


def poll_now(element_id: int) -> None:
    """Queue one poll of one element, ahead of its time, unless one is on its way."""
    if Poll.objects.claim_now(element_id, timezone.now()):
        _wake("elements.tasks.poll_batch", [element_id])


def _wake(func: str, *args: Any, **options: Any) -> None:
    """Queue what the rows say too: without a queue nobody who asks is told of a mistake, and the clock tries again."""
    try:
        async_task(func, *args, **options)
    except RedisError as error:
        log.warning("%s could not be queued, so it waits for the clock: %s", func, error)


def ask_for_beat(queue: str) -> None:
    """Queue a task that does nothing but come back: see `note_beat`."""
    async_task("elements.tasks.beat", save=False, **({"cluster": OPS} if queue == OPS else {}))


def beat() -> None:
    """Do nothing; that its result arrives is what counts."""


@receiver(post_execute)
def note_beat(sender: Any, task: dict[str, Any], **kwargs: Any) -> None:
    """Stamp the queue's beat whenever the result of a task, whichever, has arrived and been acknowledged.

    Runs in the process that collects results. A cluster whose workers hang, whose results no longer arrive or which
    takes nothing from the queue looks healthy in every other way.
    """
    queue = OPS if task.get("cluster") == OPS else DEFAULT
    now = time.monotonic()
    if task.get("sync") or now - _noted.get(queue, -BEAT_EVERY_S) < BEAT_EVERY_S:
        return
    close_old_connections()
    try:
        WorkerBeat.objects.stamp(queue, settings.BEAT_HOST, timezone.now())
    except Error as error:  # raised, it would end the process
        log.warning("the beat of queue %s could not be stored: %s", queue, error)
    else:
        _noted[queue] = now


_noted: dict[str, float] = {}


def queues(now: datetime) -> list[Queue]:
    """Return what waits in each queue, and since when."""
    return [_of_database(name, now) if Conf.ORM else _of_redis(name) for name in QUEUES]


def _of_database(name: str, now: datetime) -> Queue:
    """Read django-q's rows: `lock` is when a task was queued, or until when a worker has it."""
    waiting = OrmQ.objects.filter(key=_key(name), lock__lte=now).aggregate(number=Count("pk"), oldest_at=Min("lock"))
    return Queue(name, waiting["number"], waiting["oldest_at"])


def _of_redis(name: str) -> Queue:
    broker = get_broker(_key(name))
    try:
        number, first = broker.connection.llen(broker.list_key), broker.connection.lindex(broker.list_key, 0)
        return Queue(name, number, SignedPackage.loads(first)["started"] if first else None)
    except (RedisError, BadSignature) as error:
        log.warning("queue %s could not be read: %s", name, error)
        return Queue(name, None)


def _key(name: str) -> str:
    return OPS if name == OPS else Conf.CLUSTER_NAME


def poll_batch(element_ids: list[int], lane: str = QUICK.name) -> None:
    """Poll some elements, in the way that suits them."""
    run_polls.run_batch(element_ids, lane, caller="poll")


@traced(TASK)
def follow(element_id: int) -> None:
    """Look at an element's instances under an action."""
    element = Element.objects.filter(pk=element_id).first()
    if element is not None:
        follow_actions.follow(element, now=timezone.now())


@traced(TASK)
def perform_actions(element_id: int, action_pks: list[int]) -> None:
    """Send stored actions."""
    element = Element.objects.filter(pk=element_id).first()
    rest = perform(element, action_pks, clock=timezone.now) if element is not None else []
    if rest:
        send(element_id, rest)


@traced(TASK)
def prune_all() -> None:
    """Remove what has been kept long enough, and what django-q would keep for ever; give back what that took."""
    now = timezone.now()
    prune.prune(now)
    old = Failure.objects.filter(stopped__lt=now - timedelta(days=KEEP_FAILURES_DAYS)).order_by("stopped")
    Failure.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
    compact.compact()


def scheduled_tick() -> None:
    """Do the clock's work once a minute where nothing supervises a clock."""
    tick(timezone.now())


SCHEDULES = {"tick": "elements.tasks.scheduled_tick", "prune": "elements.tasks.prune_all"}


def write_schedules(sender: Any, **kwargs: Any) -> None:
    """Make django-q's Schedule rows what the table says, after each migrate."""
    for name, func in SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name, defaults={"func": func, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
        )

"""What django-q runs, a few lines each, and the table of its schedules. Arguments are ids, never values."""

import socket
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from elements.models import Element, WorkerBeat
from elements.usecases import follow_actions, prune, run_polls
from elements.usecases.change_instance_state import perform

OPS = "ops"


def tick(now: datetime) -> None:
    """Queue whatever is due. Called each second by the clock; running it twice costs nothing."""
    run_polls.ensure()
    run_polls.give_up_lost(now)
    for batch in run_polls.claim_batches(now):
        async_task("elements.tasks.poll_batch", batch)
    follow_actions.expire(now)
    for element_id in follow_actions.elements_to_look_at(now):
        async_task("elements.tasks.follow", element_id, cluster=OPS)
    for element_id, pks in follow_actions.stuck_requests(now):
        send(element_id, pks)


def send(element_id: int, action_pks: list[int]) -> None:
    """Queue the sending of stored actions; the rows decide whether they are still to be sent."""
    async_task("elements.tasks.perform_actions", element_id, action_pks, cluster=OPS)


def poll_now(element_id: int) -> None:
    """Queue one poll of one element, ahead of its time."""
    async_task("elements.tasks.poll_batch", [element_id])


def beat_all() -> None:
    """Queue a beat for each cluster."""
    async_task("elements.tasks.beat", "default")
    async_task("elements.tasks.beat", OPS, cluster=OPS)


def beat(queue: str) -> None:
    """Prove that this host's cluster works."""
    WorkerBeat.objects.stamp(queue, socket.gethostname(), timezone.now())


def poll_batch(element_ids: list[int]) -> None:
    """Poll some elements."""
    run_polls.run_batch(element_ids, caller="poll")


def follow(element_id: int) -> None:
    """Look at an element's instances under an action."""
    element = Element.objects.filter(pk=element_id).first()
    if element is not None:
        follow_actions.follow(element, now=timezone.now())


def perform_actions(element_id: int, action_pks: list[int]) -> None:
    """Send stored actions."""
    element = Element.objects.filter(pk=element_id).first()
    if element is not None:
        perform(element, action_pks, clock=timezone.now)


def prune_all() -> None:
    """Remove what has been kept long enough."""
    prune.prune(timezone.now())


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

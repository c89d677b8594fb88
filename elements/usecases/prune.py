"""Remove what has been kept long enough, in small steps that hold no lock for long."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet

from elements.models import Action, Activity, Change, DebugRecord, Instance, Poll, ScheduledEvent, WorkerBeat
from elements.models.instance_descriptions import InstanceDescription
from elements.usecases import backlogs, removal
from elements.usecases.backlogs import Backlog
from elements.usecases.steps import Clock, Find, Job, Keys, first, remove_rows, take_turns

# A run ends after this long, well before its task would be cut off; the next one goes on a minute later.
RUN_S = 20.0
ACTION_DAYS = 90
ACTIVITY_DAYS = 366
# As many elements are looked at by one statement; databases limit how long it may be.
TOGETHER = 100


def prune(now: datetime, *, clock: Clock = time.monotonic) -> int:
    """Apply every retention: instances, scheduled events, history, Debug records, actions, Activity, sessions.

    What elements that were removed or moved leave behind goes first.

    Every kind takes one step in turn, and within a step every element has its share, the most overdue first: one big
    backlog keeps nothing else waiting, however short the run. Return how many rows were removed.
    """
    return take_turns([*removal.jobs(), *_of_elements(now), *_of_all(now)], RUN_S, clock)


class _Shared:
    """Finds rows of many elements, in turn, with one statement for many of them."""

    def __init__(self, model: type[Model], column: str, found: list[Backlog]) -> None:
        self._model, self._column, self._waiting = model, column, deque(found)

    def __call__(self, size: int) -> tuple[Keys, bool]:
        turn = [self._waiting.popleft() for _ in range(min(size, TOGETHER, len(self._waiting)))]
        share = size // len(turn)
        rows = backlogs.oldest_of(self._model, self._column, [(backlog, share) for backlog in turn])
        taken = Counter(element_id for element_id, _ in rows)
        self._waiting.extend(backlog for backlog in turn if taken[backlog.element_id] >= share)
        return sorted(key for _, key in rows), bool(self._waiting)


def _of_elements(now: datetime) -> Iterator[Job]:
    for kept, found in backlogs.by_age(now).items():
        if found:
            remove = _remove_instances if kept.model is Instance else remove_rows(kept.model)
            yield Job(_Shared(kept.model, kept.column, found), remove)
    if surplus := backlogs.by_number():
        yield Job(_Shared(DebugRecord, "id", surplus), remove_rows(DebugRecord))


def _of_all(now: datetime) -> Iterator[Job]:
    yield Job(_settled_before(_days_ago(now, ACTION_DAYS)), _remove_actions)
    year = _days_ago(now, ACTIVITY_DAYS)
    forget = lambda keys: Activity.objects.forget_before(year, at_most=len(keys))  # noqa: E731
    yield Job(first(Activity.objects.filter(at__lt=year), "at"), forget)
    yield Job(first(Session.objects.filter(expire_date__lt=now), "expire_date"), remove_rows(Session))
    yield Job(first(WorkerBeat.objects.filter(at__lt=_days_ago(now, 1)), "at"), remove_rows(WorkerBeat))


def _settled_before(limit: datetime) -> Find:
    """Find old settled actions. They are numbered as they were asked for, so only the first ones are looked at."""

    def find(size: int) -> tuple[Keys, bool]:
        ended = Action.objects.filter(settled_at__isnull=False).order_by("pk").values_list("pk", "settled_at")
        keys = [pk for pk, settled_at in ended[:size] if settled_at and settled_at < limit]
        return keys, len(keys) == size

    return find


def _remove_actions(keys: Keys) -> None:
    keys = _counted(Action.objects.filter(pk__in=keys))
    Change.objects.filter(action__in=keys).update(action=None)
    remove_rows(Action)(keys)


def _counted(actions: "QuerySet[Action]") -> Keys:
    """Add up by outcome what is removed, so that the totals of /metrics never go down, and return what may go.

    As below, what is of elements whose Poll rows others hold is left to the next run.
    """
    of_these = Poll.objects.filter(element__in=actions.order_by().values("element"))
    polls = list(of_these.select_for_update(skip_locked=True).order_by("pk").only("element_id", "removed_actions"))
    held = of_these.exclude(pk__in=[poll.pk for poll in polls]).values("element")
    going, counted = list[int](), defaultdict[int, Counter[str]](Counter)
    for pk, element_id, status in (
        actions.exclude(element__in=held).order_by("pk").values_list("pk", "element_id", "status")
    ):
        going.append(pk)
        counted[element_id][status] += 1
    for poll in polls:
        removed = Counter(poll.removed_actions) + counted[poll.element_id]
        Poll.objects.filter(pk=poll.pk).update(removed_actions=dict(removed))
    return going


def _remove_instances(keys: Keys) -> None:
    """Remove instances with their descriptions, but for those that came back meanwhile.

    Poll rows are locked first, as by whoever else writes instances. What another holds is left to the next run: who
    waits for one while he holds some could wait for each other with whoever writes several in another order.
    """
    of_these = Instance.objects.filter(pk__in=keys).order_by().values("element")
    polls = Poll.objects.select_for_update(skip_locked=True).filter(element__in=of_these).order_by("pk")
    elements = list(polls.values_list("element_id", flat=True))
    gone = Instance.objects.select_for_update().filter(pk__in=keys, element__in=elements, gone_at__isnull=False)
    keys = list(gone.order_by("pk").values_list("pk", flat=True))
    ScheduledEvent.objects.filter(instance__in=keys).update(instance=None)
    Action.objects.filter(instance__in=keys).update(instance=None)
    remove_rows(InstanceDescription)(keys)
    remove_rows(Instance)(keys)
    for element_id in elements if keys else ():
        Poll.objects.next_revision(element_id)


def _days_ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)

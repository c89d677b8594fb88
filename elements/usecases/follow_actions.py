"""Look at the instances under an action until what AWS shows settles it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from elements.aws.errors import AwsError
from elements.domain.actions import GIVE_UP, Asked, Look, Settled, next_look_s, settle
from elements.domain.instance_states import RULES, VERBS, Verb
from elements.domain.snapshots import InstanceSnapshot
from elements.models import Action, Element, Poll
from elements.models.actions import AHEAD_S, ActionQuerySet
from elements.models.statements import GivenMoment, Statement
from elements.usecases.connect import KeysMissing, connect
from elements.usecases.store_snapshots import Moment, Seen, count, drop_checks, hold, store_rows, touch

log = logging.getLogger(__name__)

IDS_PER_LOOK = 100
# Looks of all elements share a worker: a silent AWS must not keep those of the others waiting.
LOOK_S = 10.0
# Whoever died during the call leaves an action sent but without an answer; a call takes 25 s at most.
SILENT_AFTER = timedelta(seconds=90)
# Looking gives up after 10 min; where nobody looks at all, the clock does.
UNSEEN_AFTER = timedelta(minutes=15)
# No look is so far ahead of now: what says so was written by a clock that was wrong.
CLOCK_WAS_WRONG = timedelta(seconds=AHEAD_S)
STUCK_AFTER, STUCK_AGAIN_AFTER = timedelta(seconds=5), timedelta(seconds=15)
LOST_CALL = "ec2mon stopped during the call, so AWS's answer is not known."
NOT_SENT = "Nobody could send it within 60 s, so it was not sent. Ask again if it is still wanted."
NOT_SEEN = "Nobody could look at the outcome for 15 min. Check that the ec2mon workers are running."
PAUSED = "Polling of this element was paused before the outcome was seen."


# What is asked for at a moment, or of which the text is composed for any.
Rows = Callable[[datetime | GivenMoment], ActionQuerySet]


def elements_to_look_at(now: datetime) -> list[int]:
    """Return the ids of elements with an action whose next look is due, and move that look on.

    The move is a compare-and-swap, so that one of several clocks gets each look.
    """
    won = set()
    for action in _TO_LOOK_AT.rows(now=now):
        later = now + timedelta(seconds=next_look_s(action.looks + 1))
        if Action.objects.filter(pk=action.pk, look_at=action.look_at).update(look_at=later, looks=action.looks + 1):
            won.add(action.element_id)
    return sorted(won)


def follow(element: Element, *, now: datetime) -> None:
    """Read the instances under an action by id and settle what can be settled.

    A read that fails settles nothing: the next look tries again, until the time to give up has passed. A paused
    element is not read.
    """
    actions = list(element.actions.awaiting_outcome().order_by("pk"))
    try:
        if not Element.objects.active().filter(pk=element.pk).exists():
            _end_all(element, actions, PAUSED, now)
            return
        for start in range(0, len(actions), IDS_PER_LOOK):
            _look(element, actions[start : start + IDS_PER_LOOK], now)
    except Poll.DoesNotExist:
        log.info("element %s was deleted while its actions were followed", element.pk)


def expire(now: datetime) -> None:
    """End requests nobody sent in time, open those to a look whose sender died, and end what nobody looks at."""
    said = {"error_code": "", "request_id": "", "message": LOST_CALL}  # nothing of what it was refused with before
    silent = {"status": "unanswered", "answered_at": now, "look_at": now, **said}
    _end_where(_refused, now, status="refused", answered_at=now, settled_at=now)
    _end_where(_late, now, status="expired", message=NOT_SENT, settled_at=now)
    _end_where(_lost, now, **silent)
    _end_where(_unseen, now, status="unknown", message=NOT_SEEN, settled_at=now, look_at=None)


def stuck_requests(now: datetime) -> list[tuple[int, list[int]]]:
    """Return requests that should have been sent by now, by element, for another try before they expire.

    Each is returned now and then only, so that a queue in which they wait is not filled with them.
    """
    by_element: dict[int, list[int]] = {}
    for element_id, pk in _STUCK.rows(now=now):
        by_element.setdefault(element_id, []).append(pk)
    for pks in by_element.values():
        _stuck(now).filter(pk__in=pks).update(look_at=now + STUCK_AGAIN_AFTER)
    return list(by_element.items())


def _late(now: datetime | GivenMoment) -> ActionQuerySet:
    return Action.objects.late(now).filter(error_code="")


def _refused(now: datetime | GivenMoment) -> ActionQuerySet:
    return Action.objects.late(now).exclude(error_code="")


def _lost(now: datetime | GivenMoment) -> ActionQuerySet:
    return Action.objects.filter(
        Q(sent_at__lte=now - SILENT_AFTER) | Q(sent_at__gt=now + CLOCK_WAS_WRONG), status="sent"
    )


def _unseen(now: datetime | GivenMoment) -> ActionQuerySet:
    return Action.objects.awaiting_outcome().filter(answered_at__lte=now - UNSEEN_AFTER)


def _stuck(now: datetime | GivenMoment) -> ActionQuerySet:
    late = Action.objects.in_time(now).filter(requested_at__lte=now - STUCK_AFTER)
    return late.filter(Q(look_at__isnull=True) | Q(look_at__lte=now))


def _to_look_at(now: datetime | GivenMoment) -> ActionQuerySet:
    due = Q(look_at__lte=now) | Q(look_at__gt=now + CLOCK_WAS_WRONG)
    return Action.objects.awaiting_outcome().filter(due).order_by("look_at")


def _elements_of(rows: Rows) -> Statement:
    return Statement(lambda: rows(GivenMoment("now")).order_by().values_list("element_id", flat=True))


_ELEMENTS: dict[Rows, Statement] = {rows: _elements_of(rows) for rows in (_refused, _late, _lost, _unseen)}
_STUCK = Statement(lambda: _stuck(GivenMoment("now")).order_by("pk").values_list("element_id", "pk"))
_TO_LOOK_AT = Statement(lambda: _to_look_at(GivenMoment("now"))[:1000])


def _end_where(rows: Rows, now: datetime, **values: object) -> None:
    """Change what is still so when the rows are held, and let open pages see it."""
    for element_id in set(_ELEMENTS[rows].rows(now=now)):
        with transaction.atomic():
            is_kept = hold(Element(pk=element_id))
            mine = rows(now).filter(element_id=element_id)
            ids = list(mine.values_list("instance_id_text", flat=True))
            mine.update(**values)
            if ids and is_kept:
                touch(Element(pk=element_id), ids)


def _look(element: Element, actions: Sequence[Action], now: datetime) -> None:
    ids = [action.instance_id_text for action in actions]
    try:
        snapshots = connect(element, caller="follow-up", deadline_s=LOOK_S).describe_instances_by_id(ids)
    except (AwsError, KeysMissing) as error:
        old = [action for action in actions if action.answered_at and now - action.answered_at >= GIVE_UP]
        _end_all(element, old, f"The outcome could not be read within 10 min. {error}", now)
    else:
        _apply(element, actions, {snapshot.instance_id: snapshot for snapshot in snapshots}, now)


def _apply(element: Element, actions: Sequence[Action], seen: Mapping[str, InstanceSnapshot], now: datetime) -> None:
    with transaction.atomic():
        if not hold(element):
            return
        shown = [a.instance_id_text for a in actions if _settle(a, seen.get(a.instance_id_text), now)]
        mine = list(element.instances.filter(instance_id__in=seen).values_list("instance_id", flat=True))
        # names are made by polls alone, so that the next one has to look at what was seen here
        shown_now = [Seen(each, replace(seen[each], raw_digest=b"")) for each in mine]
        changes = store_rows(element, shown_now, Moment(now, now))
        if drop_checks(element, mine, now) or changes:
            Poll.objects.keep_counts(element.pk, count(element))
        if shown:
            touch(element, shown)


def _settle(action: Action, snapshot: InstanceSnapshot | None, now: datetime) -> bool:
    """Save what one look says about one action and tell whether it ended."""
    look = Look(snapshot.state, snapshot.state_reason_code, snapshot.state_reason) if snapshot else Look("")
    asked = Asked(
        _verb(action),
        action.answered_at or action.requested_at,
        action.reason_before,
        action.passed_through,
        is_answered=action.status == "accepted",
    )
    result = settle(asked, look, now)
    if result.outcome != "wait":
        _end(action, result, now)
    elif look.state in RULES[asked.verb].passing and not action.passed_through:
        Action.objects.filter(pk=action.pk).update(passed_through=True)
    return result.outcome != "wait"


def _end(action: Action, result: Settled, now: datetime) -> None:
    Action.objects.filter(pk=action.pk, settled_at__isnull=True).update(
        status=result.outcome, message=result.message or action.message, settled_at=now, look_at=None
    )


def _end_all(element: Element, actions: Sequence[Action], why: str, now: datetime) -> None:
    """End actions whose outcome is not to be seen any more."""
    if not actions:
        return
    with transaction.atomic():
        touch(element, [action.instance_id_text for action in actions])
        for action in actions:
            _end(action, Settled("unknown", why), now)


def _verb(action: Action) -> Verb:
    return next(verb for verb in VERBS if verb == action.verb)

"""Look at the instances under an action until what AWS shows settles it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from elements.aws.errors import AwsError
from elements.domain.actions import Asked, Look, Settled, next_look_s, settle
from elements.domain.instance_states import RULES, VERBS, Verb
from elements.domain.snapshots import InstanceSnapshot
from elements.models import Action, Element
from elements.usecases.connect import KeysMissing, connect
from elements.usecases.store_snapshots import Named, store_instances, touch

IDS_PER_LOOK = 100
# A worker that died during the call leaves an action sent but without an answer.
SILENT_AFTER = timedelta(seconds=90)
LOST_CALL = "The worker stopped during the call, so AWS's answer is not known. The request may have arrived."
NOT_SENT = "Nobody could send it within 60 s, so it was not sent. Ask again if it is still wanted."


def elements_to_look_at(now: datetime) -> list[int]:
    """Return the ids of elements with an action whose next look is due, and move that look on.

    The move is a compare-and-swap, so that one of several clocks gets each look.
    """
    won = set()
    for action in Action.objects.awaiting_outcome().filter(look_at__lte=now).order_by("look_at")[:1000]:
        later = now + timedelta(seconds=next_look_s(action.looks + 1))
        if Action.objects.filter(pk=action.pk, look_at=action.look_at).update(look_at=later, looks=action.looks + 1):
            won.add(action.element_id)
    return sorted(won)


def follow(element: Element, *, now: datetime) -> None:
    """Read the instances under an action by id and settle what can be settled.

    A read that fails settles nothing: the next look tries again, until the time to give up has passed.
    """
    actions = list(element.actions.awaiting_outcome().order_by("pk"))
    for start in range(0, len(actions), IDS_PER_LOOK):
        chunk = actions[start : start + IDS_PER_LOOK]
        try:
            snapshots = connect(element, caller="follow-up").describe_instances_by_id(
                [action.instance_id_text for action in chunk]
            )
        except (AwsError, KeysMissing) as error:
            _give_up_unseen(element, chunk, str(error), now)
            continue
        _apply(element, chunk, {snapshot.instance_id: snapshot for snapshot in snapshots}, now)


def expire(now: datetime) -> None:
    """End requests nobody sent in time, and open those to a look whose sender died."""
    late = Action.objects.filter(status="requested", expires_at__lte=now)
    for element_id in set(late.values_list("element_id", flat=True)):
        with transaction.atomic():
            mine = late.filter(element_id=element_id)
            ids = list(mine.values_list("instance_id_text", flat=True))
            mine.update(status="expired", message=NOT_SENT, settled_at=now)
            touch(Element(pk=element_id), ids)
    lost = Action.objects.filter(status="sent", sent_at__lte=now - SILENT_AFTER)
    lost.update(status="unanswered", message=LOST_CALL, answered_at=now, look_at=now)


def stuck_requests(now: datetime) -> list[tuple[int, list[int]]]:
    """Return requests that should have been sent by now, by element, for another try before they expire."""
    waiting = Action.objects.filter(
        status="requested", requested_at__lte=now - timedelta(seconds=5), expires_at__gt=now
    )
    by_element: dict[int, list[int]] = {}
    for element_id, pk in waiting.values_list("element_id", "pk"):
        by_element.setdefault(element_id, []).append(pk)
    return list(by_element.items())


def _apply(element: Element, actions: Sequence[Action], seen: Mapping[str, InstanceSnapshot], now: datetime) -> None:
    with transaction.atomic():
        shown: list[str] = []
        settled_ids = [a.instance_id_text for a in actions if _settle(a, seen.get(a.instance_id_text), now)]
        shown.extend(settled_ids)
        known = element.instances.filter(instance_id__in=seen).values_list("instance_id", "display_name")
        names = dict(known)
        shared = element.instances.filter(instance_id__in=seen, name_is_shared=True)
        store_instances(
            element,
            [snapshot for snapshot in seen.values() if snapshot.instance_id in names],
            None,
            read_at=now,
            now=now,
            names=Named(names, frozenset(shared.values_list("instance_id", flat=True))),
            complete=False,
        )
        if shown:
            touch(element, shown)


def _settle(action: Action, snapshot: InstanceSnapshot | None, now: datetime) -> bool:
    """Save what one look says about one action and tell whether it ended."""
    look = Look(snapshot.state, snapshot.state_reason_code, snapshot.state_reason) if snapshot else Look("")
    asked = Asked(_verb(action), action.answered_at or action.requested_at, action.reason_before, action.passed_through)
    result = settle(asked, look, now)
    if result.outcome == "wait":
        if look.state in RULES[asked.verb].passing and not action.passed_through:
            Action.objects.filter(pk=action.pk).update(passed_through=True)
        return False
    _end(action, result, now)
    return True


def _end(action: Action, result: Settled, now: datetime) -> None:
    Action.objects.filter(pk=action.pk, settled_at__isnull=True).update(
        status=result.outcome, message=result.message or action.message, settled_at=now, look_at=None
    )


def _give_up_unseen(element: Element, actions: Sequence[Action], why: str, now: datetime) -> None:
    """End actions that could not be looked at until now."""
    old = [a for a in actions if a.answered_at and now - a.answered_at >= timedelta(minutes=10)]
    if old:
        with transaction.atomic():
            for action in old:
                _end(action, Settled("unknown", f"The outcome could not be read within 10 min. {why}"), now)
            touch(element, [action.instance_id_text for action in old])


def _verb(action: Action) -> Verb:
    return next(verb for verb in VERBS if verb == action.verb)

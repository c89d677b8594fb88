"""Start, stop and reboot: record the request, ask AWS once, and keep its answer."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from elements.domain.actions import connection_refusal, refusal
from elements.domain.instance_states import RULES, Verb
from elements.models import Action, Activity, Element, Instance, Poll
from elements.usecases.send_actions import Sender
from elements.usecases.store_snapshots import hold, open_actions, touch

log = logging.getLogger(__name__)

# EC2's published limits say nothing about the size of one call; this many are sent together.
IDS_PER_CALL = 100
PAUSED = "Polling of this element was paused before AWS was asked, so nothing was done."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One selected instance and why it cannot be asked, "" when it can."""

    instance: Instance
    reason: str


@dataclass(slots=True)
class Requested:
    """What became of a request: the actions stored now, who was left alone, whether it was a repeat or came too late.

    `changed`: some of what the user saw is no longer so, and nothing was stored.
    """

    actions: list[Action] = field(default_factory=list)
    left_alone: list[Candidate] = field(default_factory=list)
    repeated: bool = False
    changed: bool = False


def candidates(element: Element, verb: Verb, instance_ids: Sequence[str], now: datetime) -> list[Candidate]:
    """Return the element's selected instances with the reason that keeps each from being asked."""
    closed = connection_refusal(element.connection(now))
    busy = open_actions(element, instance_ids)
    found = element.instances.filter(instance_id__in=instance_ids).light().order_by("display_name", "id")
    return [Candidate(row, closed or _refusal(verb, row, busy.get(row.instance_id), now)) for row in found]


def request(
    element: Element,
    verb: Verb,
    instance_ids: Sequence[str],
    *,
    batch: uuid.UUID,
    by: str,
    now: datetime,
    seen: Mapping[str, str] | None = None,
) -> Requested:
    """Store one Action for every instance that can be asked; AWS is not asked here.

    `batch` is the form's one-time key: a second submit of it stores nothing. `seen` are the states the user saw when
    all of them could be asked: when one of them no longer can, nothing is stored.
    """
    with transaction.atomic():
        if not hold(element):
            return Requested(changed=True)
        stored = list(element.actions.filter(batch=batch))
        if stored:
            return Requested(stored, repeated=True)
        chosen = candidates(element, verb, instance_ids, now)
        left_alone = [candidate for candidate in chosen if candidate.reason]
        if seen is not None and (left_alone or len(chosen) < len(seen)):
            return Requested(left_alone=left_alone, changed=True)
        rows = [_action(element, verb, c.instance, batch, by, now) for c in chosen if not c.reason]
        Action.objects.bulk_create(rows, ignore_conflicts=True)
        stored = list(element.actions.filter(batch=batch))
        if stored:
            touch(element, [action.instance_id_text for action in stored])
            _note(element, verb, stored, by, now)
    return Requested(stored, left_alone)


def perform(
    element: Element, action_pks: Sequence[int], *, clock: Callable[[], datetime], patience_s: float = 8.0
) -> list[int]:
    """Ask AWS for every action that nobody has begun, at most once each, whoever calls this how often.

    Begins no call after `patience_s` seconds and returns what is still to be sent then, so that many instances of one
    element keep no other's waiting; one call takes 25 s at most.
    """
    sender = Sender(element, clock, until=time.monotonic() + patience_s)
    waiting = list(action_pks)
    try:
        while waiting and not sender.is_overdue:
            chunk, waiting = waiting[:IDS_PER_CALL], waiting[IDS_PER_CALL:]
            claimed = element.actions.claim(chunk, clock())
            if claimed and not _may_be_asked(element):
                _end_unsent(element, claimed, clock())
            else:
                sender.send(claimed)
                waiting, sender.put_off = waiting + sender.put_off, []
    except Poll.DoesNotExist:
        log.info("element %s was deleted while its actions were sent", element.pk)
        return []
    unsent = element.actions.filter(pk__in=action_pks).in_time(clock())
    return list(unsent.order_by("error_code", "pk").values_list("pk", flat=True))  # first those not asked for yet


def _may_be_asked(element: Element) -> bool:
    """Tell whether the element is still polled: nobody may have noticed for a while when it no longer is."""
    return Element.objects.active().filter(pk=element.pk).exists()


def _end_unsent(element: Element, actions: Sequence[Action], now: datetime) -> None:
    with transaction.atomic():
        touch(element, [action.instance_id_text for action in actions])
        said = {"error_code": "", "request_id": "", "message": PAUSED}
        Action.objects.held(actions).update(status="refused", settled_at=now, **said)


def _refusal(verb: Verb, row: Instance, busy: Action | None, now: datetime) -> str:
    return refusal(verb, row.facts(busy.verb, busy.requested_by) if busy else row.facts(), now)


def _action(element: Element, verb: Verb, row: Instance, batch: uuid.UUID, by: str, now: datetime) -> Action:
    return Action(
        element=element,
        instance=row,
        instance_id_text=row.instance_id,
        instance_name=row.display_name,
        batch=batch,
        verb=verb,
        state_before=row.state,
        reason_before=row.state_reason_code,
        requested_by=by,
        requested_at=now,
        expires_at=Action.expiry(now),
    )


def _note(element: Element, verb: Verb, actions: Sequence[Action], by: str, now: datetime) -> None:
    word = RULES[verb].word
    texts = {action.instance_id_text: f"{word} of {action.instance_name} requested" for action in actions}
    Activity.objects.note_actions(texts, by=by, now=now, element=element)

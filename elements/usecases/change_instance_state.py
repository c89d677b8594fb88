"""Start, stop and reboot: record the request, ask AWS once, and keep its answer."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import AwsDenied, AwsError, AwsRejected
from elements.domain.actions import InstanceFacts, connection_refusal, next_look_s, refusal
from elements.domain.instance_states import RULES, Verb
from elements.models import Action, Activity, Element, Instance
from elements.usecases.connect import KeysMissing, connect
from elements.usecases.store_snapshots import open_actions, touch

# EC2's published limits say nothing about the size of one call; this many are sent together.
IDS_PER_CALL = 100
# StartInstances has a bucket of 5 calls that refills with 2 a second: calls after the first few are spaced.
FREE_CALLS = 4
SPACING_S = 0.5
# A row written here is no longer what its digest says: the next read must compare it anew.
STALE = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One selected instance and why it cannot be asked, "" when it can."""

    instance: Instance
    reason: str


@dataclass(slots=True)
class Requested:
    """What became of a request: the actions stored now, who was left alone, and whether it was a repeat."""

    actions: list[Action] = field(default_factory=list)
    left_alone: list[Candidate] = field(default_factory=list)
    repeated: bool = False


def candidates(element: Element, verb: Verb, instance_ids: Sequence[str], now: datetime) -> list[Candidate]:
    """Return the element's selected instances with the reason that keeps each from being asked."""
    closed = connection_refusal(element.connection(now))
    busy = open_actions(element, instance_ids)
    found = element.instances.filter(instance_id__in=instance_ids).light().order_by("display_name", "id")
    return [Candidate(row, closed or refusal(verb, _facts(row, busy.get(row.instance_id)), now)) for row in found]


def request(
    element: Element, verb: Verb, instance_ids: Sequence[str], *, batch: uuid.UUID, by: str, now: datetime
) -> Requested:
    """Store one Action for every instance that can be asked; AWS is not asked here.

    `batch` is the form's one-time key: a second submit of it stores nothing.
    """
    with transaction.atomic():
        if Action.objects.filter(batch=batch).exists():
            return Requested(list(Action.objects.filter(batch=batch)), repeated=True)
        chosen = candidates(element, verb, instance_ids, now)
        rows = [_action(element, verb, c.instance, batch, by, now) for c in chosen if not c.reason]
        Action.objects.bulk_create(rows, ignore_conflicts=True)
        stored = list(Action.objects.filter(batch=batch))
        if stored:
            touch(element, [action.instance_id_text for action in stored])
            _note(element, verb, stored, by, now)
    return Requested(stored, [c for c in chosen if c.reason])


def perform(element: Element, action_pks: list[int], *, clock: Callable[[], datetime]) -> None:
    """Ask AWS for every action that nobody has begun, at most once each, whoever calls this how often."""
    now = clock()
    actions = Action.objects.claim(action_pks, now)
    for start in range(0, len(actions), IDS_PER_CALL):
        chunk = actions[start : start + IDS_PER_CALL]
        try:
            gateway = connect(element, caller=chunk[0].requested_by)
        except KeysMissing as missing:
            _refuse(element, chunk, "KeysMissing", str(missing), "", clock())
            continue
        _Call(element, gateway, clock).ask(chunk)


class _Call:
    """The calls that one chunk needs: one, and more only when AWS rejects it for some of its ids."""

    def __init__(self, element: Element, gateway: Ec2Gateway, clock: Callable[[], datetime]) -> None:
        self.element, self.gateway, self.clock, self.made = element, gateway, clock, 0

    def ask(self, actions: Sequence[Action]) -> None:
        if not actions:
            return
        if self.made >= FREE_CALLS:
            time.sleep(SPACING_S)
        self.made += 1
        try:
            states = self._send(actions)
        except AwsError as error:
            self._settle_error(actions, error)
        else:
            self._accept(actions, states)

    def _send(self, actions: Sequence[Action]) -> Mapping[str, tuple[str, str]]:
        ids = [action.instance_id_text for action in actions]
        match actions[0].verb:
            case "start":
                return self.gateway.start_instances(ids)
            case "stop":
                return self.gateway.stop_instances(ids)
            case _:
                self.gateway.reboot_instances(ids)
                return {}

    def _settle_error(self, actions: Sequence[Action], error: AwsError) -> None:
        request_id, now = error.request_id or self.gateway.last_request_id, self.clock()
        if not error.definite:
            _unanswered(self.element, actions, error.sentence, request_id, now)
            return
        culprits = _named(actions, error)
        if culprits:
            _refuse(self.element, culprits, error.code, error.sentence, request_id, now)
            self.ask([action for action in actions if action not in culprits])
        elif len(actions) == 1 or not _may_be_one_of_many(error):
            _refuse(self.element, actions, error.code, error.sentence, request_id, now)
        else:
            middle = len(actions) // 2
            self.ask(actions[:middle])
            self.ask(actions[middle:])

    def _accept(self, actions: Sequence[Action], states: Mapping[str, tuple[str, str]]) -> None:
        now, request_id = self.clock(), self.gateway.last_request_id
        with transaction.atomic():
            _mark(actions, now, status="accepted", request_id=request_id, look_at=_first_look(now))
            for action in actions:
                before, state = states.get(action.instance_id_text, ("", ""))
                if state and state != before:
                    self.element.instances.filter(instance_id=action.instance_id_text).update(
                        state=state, state_since_at=now, observed_at=now, digest=STALE
                    )
            _shown(self.element, actions)


def _named(actions: Sequence[Action], error: AwsError) -> list[Action]:
    """Return the actions whose instances AWS's message names, unless it names them all."""
    ids = set(error.instance_ids) if isinstance(error, AwsRejected) else set()
    return [action for action in actions if action.instance_id_text in ids]


def _may_be_one_of_many(error: AwsError) -> bool:
    """Tell whether the rest of a batch may still succeed without the culprit."""
    if isinstance(error, AwsDenied):
        return not error.refused_credentials
    return isinstance(error, AwsRejected) and not error.throttled


def _refuse(
    element: Element, actions: Sequence[Action], code: str, sentence: str, request_id: str, now: datetime
) -> None:
    with transaction.atomic():
        _mark(
            actions,
            now,
            status="refused",
            error_code=code[:100],
            message=sentence,
            request_id=request_id,
            settled_at=now,
        )
        if code == "OperationNotPermitted":
            ids = [action.instance_id_text for action in actions]
            element.instances.filter(instance_id__in=ids).update(protected_seen_at=now)
        _shown(element, actions)


def _unanswered(element: Element, actions: Sequence[Action], sentence: str, request_id: str, now: datetime) -> None:
    with transaction.atomic():
        _mark(actions, now, status="unanswered", message=sentence, request_id=request_id, look_at=_first_look(now))
        _shown(element, actions)


def _mark(actions: Sequence[Action], now: datetime, **values: object) -> None:
    pks = [action.pk for action in actions]
    Action.objects.filter(pk__in=pks).update(answered_at=now, **values)


def _shown(element: Element, actions: Sequence[Action]) -> None:
    touch(element, [action.instance_id_text for action in actions])


def _first_look(now: datetime) -> datetime:
    return now + timedelta(seconds=next_look_s(0))


def _facts(row: Instance, busy: Action | None) -> InstanceFacts:
    return InstanceFacts(
        state=row.state,
        is_gone=row.gone_at is not None,
        root_device_type=row.root_device_type,
        lifecycle=row.lifecycle,
        spot_type=row.spot_type,
        protected_seen_at=row.protected_seen_at,
        managed_by=row.managed_by,
        open_verb=busy.verb if busy else "",
        open_by=busy.requested_by if busy else "",
    )


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
    for action in actions:
        Activity.objects.note(
            by=by,
            kind="action",
            text=f"{RULES[verb].word} of {action.instance_name} requested",
            now=now,
            element=element,
            instance_id=action.instance_id_text,
        )

"""Ask AWS for claimed actions: one call for all of them, more only when AWS rejects some, and keep its answer."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import AwsDenied, AwsError, AwsRejected
from elements.domain.actions import next_look_s
from elements.domain.instance_states import UNKNOWN
from elements.models import Action, Element, Poll
from elements.usecases.budgets import BUDGET_SPENT
from elements.usecases.connect import KeysMissing, connect
from elements.usecases.note_changes import note_accepted
from elements.usecases.store_snapshots import STALE, count, drop_checks, touch

LATE = "TooLate"
TOO_LATE = "Its time of 60 s had passed before AWS could be asked, so it was not sent. Ask again if it is still wanted."
TOGETHER = "AWS refused it together with others."
# AWS has such a capacity, or has not, for one type in one zone.
_CAPACITY = ("InsufficientInstanceCapacity",)
_ROW_IS_OLD = ("IncorrectInstanceState", "InvalidInstanceID.NotFound", "UnsupportedOperation")

Group = list[Action]


class Sender:
    """Sends actions of an element until a moment of the monotonic clock; what it began to send is never lost.

    Its gateway spaces the calls as the account's budget demands.
    """

    def __init__(self, element: Element, clock: Callable[[], datetime], *, until: float) -> None:
        self.element, self.clock, self.until = element, clock, until
        self.put_off: list[int] = []
        self._gateways: dict[str, Ec2Gateway] = {}
        self._made = False
        self._group: Group = []

    @property
    def is_overdue(self) -> bool:
        """Tell whether nothing more is to be begun."""
        return time.monotonic() >= self.until

    def send(self, actions: Sequence[Action]) -> None:
        """Ask AWS for actions that were claimed together; those it has no time for can be claimed again.

        So can those that AWS refused together, without a word for whose sake: `put_off` names them. The next time they
        are asked for in smaller parts.
        """
        waiting = deque(part for group in _alike(actions) for part in self._parts(group))
        while waiting:
            group = self._still_mine(waiting.popleft())
            if not group:
                continue
            if self._made and self.is_overdue:
                Action.objects.held(group).give_back()
                continue
            self._made = True
            waiting.extendleft(reversed(self._ask(group)))

    def _still_mine(self, group: Group) -> Group:
        """Show that the sender lives, and drop what was taken for lost meanwhile."""
        Action.objects.filter(claim=group[0].claim, status="sent").update(sent_at=self.clock())
        held = set(Action.objects.held(group).values_list("pk", flat=True))
        return [action for action in group if action.pk in held]

    def _ask(self, group: Group) -> list[Group]:
        """Make one call and return the parts of the group that are to be asked again at once."""
        self._group = group
        try:
            gateway = self._gateway(group[0].requested_by)
        except KeysMissing as missing:
            self._refuse(group, "KeysMissing", str(missing), "")
            return []
        try:
            states = _call(gateway, group)
        except AwsError as error:
            return self._settle_error(group, error, error.request_id or gateway.last_request_id)
        self._accept(group, states, gateway.last_request_id)
        return []

    def _gateway(self, caller: str) -> Ec2Gateway:
        if caller not in self._gateways:
            self._gateways[caller] = connect(self.element, caller=caller, last_look=self._check_time)
        return self._gateways[caller]

    def _check_time(self) -> None:
        """Raise when the time of the actions has passed since they were claimed: this machine may have slept."""
        if self.clock() >= min(action.expires_at for action in self._group):
            raise AwsRejected(TOO_LATE, operation=self._group[0].verb, code=LATE)

    def _settle_error(self, group: Group, error: AwsError, request_id: str) -> list[Group]:
        if not error.definite:
            self._unanswered(group, error.sentence, request_id)
            return []
        culprits = [action for action in group if action.instance_id_text in _named(error)]
        if culprits:
            self._refuse(culprits, error.code, error.sentence, request_id)
            rest = [action for action in group if action not in culprits]
            return [rest] if rest else []
        refused = group[0]
        if error.code in (LATE, BUDGET_SPENT) and refused.error_code:  # what AWS said of them is more than our hurry
            self._refuse(group, refused.error_code, refused.message, refused.request_id)
        elif len(group) == 1 or not _may_be_one_of_many(error):
            self._refuse(group, error.code, _sentence(error), request_id)
        else:
            return self._put_off(group, _said(error.code, f"{_sentence(error)} {TOGETHER}", request_id))
        return []

    def _put_off(self, group: Group, said: Mapping[str, str]) -> list[Group]:
        """Give back what AWS refused together, with what it said: whoever was not asked for yet comes first.

        Where the refusal has no ID nothing would tell later who belongs together; return halves to ask for at once.
        """
        if not said["request_id"]:
            Action.objects.held(group).update(**said)
            return _halves(group)
        self.put_off += [action.pk for action in group]
        Action.objects.held(group).give_back(**said)
        return []

    def _parts(self, group: Group) -> list[Group]:
        """Return smaller parts of what AWS has refused together, of one type and zone each where it lacks capacity."""
        if not group[0].error_code or len(group) == 1:
            return [group]
        kinds: dict[tuple[str, str], Group] = {}
        if group[0].error_code in _CAPACITY:
            rows = self.element.instances.filter(instance_id__in=_ids(group))
            of = {row[0]: row[1:] for row in rows.values_list("instance_id", "instance_type", "availability_zone")}
            for action in group:
                kinds.setdefault(of.get(action.instance_id_text, ("", "")), []).append(action)
        return list(kinds.values()) if len(kinds) > 1 else _halves(group)

    def _accept(self, group: Group, states: Mapping[str, tuple[str, str]], request_id: str) -> None:
        now = self.clock()
        with transaction.atomic():
            self._touch(group)
            by_state: dict[str, list[str]] = {}
            for instance_id, (_, state) in states.items():
                if state != UNKNOWN:
                    by_state.setdefault(state, []).append(instance_id)
            for state, ids in by_state.items():
                note_accepted(self.element, [a for a in group if a.instance_id_text in ids], state, now)
                self.element.instances.filter(instance_id__in=ids).exclude(state=state).update(
                    state=state, state_since_at=now, observed_at=now, **STALE
                )
            drop_checks(self.element, _ids(group), now)
            Poll.objects.keep_counts(self.element.pk, count(self.element))
            said = _said("", "", request_id)  # nothing of what it was refused with before
            self._mark(group, now, status="accepted", look_at=_first_look(now), **said)

    def _refuse(self, group: Group, code: str, sentence: str, request_id: str) -> None:
        now = self.clock()
        with transaction.atomic():
            self._touch(group)
            if code == "OperationNotPermitted":
                self.element.instances.filter(instance_id__in=_ids(group)).update(protected_seen_at=now)
            if code in _ROW_IS_OLD:
                Poll.objects.make_due(self.element.pk, now)
            status = "expired" if code == LATE else "refused"
            self._mark(group, now, status=status, settled_at=now, **_said(code, sentence, request_id))

    def _unanswered(self, group: Group, sentence: str, request_id: str) -> None:
        now = self.clock()
        with transaction.atomic():
            self._touch(group)
            said = _said("", sentence, request_id)
            self._mark(group, now, status="unanswered", look_at=_first_look(now), **said)

    def _touch(self, group: Group) -> None:
        """Comes first in each transaction: it makes others who write the element's rows wait."""
        touch(self.element, _ids(group))

    def _mark(self, group: Group, now: datetime, **values: object) -> None:
        Action.objects.held(group).update(answered_at=now, **values)


def _alike(actions: Sequence[Action]) -> list[Group]:
    """Return groups of one verb and one user: each is one call, on that user's behalf.

    What AWS has refused together stays so.
    """
    groups: dict[tuple[str, str, str, str], Group] = {}
    for action in actions:
        key = (action.verb, action.requested_by, action.error_code, action.request_id)
        groups.setdefault(key, []).append(action)
    return list(groups.values())


def _halves(group: Group) -> list[Group]:
    middle = len(group) // 2
    return [group[:middle], group[middle:]]


def _said(code: str, sentence: str, request_id: str) -> dict[str, str]:
    """Return the columns that hold what AWS said."""
    return {"error_code": code[:100], "message": sentence.removeprefix(f"{code}: "), "request_id": request_id}


def _call(gateway: Ec2Gateway, group: Group) -> Mapping[str, tuple[str, str]]:
    match group[0].verb:
        case "start":
            return gateway.start_instances(_ids(group))
        case "stop":
            return gateway.stop_instances(_ids(group))
        case _:
            gateway.reboot_instances(_ids(group))
            return {}


def _named(error: AwsError) -> tuple[str, ...]:
    """Return the instances that AWS says it refuses the request for."""
    return error.instance_ids if _may_be_one_of_many(error) else ()


def _may_be_one_of_many(error: AwsError) -> bool:
    """Tell whether the rest of a batch may still succeed without the culprit."""
    if error.code == LATE:
        return False
    if isinstance(error, AwsDenied):
        return not error.refused_credentials
    return isinstance(error, AwsRejected) and not error.throttled


def _sentence(error: AwsError) -> str:
    if error.code == BUDGET_SPENT:
        return f"{error.sentence} Try again in a minute."
    if isinstance(error, AwsRejected) and error.throttled:
        return f"AWS is throttling requests ({error.code}), so it did nothing. Try again in a minute."
    return error.sentence


def _ids(group: Group) -> list[str]:
    return [action.instance_id_text for action in group]


def _first_look(now: datetime) -> datetime:
    return now + timedelta(seconds=next_look_s(0))

"""What is asked before instances are started, stopped or rebooted: which, what they lose, and who is left alone."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from elements.domain.actions import connection_refusal
from elements.domain.instance_states import RULES, Verb, VerbRule, state_view
from elements.domain.losses import DATA, Loss, is_elastic, losses, must_type
from elements.domain.wording import grouped, plural
from elements.models import Element, Instance
from elements.usecases.change_instance_state import Candidate, candidates
from elements.usecases.describe import all_described

NAMED_LEFT_ALONE = 20
CONSEQUENCES: dict[Verb, str] = {
    "start": "Billing for running time begins.",
    "stop": "The operating system is shut down. Volumes are kept.",
    "reboot": "The operating system restarts. Addresses and data are kept.",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """One instance that will be asked, and what it loses."""

    instance: Instance
    losses: Sequence[Loss]

    @property
    def worst(self) -> int:
        """Return the rank of the worst loss, for the order of the list."""
        return min((loss.rank for loss in self.losses), default=9)

    @property
    def seen(self) -> str:
        """Return the instance ID with the state the user sees, for the form to carry."""
        return f"{self.instance.instance_id}:{self.instance.state}"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question in full. `batch` makes its form a thing that counts once."""

    verb: Verb
    touched: Sequence[Touched]
    left_alone: Sequence[Candidate]
    unknown: int
    closed: str
    batch: uuid.UUID
    notice: str = ""
    error: str = ""

    @property
    def rule(self) -> VerbRule:
        """Return the verb's words."""
        return RULES[self.verb]

    @property
    def only(self) -> Instance | None:
        """Return the instance when it is the only one."""
        return self.touched[0].instance if len(self.touched) == 1 else None

    @property
    def subject(self) -> str:
        """Return `5 instances`, `instance` for one; the button repeats it."""
        return plural(len(self.touched), "instance") if len(self.touched) != 1 else "instance"

    @property
    def consequence(self) -> str:
        """Return what happens, in one sentence."""
        return CONSEQUENCES[self.verb]

    @property
    def must_type(self) -> str:
        """Return what has to be typed, "" when nothing has to."""
        return must_type(self.verb, len(self.touched), loses_data=bool(self.losing))

    @property
    def losing(self) -> Sequence[Touched]:
        """Return those that lose data."""
        return [touched for touched in self.touched if touched.worst == DATA]

    @property
    def left_alone_number(self) -> int:
        """Return how many of the selected are not touched, those nobody knows included."""
        return len(self.left_alone) + self.unknown

    @property
    def left_alone_named(self) -> Sequence[Candidate]:
        """Return those left alone that are named; a long list would hide what is touched."""
        return self.left_alone[:NAMED_LEFT_ALONE]

    @property
    def left_alone_more(self) -> int:
        """Return how many known ones left alone are not named."""
        return max(0, len(self.left_alone) - NAMED_LEFT_ALONE)


def confirmation(element: Element, verb: Verb, instance_ids: Sequence[str], now: datetime) -> Confirmation:
    """Look at the instances as they are now and ask anew, with a key of its own."""
    found = candidates(element, verb, instance_ids, now)
    able = [candidate.instance for candidate in found if not candidate.reason]
    details = _details(element, able) if verb == "stop" else {}
    touched = [Touched(row, _losses(verb, row, details.get(row.instance_id))) for row in able]
    touched.sort(key=lambda each: each.worst)
    left_alone = [candidate for candidate in found if candidate.reason]
    closed = connection_refusal(element.connection(now))
    return Confirmation(verb, touched, left_alone, len(instance_ids) - len(found), closed, uuid.uuid4())


def changed_words(question: Confirmation, seen: Mapping[str, str]) -> str:
    """Say what is no longer as the user saw it, when the question was asked anew because of that."""
    if question.closed:
        return "Nothing was done."
    number, total = question.left_alone_number, len(seen)
    moved = {seen.get(row.instance_id, "") for row in _moved(question, seen)}
    if len(moved) == 1 and len(_moved(question, seen)) == number:
        what = f"{'is' if number == 1 else 'are'} no longer {state_view(moved.pop()).word.lower()}"
    else:
        what = f"can no longer be {question.rule.done}"
    who = f"{grouped(number)} of {grouped(total)}" if total > 1 else "It"
    return f"{who} {what}. Nothing was done. Look again?"


def _moved(question: Confirmation, seen: Mapping[str, str]) -> list[Instance]:
    """Return those left alone because they are in another state by now."""
    rows = [candidate.instance for candidate in question.left_alone]
    return [row for row in rows if row.gone_at is None and row.state != seen.get(row.instance_id)]


def _losses(verb: Verb, row: Instance, details: Mapping[str, object] | None) -> list[Loss]:
    return losses(
        verb,
        instance_type=row.instance_type,
        public_ip=row.public_ip,
        is_elastic=is_elastic(details or {}, row.public_ip),
        auto_scaling_group=row.auto_scaling_group,
    )


def _details(element: Element, rows: Sequence[Instance]) -> dict[str, Mapping[str, object]]:
    """Return AWS's descriptions of those with a public address: only they say whose it is."""
    return all_described(element, [row.instance_id for row in rows if row.public_ip])

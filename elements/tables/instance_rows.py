"""One row of the Instances table: an instance with what was asked of it and what AWS plans for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from elements.domain.actions import refusal
from elements.domain.instance_states import RULES, VERBS, Verb
from elements.domain.row_states import RowState, ShownAction, row_state
from elements.domain.status_checks import ChecksView, checks_view
from elements.domain.wording import span
from elements.models import Action, Instance, ScheduledEvent
from elements.models.statements import Given, Statement


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What all rows of a page have in common."""

    region: str
    viewer: str
    now: datetime
    data_at: datetime | None
    is_stale: bool
    may_operate: bool
    refusal: str
    instances_url: str
    events_url: str
    debug_url: str
    confirm_url: str


@dataclass(frozen=True, slots=True)
class Control:
    """One slot of a row: a verb, and why it does not apply, "" when it does."""

    verb: Verb
    word: str
    icon: str
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The next scheduled event of an instance, and how many there are."""

    event: ScheduledEvent
    tone: str
    begun: bool
    count: int


@dataclass(frozen=True)
class InstanceRow:
    """What the cells of one row show; `age` is the time since the launch, in words."""

    instance: Instance
    page: PageFacts
    age: str
    action: ShownAction | None = None
    planned: Planned | None = None
    reasons: Mapping[Verb, str] = field(default_factory=dict)

    @cached_property
    def state(self) -> RowState:
        """Return what the State says."""
        return row_state(
            self.instance.state,
            gone_at=self.instance.gone_at,
            since=self.instance.state_since_at,
            action=self.action,
            viewer=self.page.viewer,
            now=self.page.now,
        )

    @cached_property
    def checks(self) -> ChecksView:
        """Return what the Checks say; what is gone is not checked."""
        row = self.instance
        state = "gone" if row.gone_at else row.state
        rank = 9 if row.gone_at else row.checks_rank
        return checks_view(rank, row.checks_passed, row.checks_made, state)

    @cached_property
    def zone(self) -> tuple[str, str]:
        """Return the zone in two parts: what the region says already, and the rest."""
        known = self.page.region.rpartition("-")[0] + "-"
        zone = self.instance.availability_zone
        return (known, zone.removeprefix(known)) if zone.startswith(known) else ("", zone)

    @property
    def can(self) -> str:
        """Return the verbs that apply, for the script."""
        return " ".join(verb for verb in VERBS if not self.reasons[verb])

    @property
    def controls(self) -> Sequence[Control]:
        """Return the two slots of the row."""
        icons: Mapping[Verb, str] = {"start": "i-play", "stop": "i-stop"}
        return [Control(verb, RULES[verb].word, icons[verb], self.reasons[verb]) for verb in icons]

    @property
    def tint(self) -> str:
        """Return the class of a row that needs somebody, or on which an action is under way."""
        if self.state.is_failure or (self.instance.checks_rank == 0 and not self.instance.gone_at):
            return "is-attn"
        return "is-busy" if self.action is not None and self.action.is_open else ""


def instance_row(
    instance: Instance, page: PageFacts, age: str, action: ShownAction | None = None, planned: Planned | None = None
) -> InstanceRow:
    """Make a row; nothing is read for it."""
    return InstanceRow(instance, page, age, action, planned, _reasons(instance, action, page.refusal, page.now))


def age_in_words(launched_at: datetime | None, now: datetime) -> str:
    """Return how long ago an instance was launched, "" when AWS did not say."""
    return span((now - launched_at).total_seconds()) if launched_at else ""


def shown_action(action: Action) -> ShownAction:
    """Return what a row may show of an action."""
    return ShownAction(
        verb=next(verb for verb in VERBS if verb == action.verb),
        status=action.status,
        requested_by=action.requested_by,
        requested_at=action.requested_at,
        answered_at=action.answered_at,
        settled_at=action.settled_at,
        request_id=action.request_id,
        error_code=action.error_code,
        message=action.message,
        is_open=action.is_open,
    )


def planned_for(element_id: int, instances: Sequence[int], now: datetime) -> dict[int, Planned]:
    """Return the next event of each of these instances that has one; reads them."""
    if not instances:
        return {}
    given = {f"instance_{number}": pk for number, pk in enumerate(instances)}
    return planned_by_instance(_events_of(len(instances)).rows(element=element_id, **given), now)


@lru_cache(maxsize=10)
def _events_of(count: int) -> Statement:
    """Return the active events of so many instances."""
    instances: list[Any] = [Given(f"instance_{number}") for number in range(count)]
    found = ScheduledEvent.objects.active().filter(element=Given("element"), instance__pk__in=instances)
    return Statement(lambda: found.order_by("not_before", "pk"))


def planned_by_instance(events: Iterable[ScheduledEvent], now: datetime) -> dict[int, Planned]:
    """Return the next event of each instance; `events` must come in the order of their start."""
    found: dict[int, Planned] = {}
    for event in events:
        if event.instance_id is None:
            continue
        first = found.get(event.instance_id)
        chosen = first.event if first else event
        begun = chosen.not_before is not None and chosen.not_before <= now
        tone = "crit" if begun else chosen.tone(now)
        found[event.instance_id] = Planned(chosen, tone, begun, first.count + 1 if first else 1)
    return found


def verbs(row: Instance, action: ShownAction | None, closed: str, now: datetime) -> str:
    """Return the verbs that apply to an instance; `closed` says why none does."""
    return " ".join(verb for verb, reason in _reasons(row, action, closed, now).items() if not reason)


def _reasons(row: Instance, action: ShownAction | None, closed: str, now: datetime) -> dict[Verb, str]:
    busy = action if action is not None and action.is_open else None
    facts = row.facts(busy.verb if busy else "", busy.requested_by if busy else "")
    return {verb: closed or refusal(verb, facts, now) for verb in VERBS}

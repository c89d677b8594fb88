"""One instance: its state, checks, facts, scheduled events and what was done to it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.generic import TemplateView

from elements.domain.actions import connection_refusal, refusal
from elements.domain.check_words import CHECKS, Check, check_view
from elements.domain.history import GONE
from elements.domain.instance_states import CHANGING, RULES, VERBS, StateView
from elements.domain.rescheduling import closed
from elements.domain.row_states import RowState, row_state
from elements.domain.state_bar import DAYS, Present, StateBar, state_bar
from elements.models import Action, Activity, Change, Instance, ScheduledEvent
from elements.tables.events import row_of
from elements.tables.instance_rows import shown_action
from elements.usecases.describe import described
from elements.views.dock import dock_context
from elements.views.instance_facts import cards, description, machine_facts, network_facts, volumes
from elements.views.instance_history import AT_MOST, MORE, entries_asked_for, history
from elements.views.pages import ElementPageMixin

_INSTANCE_ID = re.compile(r"[\w.-]{1,40}", re.ASCII)
# More changes than this in a week are not to be told apart on a bar.
DRAWN_AT_MOST = 2000
_ICONS = {"start": "i-play", "stop": "i-stop", "reboot": "i-reboot"}


@dataclass(frozen=True, slots=True)
class Control:
    """A button: a verb with the address of its question, and why it is off, "" when it is on."""

    verb: str
    word: str
    icon: str
    href: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """One status check with its result."""

    check: Check
    view: StateView


class InstanceDetail(ElementPageMixin, TemplateView):
    """The page; it refreshes by parts."""

    template_name = "elements/instance.html"
    http_method_names = ["get", "head"]
    instance: Instance

    def prepare(self, **kwargs: Any) -> None:
        """Load the instance within its element; 404 when it is not known."""
        super().prepare(**kwargs)
        if not _INSTANCE_ID.fullmatch(kwargs["instance_id"]):
            raise Http404("no such instance")
        found = self.element.instances.select_related("description")
        self.instance = get_object_or_404(found, instance_id=kwargs["instance_id"])

    @cached_property
    def entries(self) -> int:
        """Return how many entries of Activity the address asks for."""
        return entries_asked_for(self.request.GET.get("entries", ""))

    @cached_property
    def actions(self) -> list[Action]:
        """Return what was asked of the instance, newest first."""
        return list(self.element.actions.filter(instance_id_text=self.instance.instance_id)[: self.entries])

    @cached_property
    def activities(self) -> list[Activity]:
        """Return what else was done to it, newest first."""
        about = self.element.activities.filter(instance_id_text=self.instance.instance_id)
        return list(about.exclude(kind="action")[: self.entries])

    @cached_property
    def changes(self) -> list[Change]:
        """Return what was observed of it, newest first."""
        return list(self.element.changes.told().seen_by(self.instance.instance_id).newest()[: self.entries])

    @cached_property
    def scheduled_events(self) -> list[ScheduledEvent]:
        """Return its scheduled events, ended ones too."""
        return list(self.element.scheduled_events.filter(instance_id_text=self.instance.instance_id))

    def live_state(self) -> tuple[object, ...]:
        """Add what changes without a new revision of the instance's row; what is under way is told by the minute."""
        events = tuple(
            (each.pk, each.stage, each.not_before, each.requested_start_at) for each in self.scheduled_events
        )
        newest = [rows[0].pk for rows in (self.activities, self.changes) if rows]
        under_way = any(action.is_open for action in self.actions) or self.instance.state in CHANGING
        minute = self.now.replace(second=0, microsecond=0) if under_way else None
        return (*super().live_state(), self.instance.revision, events, *newest, minute)

    @property
    def state(self) -> RowState:
        """Return what the head says."""
        row, last = self.instance, self.actions[0] if self.actions else None
        return row_state(
            row.state,
            gone_at=row.gone_at,
            since=row.state_since_at,
            action=shown_action(last) if last else None,
            viewer=self.request.user.get_username(),
            now=self.now,
        )

    def controls(self) -> list[Control]:
        """Return the buttons of the head."""
        busy = next((action for action in self.actions if action.is_open), None)
        facts = self.instance.facts(busy.verb if busy else "", busy.requested_by if busy else "")
        off = connection_refusal(self.connection)
        confirm = reverse("elements:action_confirm", args=[self.element.slug])
        found = []
        for verb in VERBS:
            query = urlencode({"action": verb, "id": self.instance.instance_id, "next": self.request.path})
            reason = off or refusal(verb, facts, self.now)
            found.append(Control(verb, RULES[verb].word, _ICONS[verb], f"{confirm}?{query}", reason))
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add everything the page shows."""
        context = super().get_context_data(**kwargs)
        row, now, details = self.instance, self.now, described(self.instance)
        checks = [ShownCheck(check, check_view(getattr(row, check.field), row.state)) for check in CHECKS]
        context.update(dock_context(self.element, self.request.user, now, row.instance_id))
        context.update(
            instance=row,
            state=self.state,
            controls=self.controls(),
            checks=checks,
            failing=[] if row.gone_at else [shown for shown in checks if getattr(row, shown.check.field) == "impaired"],
            machine=machine_facts(row, details, self.element),
            network=network_facts(row, details),
            tags=sorted(row.tags.items()),
            volumes=volumes(details),
            cards=cards(details),
            description=description(details),
            life=self.life(),
            **self.history_context(),
            kept_until=self.kept_until,
            busy=context["dock_busy"] or row.state in CHANGING,
            **self.events_context(),
        )
        return context

    def life(self) -> StateBar:
        """Return the state bar of the last days."""
        row, poll, now = self.instance, self.poll, self.now
        week = self.element.changes.drawn().since(now - timedelta(days=DAYS)).seen_by(row.instance_id)
        failing = frozenset(check.field for check in CHECKS if getattr(row, check.field) == "impaired")
        state = GONE if row.gone_at else row.state
        until = poll.succeeded_at if poll and self.connection.state != "connected" else None
        present = Present(state, failing, row.first_seen_at, until)
        return state_bar(present, [each.difference for each in reversed(week.newest()[:DRAWN_AT_MOST])], now)

    def history_context(self) -> dict[str, Any]:
        """Return Activity, and how many entries to ask for next when there are more."""
        found = history(self.instance, self.actions, self.activities, self.changes, self.now)
        full = any(len(rows) == self.entries for rows in (self.actions, self.activities, self.changes))
        more = (full or len(found) > self.entries) and self.entries < AT_MOST
        return {
            "history": found[: self.entries],
            "more_entries": min(self.entries + MORE, AT_MOST) if more else None,
        }

    def events_context(self) -> dict[str, Any]:
        """Return the scheduled events, those ahead and those that are over."""
        key, off = self.element.display_key_format, closed(self.connection)
        rows = [row_of(event, key, self.now, off) for event in self.scheduled_events]
        return {"ahead": [row for row in rows if not row.ending], "ended": [row for row in rows if row.ending]}

    @property
    def kept_until(self) -> datetime | None:
        """Return until when the history of an instance that AWS no longer lists is kept, here to be seen."""
        gone_at, element = self.instance.gone_at, self.element
        days = min(element.gone_retention_days, element.history_retention_days)
        return gone_at + timedelta(days=days) if gone_at else None

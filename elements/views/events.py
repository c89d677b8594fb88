"""Events: the scheduled events of an element, how they are named, and moving one."""

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views import View
from django.views.generic import TemplateView

from elements.domain.display_keys import DISPLAY_KEY_FORMATS
from elements.domain.rescheduling import closed
from elements.domain.wording import absolute
from elements.forms.configuration import DisplayKeyForm
from elements.forms.reschedule import RescheduleForm
from elements.models import ScheduledEvent
from elements.tables.events import EndedTable, EventRow, EventsTable, days_ahead, row_of
from elements.usecases import configure
from elements.usecases.reschedule import Asked, name_of, reschedule
from elements.views.pages import ElementPageMixin

# AWS announces a handful at a time; beyond these the page says how many it leaves out.
MAX_ACTIVE, MAX_ENDED, PER_PAGE = 1000, 100, 100
ENDED = "ended"
LOOK_FIRST = "The request may still have arrived: look at its start after the next poll before you try again."
FACETS = {"": "All", "upcoming": "Upcoming", "now": "In progress"}


class Events(ElementPageMixin, TemplateView):
    """The page."""

    template_name = "elements/events.html"

    @cached_property
    def active(self) -> list[EventRow]:
        """Return the rows of what is ahead or in progress."""
        return self.rows(self.element.scheduled_events.active().order_by("not_before", "pk")[:MAX_ACTIVE])

    @cached_property
    def completed(self) -> list[EventRow]:
        """Return the rows of what AWS called completed or canceled, the newest first."""
        return self.rows(self.element.scheduled_events.completed().order_by("-not_before", "-pk")[:MAX_ENDED])

    @cached_property
    def cleared(self) -> list[EventRow]:
        """Return the rows of what AWS stopped listing, the newest first."""
        return self.rows(self.element.scheduled_events.cleared().order_by("-cleared_at", "-pk")[:MAX_ENDED])

    def rows(self, events: "QuerySet[ScheduledEvent]") -> list[EventRow]:
        """Return events as rows, named by the element's display key format."""
        why = self.connection.word if closed(self.connection) else ""
        return [row_of(event, self.element.display_key_format, self.now, why) for event in events]

    def live_state(self) -> tuple[object, ...]:
        """Return every row; the times in them do not run by themselves, but their urgency does."""
        checked = self.poll is not None and self.poll.status_succeeded_at is not None
        shown = (self.element.display_key_format, self.now.date(), checked)
        return (*super().live_state(), shown, self.active, self.completed, self.cleared)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the tables, the strip of days and the counts."""
        asked = self.request.GET.get("when", "")
        when = asked if asked in (*FACETS, ENDED) else ""
        begun = [row for row in self.active if row.in_progress]
        shown = {"now": begun, "upcoming": [row for row in self.active if not row.in_progress]}
        counts = {"": len(self.active), "upcoming": len(shown["upcoming"]), "now": len(begun)}
        table = self.table(shown.get(when, self.active))
        return super().get_context_data(
            table=table,
            completed_table=EndedTable(self.completed),
            cleared_table=EndedTable(self.cleared),
            days=days_ahead(self.active, self.now),
            facets=[(key, word, counts[key], key == when) for key, word in FACETS.items()],
            show_ended=when == ENDED,
            ended_at_most=MAX_ENDED,
            hidden_rows=len(self.active) - len(shown.get(when, self.active)),
            at_most=MAX_ACTIVE if len(self.active) == MAX_ACTIVE else 0,
            display_key_formats=DISPLAY_KEY_FORMATS,
            busy=any(row.asked_for for row in self.active),
            **kwargs,
        )

    def table(self, rows: list[EventRow]) -> EventsTable:
        """Return the table in the wanted order, at the wanted page."""
        order = [name[:20] for name in self.request.GET.getlist("sort")[:1]]
        may_move = self.request.user.has_perm("elements.operate_element")
        table = EventsTable(rows, order_by=order or "starts", exclude=() if may_move else ("move",))
        table.page = Paginator(table.rows, PER_PAGE).get_page(self.request.GET.get("page"))
        return table


class EventsDisplayKey(ElementPageMixin, View):
    """Choose the Scheduled Events Display Key Format."""

    http_method_names = ["post"]
    permission_required = ("elements.view_element", "elements.change_element")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save the choice; it applies at once, to everybody."""
        form = DisplayKeyForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Nothing was saved\nThere is no such display key format.")
        else:
            configure.save_settings(self.element, form.cleaned_data, by=request.user.get_username(), now=self.now)
        return redirect("elements:events", self.element.slug)


class EventReschedule(ElementPageMixin, TemplateView):
    """Move a scheduled event's start: a dialog with script, a page without."""

    permission_required = ("elements.view_element", "elements.operate_element")
    template_name = "elements/event_reschedule.html"
    event: ScheduledEvent

    def prepare(self, **kwargs: Any) -> None:
        """Load the element's own event."""
        super().prepare(**kwargs)
        self.event = get_object_or_404(self.element.scheduled_events, pk=kwargs["pk"])

    def get_template_names(self) -> list[str]:
        """Return the form alone for the dialog of the page."""
        if self.request.headers.get("X-Fragment") == "dialog":
            return ["elements/events/_reschedule.html"]
        return [self.template_name]

    @property
    def obstacle(self) -> str:
        """Return why the event cannot be moved now, "" when it can."""
        return closed(self.connection) or self.event.obstacle(self.now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the event, its form, or why there is none."""
        why = self.obstacle
        form = kwargs.pop("form", None) or (None if why else RescheduleForm(event=self.event, now=self.now))
        return super().get_context_data(
            event=self.event, form=None if why else form, obstacle=why, name=name_of(self.event), **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask AWS once; what cannot work is refused before, without a call."""
        if self.obstacle:
            return self.render_to_response(self.get_context_data())
        form = RescheduleForm(request.POST, event=self.event, now=self.now)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        asked = reschedule(
            self.element,
            self.event,
            form.cleaned_data["start"],
            seen=form.cleaned_data["seen"],
            by=request.user.get_username(),
            clock=timezone.now,
        )
        if asked.outcome == "overtaken":
            self.event.refresh_from_db()
            form.add_error(None, asked.sentence)
            return self.render_to_response(self.get_context_data(form=form))
        self.say(asked, absolute(form.cleaned_data["start"], "m"))
        return redirect("elements:events", self.element.slug)

    def say(self, asked: Asked, start: str) -> None:
        """Tell how AWS answered."""
        name = name_of(self.event)
        match asked.outcome:
            case "moved":
                text = f"{name} moved to {start} UTC\nAWS may take a minute or two to show the new time."
                messages.success(self.request, text)
            case "repeated":
                text = f"{name} was already asked to begin at {start} UTC\nAWS was asked once."
                messages.info(self.request, text)
            case "unknown":
                text = f"It is not known whether {name} was moved\n{asked.sentence}\n{LOOK_FIRST}"
                messages.warning(self.request, text)
            case _:
                messages.error(self.request, f"{name} was not moved\n{asked.sentence}")

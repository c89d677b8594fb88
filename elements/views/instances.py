"""Instances: the list of an element, live, and its export."""

import hashlib
from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View
from django.views.generic import TemplateView

from elements.domain.actions import connection_refusal
from elements.domain.row_states import FAILURE_SHOWN_FOR, ShownAction
from elements.forms.actions import MAX_IDS
from elements.models import Action, Instance, UserSettings
from elements.models.actions import ENDED_BADLY
from elements.models.instances import TAG_PREFIX
from elements.tables.instance_rows import PageFacts, Planned, planned_for, shown_action, verbs
from elements.tables.instances import CHOICES, KIND, PER_PAGE, InstanceTable, chosen, export_columns
from elements.tables.written_rows import Said, WrittenRows, tags_of
from elements.views.addresses import without
from elements.views.dock import EMPTY_DOCK, dock_context, lately
from elements.views.exports import csv_response
from elements.views.facets import Facet, facets_of
from elements.views.instance_list import InstanceListMixin, KnownCount, storable

SAMPLE_KEYS = 30
# What a search keeps of the address.
_KEPT = ("sort", "per_page", "col")


class Instances(InstanceListMixin, TemplateView):
    """The page."""

    template_name = "elements/instances.html"

    @cached_property
    def asked(self) -> list[Action]:
        """Return what was asked and is in the rows or in the dock: open, or ended lately."""
        return lately(self.element, self.now)

    @cached_property
    def actions(self) -> dict[str, ShownAction]:
        """Return the last thing asked of each instance that its row may show: open, or failed lately."""
        since = self.now - FAILURE_SHOWN_FOR
        return {
            action.instance_id_text: shown_action(action)
            for action in self.asked
            if action.is_open or (action.status in ENDED_BADLY and action.settled_at and action.settled_at >= since)
        }

    def planned(self, page: Page) -> dict[int, Planned]:  # type: ignore[type-arg]
        """Return the next scheduled event of each instance of the page that has one; most elements have none at all."""
        if not self.with_events:
            return {}
        listed = [row.pk for row in page.object_list if row.gone_at is None]
        return planned_for(self.element.pk, listed, self.now)

    @cached_property
    def facts(self) -> PageFacts:
        """Return what all rows have in common."""
        slug = self.element.slug
        return PageFacts(
            region=self.element.region,
            viewer=self.request.user.get_username(),
            now=self.now,
            data_at=self.poll.succeeded_at if self.poll else None,
            is_stale=self.connection.state in ("not-connected", "paused"),
            may_operate=self.request.user.has_perm("elements.operate_element"),
            refusal=connection_refusal(self.connection),
            instances_url=reverse("elements:instances", args=[slug]),
            events_url=reverse("elements:events", args=[slug]),
            debug_url=reverse("elements:debug", args=[slug]),
            confirm_url=reverse("elements:action_confirm", args=[slug]),
        )

    @property
    def blank(self) -> str:
        """Return why there is no table: waiting for a first poll, or none in the region; "" when there is one."""
        if self.poll is None or self.poll.succeeded_at is None:
            return "" if self.total else "waiting"
        return "" if self.total or self.wants_gone else "none"

    @property
    def total(self) -> int:
        """Return how many instances AWS lists."""
        counts = self.poll.counts if self.poll else {}
        return int(counts.get("total", 0))

    @cached_property
    def rows_key(self) -> str:
        """Return a text that changes when rows read otherwise although none of them was written."""
        ended = sorted(key for key, action in self.actions.items() if not action.is_open)
        return short(ended, self.facts.refusal, self.facts.is_stale)

    @property
    def shape(self) -> str:
        """Return a text that changes when the page must be loaded anew: rows have other cells, or there are none."""
        names = [choice.name for choice in self.choices]
        return short(names, self.per_page, self.blank, self.facts.may_operate)

    @property
    def live_token(self) -> str:
        """Return the revision, what rows depend on beyond it, and a text that changes with the rest of the page."""
        revision, rest = super().live_token.split(".", 1)
        return f"{revision}.{self.rows_key}.{rest}"

    def live_state(self) -> tuple[object, ...]:
        """Return what is under way too: how long it takes is told by the minute."""
        asked = sorted((key, action.status) for key, action in self.actions.items())
        minute = self.now.replace(second=0, microsecond=0) if self.is_under_way else None
        return (*super().live_state(), asked, minute)

    @property
    def is_under_way(self) -> bool:
        """Tell whether anything that was asked for has not ended."""
        return any(action.is_open for action in self.actions.values())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table of the page, the facets and the dock."""
        context = super().get_context_data(**kwargs)
        dock = dock_context(self.element, self.request.user, self.now) if self.asked else EMPTY_DOCK
        busy = self.is_under_way or bool(context["counts"].get("changing"))
        context.update(dock, busy=busy, blank=self.blank, shape=self.shape, facts=self.facts)
        if not self.blank:
            context.update(self.table_context())
        return context

    def table_context(self) -> dict[str, Any]:
        """Return the table and what stands around it."""
        page = self.page()
        return {
            "page": page,
            "table": self.table(page),
            "facets": self.facets,
            "filter_text": self.filter_text,
            "filter_error": self.filter_error,
            "is_filtered": bool(self.terms),
            "kept": [(key, storable(value)) for key in _KEPT for value in self.request.GET.getlist(key)],
            "query": without(self.request.GET, "since", "page", "col", "per_page"),
            "more_gone": self.more_gone(),
            "gone_filter": f"{self.filter_text} state:gone".strip() if self.terms else "state:gone",
            "is_of_gone": self.wants_gone,
            "menu": self.menu(),
            "tag_keys": sorted({key for row in page.object_list for key in tags_of(row.tags_text)})[:SAMPLE_KEYS],
            "per_page": self.per_page,
            "per_page_choices": PER_PAGE,
            "max_selected": MAX_IDS,
        }

    def page(self) -> Page:  # type: ignore[type-arg]
        """Return the rows of the page asked for; without a filter, or with a quick one, their number is known."""
        number = self.request.GET.get("page")
        few, count, read = None, self.total, self.rows_of_all
        if self.terms:
            known = [facet.count for facet in self.facets if facet.is_current and facet.filter != "event:any"]
            few, count = (None, known[0]) if known else self.counted()
            read = partial(self.rows_of, few)
        return KnownCount(partial(self.rows_again, read), self.per_page, count).get_page(number)

    def table(self, page: Page) -> InstanceTable:  # type: ignore[type-arg]
        """Return the table: every row of the page, or those the script does not have yet."""
        everything = page.object_list
        rows = WrittenRows(self.facts, self.choices, self.actions, self.planned(page))
        table = InstanceTable(
            [rows.html(row) for row in everything if self.is_news(row, rows)],
            choices=self.choices,
            page=self.facts,
            sort=self.sort,
            query=without(self.request.GET, "since", "page"),
            caption=f"Instances of {self.element.name}",
            total=self.total,
        )
        if self.terms or page.has_other_pages():
            table.gone = "in this list"
        table.clear_url = self.facets[0].url
        table.data_order = " ".join(row.instance_id for row in everything) if self.is_fragment else None
        return table

    def is_news(self, row: Said, rows: WrittenRows) -> bool:
        """Tell whether the script may not have a row as it is now."""
        asked = self.request.GET.get("since", "").split(".")
        if not self.is_fragment or self.since_revision is None or len(asked) < 2 or asked[1] != self.rows_key:
            return True
        return rows.is_on_the_move(row) or row.instance_id in self.actions or row.revision > self.since_revision

    @cached_property
    def facets(self) -> list[Facet]:
        """Return the quick filters."""
        counts = self.poll.counts if self.poll else {}
        counts = {**counts, "total": self.total, "with_events": self.with_events}
        return facets_of(counts, self.filter_text, self.request.GET)

    @cached_property
    def with_events(self) -> int:
        """Return how many instances have a scheduled event; an earlier version did not count them at each poll."""
        known = (self.poll.counts if self.poll else {}).get("with_events")
        return int(self.element.scheduled_events.active().instances_met() if known is None else known)

    def more_gone(self) -> int:
        """Return how many instances AWS no longer lists match too; without a filter all of them do."""
        counts = self.poll.counts if self.poll else {}
        if self.wants_gone or not counts.get("gone"):
            return 0
        return self.gone_count() if self.terms else int(counts["gone"])

    def menu(self) -> tuple[tuple[str, str, bool], ...]:
        """Return the columns to choose from: name, label, and whether it is shown."""
        names = {choice.name for choice in self.choices}
        tags = [choice for choice in self.choices if choice.name.startswith(TAG_PREFIX)]
        return tuple((choice.name, choice.label, choice.name in names) for choice in (*CHOICES, *tags))


class InstancesExport(InstanceListMixin, View):
    """The instances the filter means, on every page, as a file."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        """Send the chosen columns, the display key and the instance ID; a wrong filter is shown, not exported.

        The name of the file says when AWS was seen so, not when it was asked for.
        """
        if self.filter_error:
            return redirect(f"{reverse('elements:instances', args=[slug])}?{request.GET.urlencode()}")
        columns = export_columns(self.choices)
        found: Iterable[Instance] = self.found.iterator(chunk_size=1000)
        data_at = (self.poll and self.poll.succeeded_at) or self.now
        return csv_response(
            f"{slug}-instances-as-of-{data_at:%Y%m%d-%H%M%S}.csv",
            [column.export_head for column in columns],
            ([column.value(row) for column in columns] for row in found),
        )


class InstancesSelection(InstanceListMixin, View):
    """The instances the filter means, resolved here and now, for selecting more than a page shows."""

    permission_required = ("elements.view_element", "elements.operate_element")

    def get(self, request: HttpRequest, slug: str) -> JsonResponse:
        """Send the instance IDs with the verbs that apply to each; never more than may be confirmed at once."""
        closed = connection_refusal(self.connection)
        found: Iterable[Instance] = [] if self.filter_error else self.found[:MAX_IDS]
        busy = {action.instance_id_text: shown_action(action) for action in self.element.actions.open()}
        chosen_rows = [[row.instance_id, verbs(row, busy.get(row.instance_id), closed, self.now)] for row in found]
        return JsonResponse({"instances": chosen_rows})


class InstancesSettings(InstanceListMixin, View):
    """What the user wants to see of the list: its columns, and the rows of a page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        """Keep it for the user and go back to the list, whose address no longer says otherwise."""
        if "reset" in request.POST:
            UserSettings.objects.keep_columns(request.user, KIND, None)
        elif "columns" in request.POST:
            key = storable(request.POST.get("tag", ""))
            names = [*map(storable, request.POST.getlist("col")), *([TAG_PREFIX + key] if key else [])]
            UserSettings.objects.keep_columns(request.user, KIND, [choice.name for choice in chosen(names)])
        per_page = {str(number): number for number in PER_PAGE}.get(request.POST.get("per_page", ""))
        if per_page:
            UserSettings.objects.keep_per_page(request.user, KIND, per_page)
        query = without(QueryDict(request.POST.get("query", "")[:4000]), "since", "page", "col", "per_page")
        return redirect(f"{reverse('elements:instances', args=[slug])}?{query}".removesuffix("?"))


def short(*values: object) -> str:
    """Return a short text that changes with the values."""
    return hashlib.blake2b(repr(values).encode(), digest_size=6).hexdigest()

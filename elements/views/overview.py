"""Overview: what needs a person, then the state of every element."""

from datetime import timedelta
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Min
from django.views.generic import TemplateView

from elements.domain.iam_policy import policy
from elements.domain.naming import clean
from elements.models import Element, ScheduledEvent
from elements.tables.attention import Attention, attention
from elements.tables.latest import Latest, latest
from elements.tables.overview import KINDS, Row, Totals
from elements.views.pages import SOON, LivePageMixin

PAGE_SIZE = 100
# What changed is told for so long, and in so many lines.
TOLD_WITHIN, TOLD_AT_MOST = timedelta(hours=24), 8


class Overview(LivePageMixin, TemplateView):
    """The first page. It costs the same queries for seven elements and for a thousand."""

    template_name = "elements/overview.html"
    http_method_names = ["get", "head"]

    @cached_property
    def coming(self) -> dict[int, tuple[int, Any]]:
        """Return number and first start of the scheduled events within 48 h, by element."""
        events = ScheduledEvent.objects.visible_to(self.request.user).upcoming(self.now)
        soon = events.filter(not_before__lte=self.now + SOON)
        counted = soon.order_by().values("element_id").annotate(number=Count("pk"), first=Min("not_before"))
        return {row["element_id"]: (row["number"], row["first"]) for row in counted}

    @cached_property
    def rows(self) -> list[Row]:
        """Return every element."""
        show = self.show
        return [
            Row(
                element,
                getattr(element, "poll", None),
                element.connection(self.now),
                self.coming.get(element.pk, (0, None))[0],
                show,
            )
            for element in Element.objects.visible_to(self.request.user).with_poll()
        ]

    @property
    def show(self) -> str:
        """Return what the table is filtered by."""
        show = self.request.GET.get("show", "")
        return show if show in KINDS else ""

    @property
    def text(self) -> str:
        """Return what names, regions and accounts are filtered by."""
        return clean(self.request.GET.get("q", "")[:200])

    @cached_property
    def listed(self) -> list[Row]:
        """Return the elements that the filter leaves."""
        rows, text = self.rows, self.text.lower()
        if self.show:
            rows = [row for row in rows if KINDS[self.show].count(row)]
        if text:
            fields = ("name", "region", "account_id")
            rows = [row for row in rows if any(text in getattr(row.element, field).lower() for field in fields)]
        return rows

    @cached_property
    def attention(self) -> Attention:
        """Return what needs somebody."""
        return attention(self.rows, self.request.user, self.now)

    def latest(self) -> list[tuple[Row, Latest]]:
        """Return what changed lately, each with its element."""
        by_pk = {row.element.pk: row for row in self.rows}
        found = latest(self.request.user, self.now, TOLD_WITHIN)
        told = [(by_pk[each.element_id], each) for each in found if each.element_id in by_pk]
        return told[:TOLD_AT_MOST]

    def live_state(self) -> tuple[object, ...]:
        """Return what the page shows of the elements and of what needs somebody."""
        shown = tuple(
            (
                row.element.pk,
                row.element.account_id,
                row.poll and (row.poll.attempted_at, row.poll.revision, row.poll.counts),
                row.coming,
            )
            for row in self.rows
        )
        return (*super().live_state(), shown, self.attention)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add tiles, what needs somebody, and the table."""
        context = super().get_context_data(**kwargs)
        totals = Totals(self.rows)
        page: Page[Row] = Paginator(self.listed, PAGE_SIZE).get_page(self.request.GET.get("page", "")[:9])
        context.update(
            rows=self.rows,
            totals=totals,
            tiles=totals.tiles,
            not_connected=totals.in_state("not-connected"),
            next_event_at=min((first for _, first in self.coming.values()), default=None),
            attention=self.attention,
            latest=self.latest(),
            page=page,
            kind=KINDS.get(self.show),
            text=self.text,
            busy=any(row.count("changing") for row in self.rows),
            policy="" if self.rows else policy(partition="aws", region="", account_id=""),
        )
        return context

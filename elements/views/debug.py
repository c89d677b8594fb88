"""Debug: every interaction with AWS, newest first."""

from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views import View
from django.views.generic import TemplateView

from elements.domain.debug_results import OPERATIONS, Tiles, tiles
from elements.forms.debug_filter import CAUSES, RESULTS, DebugFilter
from elements.forms.time_range import CHOICES
from elements.models.debug_records import DebugRecordQuerySet
from elements.tables.debug import LIVE_SIZE, DebugPage, DebugRow, debug_page
from elements.tables.debug_export import COLUMNS, csv_rows, json_lines
from elements.views.exports import csv_response
from elements.views.pages import ElementPageMixin

# The tiles look at the last hour, and at no more records than this.
TILE_RECORDS = 5000
NAMES = 200


class DebugFilterMixin(ElementPageMixin):
    """An element's records and the filter of the address."""

    wanted: DebugFilter

    def prepare(self, **kwargs: Any) -> None:
        """Load the element and read the filter."""
        super().prepare(**kwargs)
        self.wanted = DebugFilter.read(self.request.GET.dict(), self.now)

    @property
    def records(self) -> DebugRecordQuerySet:
        """Return the element's records."""
        found: DebugRecordQuerySet = self.element.debug_records.all()
        return found


class Debug(DebugFilterMixin, TemplateView):
    """The page. New records wait behind a notice; older pages hold still."""

    template_name = "elements/debug.html"
    http_method_names = ["get", "head"]

    @cached_property
    def newest(self) -> int:
        """Return the number of the element's newest record."""
        return self.records.newest().values_list("pk", flat=True).first() or 0

    @cached_property
    def opened(self) -> int | None:
        """Return the record that the address unfolds."""
        return _number(self.request.GET.get("record", ""))

    @cached_property
    def before(self) -> int | None:
        """Return the record that this page lies before, None for the newest page."""
        return _number(self.request.GET.get("before", ""))

    @cached_property
    def page(self) -> DebugPage:
        """Return the page; a record that the address unfolds is on it."""
        page = debug_page(self.records, self.wanted, self.before)
        if self.opened is None or any(record.pk == self.opened for record in page.records):
            return page
        if not self.records.filter(pk=self.opened).exists():
            return page
        self.before = self.opened + 1
        return debug_page(self.records, self.wanted, self.before)

    @cached_property
    def shown(self) -> tuple[int | None, int]:
        """Return the newest record the script has, None when it asks for all, and the oldest one on its page."""
        parts = self.request.GET.get("since", "").split(".") if self.is_fragment else []
        since, floor = [*map(_number, parts[:2]), None, None][:2]
        if since is not None and floor is not None:
            return since, floor
        return None, self.page.records[-1].pk if self.page.records else 0

    @property
    def live_token(self) -> str:
        """Return the newest record, the oldest one on the page, and a text that changes with the rest."""
        return f"{self.newest}.{self.shown[1]}.{super().live_token}"

    def live_state(self) -> tuple[object, ...]:
        """Return what the page shows; the tiles change by themselves each minute."""
        return (*super().live_state(), self.newest, int(self.now.timestamp()) // 60)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add tiles, filter and rows."""
        context = super().get_context_data(**kwargs)
        context.update(
            tiles=self._tiles(),
            wanted=self.wanted,
            query=self.wanted.address(),
            hour={name: DebugFilter(result=name).address(t="1h") for name in RESULTS},
            operations=OPERATIONS,
            results=RESULTS,
            causes=CAUSES,
            names=self._names(),
            times=CHOICES,
            before=self.before,
        )
        context.update(self._changes() if self.shown[0] is not None else self._whole())
        return context

    def _whole(self) -> dict[str, Any]:
        page = self.page
        rows = [
            DebugRow(record, today=self.now, is_open=page.is_exact or record.pk == self.opened)
            for record in page.records
        ]
        older = self.wanted.address(before=page.older) if page.older else ""
        live = self.before is None and not page.is_exact
        return {"rows": rows, "older": older, "page": page, "is_live": live}

    def _changes(self) -> dict[str, Any]:
        """Return only the records that the script does not have, and the order of its page."""
        since, floor = self.shown
        page = self.wanted.apply(self.records.filter(pk__gte=floor))
        order = list(page.newest().values_list("pk", flat=True)[:LIVE_SIZE])
        fresh = page.filter(pk__gt=since, pk__in=order).newest()
        rows = [DebugRow(record, today=self.now) for record in fresh]
        live = self.before is None and self.wanted.exact(self.records) is None
        return {"rows": rows, "order": order, "is_live": live}

    def _tiles(self) -> Tiles:
        hour = self.records.since(self.now - timedelta(hours=1)).order_by("-at")
        attempts = hour.values_list("duration_ms", "attempt", "outcome", "error_code")[:TILE_RECORDS]
        return tiles(list(attempts), TILE_RECORDS)

    def _names(self) -> list[str]:
        """Return who may cause a call; names of former users can still be searched for as text."""
        backend = "django.contrib.auth.backends.ModelBackend"
        users = get_user_model().objects.with_perm("elements.operate_element", backend=backend)
        names = list(users.order_by("username").values_list("username", flat=True)[:NAMES])
        by = self.wanted.by
        return [*names, by] if by and by not in names and by not in CAUSES else names


class DebugExport(DebugFilterMixin, View):
    """The filtered records as a file, sent while it is read."""

    def get(self, request: HttpRequest, slug: str, kind: str) -> StreamingHttpResponse:
        """Answer with CSV or JSON."""
        exact = self.wanted.exact(self.records)
        records = self.wanted.apply(self.records) if exact is None else exact
        name = f"debug-{self.element.slug}-{self.now:%Y%m%d-%H%M}"
        if kind == "csv":
            return csv_response(f"{name}.csv", COLUMNS, csv_rows(records.in_steps()))
        if kind != "json":
            raise Http404
        response = StreamingHttpResponse(json_lines(records.in_steps()), content_type="application/json")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
        return response


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None

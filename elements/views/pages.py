"""What the pages of an element have in common: the element, its connection, its tabs, the right to see it."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from elements.domain.connections import Connection
from elements.models import Element, Poll

SOON = timedelta(hours=48)


class ElementPageMixin(PermissionRequiredMixin):
    """Loads the element of the address, without its keys; 404 when there is none, 403 without the right."""

    permission_required: str | tuple[str, ...] = "elements.view_element"
    raise_exception = True
    element: Element
    now: datetime

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Take one moment for the whole answer."""
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        self.now = timezone.now()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the right before anything is looked up, so that a stranger learns nothing."""
        if not self.has_permission():
            return self.handle_no_permission()
        self.element = get_object_or_404(Element.objects.with_poll(), slug=kwargs["slug"])
        return super().dispatch(request, *args, **kwargs)

    @property
    def poll(self) -> Poll | None:
        """Return the element's Poll row; None until the clock has made it."""
        return getattr(self.element, "poll", None)

    @property
    def connection(self) -> Connection:
        """Return the element's connection state now."""
        return self.element.connection(self.now)

    @property
    def is_fragment(self) -> bool:
        """Tell whether the page's script asks for what changed."""
        return self.request.headers.get("X-Fragment") == "live"  # type: ignore[attr-defined]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the element's head and tabs show."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        counts = self.poll.counts if self.poll else {}
        next_event_at = parse_datetime(counts.get("next_event_at") or "")
        context.update(
            element=self.element,
            poll=self.poll,
            connection=self.connection,
            counts=counts,
            instance_count=counts.get("total", 0),
            event_count=counts.get("events", 0),
            events_soon=next_event_at is not None and next_event_at <= self.now + SOON,
            now=self.now,
        )
        return context

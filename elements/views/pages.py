"""What pages have in common: one moment, the right to see them, the question what changed, and the element."""

import hashlib
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from elements.domain.connections import Connection, why_late
from elements.models import Element, Poll
from elements.views.shell import shell_of

SOON = timedelta(hours=48)


class LivePageMixin(PermissionRequiredMixin):
    """A page whose script asks now and then what changed (the protocol stands in docs/fragments.md)."""

    permission_required: str | tuple[str, ...] = "elements.view_element"
    raise_exception = True
    request: HttpRequest
    now: datetime

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Take one moment for the whole answer."""
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        self.now = timezone.now()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the right before anything is looked up, and answer 204 when the page shows all there is."""
        if not self.has_permission():
            return self.handle_no_permission()
        self.prepare(**kwargs)
        if self.is_fragment and request.GET.get("since") == self.live_token:
            return HttpResponse(status=204)
        return super().dispatch(request, *args, **kwargs)

    def prepare(self, **kwargs: Any) -> None:
        """Load what the address names."""

    @cached_property
    def is_fragment(self) -> bool:
        """Tell whether the page's script asks for what changed."""
        return self.request.headers.get("X-Fragment") == "live"

    def live_state(self) -> tuple[object, ...]:
        """Return what, when it changes, changes the page; times that run by themselves do not count."""
        return (shell_of(self.request).state,)

    @property
    def live_token(self) -> str:
        """Return a short text that changes with the page."""
        return hashlib.blake2b(repr(self.live_state()).encode(), digest_size=8).hexdigest()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the moment and the token of the next question."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        context.update(now=self.now, live_token=self.live_token)
        return context


class ElementPageMixin(LivePageMixin):
    """Loads the element of the address, without its keys; 404 when there is none, 403 without the right."""

    element: Element

    def prepare(self, **kwargs: Any) -> None:
        """Take the element with its Poll row from what the side list has read."""
        found = shell_of(self.request).rows.get(kwargs["slug"])
        if found is None:
            raise Http404("There is no such element.")
        self.element = found

    @property
    def poll(self) -> Poll | None:
        """Return the element's Poll row; None until the clock has made it."""
        return getattr(self.element, "poll", None)

    @property
    def connection(self) -> Connection:
        """Return the element's connection state now."""
        return self.element.connection(self.now)

    @property
    def revision(self) -> int:
        """Return the revision of the element's rows, 0 before the first poll."""
        return self.poll.revision if self.poll else 0

    @property
    def since_revision(self) -> int | None:
        """Return the revision that the page of the script shows; None asks for every row."""
        revision = self.request.GET.get("since", "").partition(".")[0]
        return int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 19 else None

    @property
    def live_token(self) -> str:
        """Return the revision of the rows and a text that changes with the rest of the page."""
        return f"{self.revision}.{super().live_token}"

    def live_state(self) -> tuple[object, ...]:
        """Return what the head, the tabs and the connection banner show."""
        poll = self.poll
        shown = (poll.attempted_at, poll.succeeded_at, poll.due_at, poll.status_failed_since) if poll else ()
        return (*super().live_state(), shown, self.element.paused, self.connection.state)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the element's head and tabs show."""
        context = super().get_context_data(**kwargs)
        counts = self.poll.counts if self.poll else {}
        next_event_at = parse_datetime(counts.get("next_event_at") or "")
        context.update(
            element=self.element,
            poll=self.poll,
            connection=self.connection,
            why_late=why_late(self.poll.duration_ms if self.poll else None, self.element.interval_s),
            counts=counts,
            instance_count=counts.get("total", 0),
            event_count=counts.get("events", 0),
            events_soon=next_event_at is not None and next_event_at <= self.now + SOON,
        )
        return context

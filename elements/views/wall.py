"""Wall: every element and every instance at a glance, for a screen nobody touches."""

import hashlib
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from elements.domain.machinery import AHEAD_S, PARTS
from elements.domain.standstill import Standstill
from elements.models import Element, UserSettings, WallScreen
from elements.models.user_settings import OFFERED
from elements.tables.overview import Row, Totals
from elements.tables.wall import cards, coming, with_glyphs
from elements.views.pages import LivePageMixin
from elements.views.shell import standstill_of

# A card's part of the token; with more cards than this the token would be too long for an address.
MARK, MARKED_AT_MOST = 6, 200


class Wall(LivePageMixin, TemplateView):
    """The Wall for those signed in. The number of its queries does not depend on what it shows."""

    template_name = "elements/wall.html"
    http_method_names = ["get", "head"]
    # Whether elements and instances lead to their pages.
    is_linked = True

    @property
    def reader(self) -> User | AnonymousUser:
        """Return who decides what is seen here."""
        return self.request.user

    @cached_property
    def rows(self) -> list[Row]:
        """Return every element."""
        soon = self.now + timedelta(seconds=AHEAD_S)
        return [
            Row(element, getattr(element, "poll", None), element.connection(self.now))
            for element in Element.objects.visible_to(self.reader).with_poll().with_beats(PARTS, soon)
        ]

    @cached_property
    def standstill(self) -> Standstill | None:
        """Return who is silent of workers and clock."""
        return standstill_of([row.element for row in self.rows], self.now)

    @cached_property
    def small(self) -> set[int]:
        """Return the elements whose instances are shown one by one."""
        return with_glyphs(self.rows)

    @cached_property
    def marks(self) -> list[str]:
        """Return for each card a short text that changes with it: its rows change with the revision of the Poll."""
        return [_short(self._shown(row), MARK) for row in self.rows]

    def _shown(self, row: Row) -> tuple[object, ...]:
        polled = row.poll and (row.poll.revision, row.poll.counts, row.poll.succeeded_at)
        is_small = row.element.pk in self.small
        return (row.element.pk, row.element.name, row.connection.state, polled, coming(row, self.now), is_small)

    @property
    def live_token(self) -> str:
        """Return the marks of all cards, so that the next answer leaves out those that did not change."""
        marks = "".join(self.marks)
        first = _short(self.standstill, 2)[0] if self.standstill else "w"
        return f"{first}{marks if len(self.rows) <= MARKED_AT_MOST else _short(marks, 16)}"

    @property
    def changed(self) -> list[Row]:
        """Return the elements whose cards the script does not have as they are; for a whole page every one."""
        since, token = self.request.GET.get("since", ""), self.live_token
        if not self.is_fragment or len(since) != len(token) or len(self.rows) > MARKED_AT_MOST:
            return self.rows
        known = [since[at : at + MARK] for at in range(1, len(since), MARK)]
        return [row for row, mark, had in zip(self.rows, self.marks, known, strict=True) if mark != had]

    def look(self) -> dict[str, str]:
        """Return theme and zone: what the address asks for, else what the user chose; where nothing is, dark."""
        chosen = UserSettings.objects.of(self.request.user)
        theme, zone = self.request.GET.get("theme", ""), self.request.GET.get("tz", "")
        return {
            "theme": theme if theme in OFFERED["theme"] else "dark" if chosen.theme == "auto" else chosen.theme,
            "zone": zone if zone in OFFERED["time_zone"] else chosen.time_zone,
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the cards and the totals."""
        context = super().get_context_data(**kwargs)
        totals, rows = Totals(self.rows), self.rows
        context.update(
            cards=cards(self.changed, self.small, self.reader, self.now),
            totals=totals,
            running=sum(row.running for row in rows),
            failing=sum(row.failing for row in rows),
            changing=sum(row.count("changing") for row in rows),
            stopped=sum(row.count("stopped") for row in rows),
            not_connected=totals.in_state("not-connected"),
            attention=sum(row.failing + (row.connection.state == "not-connected") for row in rows),
            # Another set or order of elements has the page loaded anew.
            shape=_short([row.element.pk for row in rows], 16),
            is_linked=self.is_linked,
            standstill=self.standstill,
            **self.look(),
        )
        return context


def _short(value: object, length: int) -> str:
    """Return a text of this length that changes with a value."""
    return hashlib.blake2b(repr(value).encode(), digest_size=length // 2).hexdigest()


@method_decorator(login_not_required, name="dispatch")
class WallOfScreen(Wall):
    """The Wall at an address that only a screen knows: it shows what its maker may see now, and leads nowhere."""

    is_linked = False
    maker: User

    def has_permission(self) -> bool:
        """Let the address decide, not who looks."""
        return True

    def prepare(self, **kwargs: Any) -> None:
        """Find the screen; a wrong or revoked address is none, nor is one whose maker may see nothing any more."""
        screen = WallScreen.objects.of_token(kwargs["token"])
        maker = screen.maker if screen else None
        if screen is None or maker is None or not maker.has_perm("elements.view_element"):
            raise Http404
        self.maker = maker
        WallScreen.objects.seen(screen, self.now)

    @property
    def reader(self) -> User | AnonymousUser:
        """Return who made the screen: it never shows more than that."""
        return self.maker

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep the address out of searches, and out of what the browser tells others."""
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

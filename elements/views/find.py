"""Find: elements, and instances of all elements, by name, ID, IP address or tag."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.generic import TemplateView

from elements.tables.find import Found, Hit, find
from elements.views.pages import LivePageMixin

# What the dialog shows, and what the page shows at most and at once.
OFFERED = 8
MOST = 200
PAGE_SIZE = 50


class Find(LivePageMixin, TemplateView):
    """The page, and the results alone for the dialog on every page."""

    template_name = "elements/find.html"
    http_method_names = ["get", "head"]

    @cached_property
    def text(self) -> str:
        """Return what is looked for."""
        return " ".join(self.request.GET.get("q", "")[:200].replace("\0", "").split())

    @property
    def is_for_dialog(self) -> bool:
        """Tell whether the dialog asks."""
        return self.request.headers.get("X-Fragment") == "find"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the results alone to the dialog, which needs nothing of the frame, else the page."""
        if not self.is_for_dialog:
            return super().get(request, *args, **kwargs)
        found = find(self.text, OFFERED, request.user, self.now)
        return HttpResponse(render_to_string("elements/_find_results.html", {"found": found}))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the results of the page."""
        context = super().get_context_data(**kwargs)
        found = find(self.text, MOST, self.request.user, self.now) if self.text else Found((), has_more=False)
        page: Page[Hit] = Paginator(found.hits, PAGE_SIZE).get_page(self.request.GET.get("page", "")[:9])
        context.update(text=self.text, found=found, page=page, most=MOST)
        return context

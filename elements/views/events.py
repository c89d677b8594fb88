"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class Events(ElementPageMixin, View):
    """Placeholder."""


class EventReschedule(ElementPageMixin, View):
    """Placeholder."""


class EventsDisplayKey(ElementPageMixin, View):
    """Placeholder."""

"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class Events(ElementPageMixin, View):
    """Placeholder."""


class EventReschedule(ElementPageMixin, View):
    """Placeholder."""


class EventsDisplayKey(ElementPageMixin, View):
    """Placeholder."""

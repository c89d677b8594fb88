"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class Debug(ElementPageMixin, View):
    """Placeholder."""


class DebugExport(ElementPageMixin, View):
    """Placeholder."""

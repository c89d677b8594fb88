"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class Debug(ElementPageMixin, View):
    """Placeholder."""


class DebugExport(ElementPageMixin, View):
    """Placeholder."""

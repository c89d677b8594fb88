"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class Configuration(ElementPageMixin, View):
    """Placeholder."""


class NamingPreview(ElementPageMixin, View):
    """Placeholder."""

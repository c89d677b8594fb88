"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class General(ElementPageMixin, View):
    """Placeholder."""


class GeneralTest(ElementPageMixin, View):
    """Placeholder."""

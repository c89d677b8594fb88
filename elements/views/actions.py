"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class ActionConfirm(ElementPageMixin, View):
    """Placeholder."""


class ActionSubmit(ElementPageMixin, View):
    """Placeholder."""

"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class ActionConfirm(ElementPageMixin, View):
    """Placeholder."""


class ActionSubmit(ElementPageMixin, View):
    """Placeholder."""

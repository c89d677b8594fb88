"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class General(ElementPageMixin, View):
    """Placeholder."""


class GeneralTest(ElementPageMixin, View):
    """Placeholder."""

"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class Configuration(ElementPageMixin, View):
    """Placeholder."""


class NamingPreview(ElementPageMixin, View):
    """Placeholder."""

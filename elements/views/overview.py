"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class Overview(ElementPageMixin, View):
    """Placeholder."""

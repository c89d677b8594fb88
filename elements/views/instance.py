"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class InstanceDetail(ElementPageMixin, View):
    """Placeholder."""

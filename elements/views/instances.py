"""x"""

from elements.views.pages import ElementPageMixin
from django.views import View


class Instances(ElementPageMixin, View):
    """Placeholder."""


class InstancesExport(ElementPageMixin, View):
    """Placeholder."""

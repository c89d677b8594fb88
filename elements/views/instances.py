"""Being built."""

from django.views import View

from elements.views.pages import ElementPageMixin


class Instances(ElementPageMixin, View):
    """Placeholder."""


class InstancesExport(ElementPageMixin, View):
    """Placeholder."""

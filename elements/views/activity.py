"""Activity: who did what in ec2mon."""

from typing import Any

from django.contrib.auth import get_user_model
from django.views.generic import TemplateView

from elements.forms.activity_filter import ActivityFilter
from elements.forms.time_range import CHOICES
from elements.models import Activity as Entry
from elements.models import Element
from elements.usecases.prune import ACTIVITY_DAYS
from elements.views.pages import LivePageMixin

PAGE_SIZE = 100
NAMES = 500


class Activity(LivePageMixin, TemplateView):
    """The page. Entries are written once, so it has nothing to do but to read them."""

    permission_required = ("elements.view_element", "elements.view_activity")
    template_name = "elements/activity.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add filter and entries."""
        context = super().get_context_data(**kwargs)
        wanted = ActivityFilter.read(self.request.GET.dict(), self.now)
        before = self.request.GET.get("before", "")
        entries = wanted.apply(Entry.objects.visible_to(self.request.user))
        if before.isascii() and before.isdecimal() and len(before) < 19:
            entries = entries.filter(pk__lt=int(before))
        else:
            before = ""
        found = list(entries.newest()[: PAGE_SIZE + 1])
        more = len(found) > PAGE_SIZE
        elements = list(
            Element.objects.visible_to(self.request.user).order_by("name").values_list("pk", "slug", "name")
        )
        slugs = {pk: slug for pk, slug, _ in elements}
        context.update(
            rows=[(entry, slugs.get(entry.element_id or 0, "")) for entry in found[:PAGE_SIZE]],
            older=wanted.address(before=found[PAGE_SIZE - 1].pk) if more else "",
            before=before,
            wanted=wanted,
            query=wanted.address(),
            kinds=Entry.KINDS,
            times=CHOICES,
            names=get_user_model().objects.order_by("username").values_list("username", flat=True)[:NAMES],
            elements=elements,
            kept_days=ACTIVITY_DAYS,
        )
        return context

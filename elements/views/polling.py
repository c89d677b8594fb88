"""Poll now: bring an element's poll forward, also while it is backing off."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views import View

from elements import tasks
from elements.models import Activity
from elements.usecases import run_polls
from elements.views.addresses import own_address
from elements.views.pages import ElementPageMixin


class PollNow(ElementPageMixin, View):
    """Queue a poll of the element and return to where the user was."""

    permission_required = "elements.operate_element"
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Make the poll due and queue it, whether or not it is backing off; a paused element is not asked."""
        name = self.element.name
        if self.element.paused:
            messages.warning(
                request, f"Polling of {name} is paused\nAWS was not asked. Resume polling on Configuration."
            )
            return self._go_back()
        run_polls.ensure()
        tasks.poll_now(self.element.pk)
        Activity.objects.note(
            by=request.user.get_username(), kind="poll", text="Poll now", now=self.now, element=self.element
        )
        messages.info(request, f"Polling {name} now\nThis page shows the answer as soon as AWS gives it.")
        return self._go_back()

    def _go_back(self) -> HttpResponseRedirect:
        instances = reverse("elements:instances", args=[self.element.slug])
        return HttpResponseRedirect(own_address(self.request.POST.get("next", "")) or instances)

"""What a user chooses for all pages: theme, row height, time zone, single keys."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views import View

from elements.models import UserSettings
from elements.models.user_settings import OFFERED
from elements.views.addresses import own_address


class Settings(View):
    """Keeps what was chosen with the user, so that it is there on every computer. Whoever is signed in may."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep it; the script only wants to hear that it is kept, a form goes back to its page."""
        chosen = {field: request.POST[field] for field in OFFERED if field in request.POST}
        UserSettings.objects.keep(request.user, **chosen)
        if request.headers.get("X-Fragment") == "settings":
            return HttpResponse(status=204)
        return HttpResponseRedirect(own_address(request.POST.get("next", "")) or reverse("elements:overview"))

"""Wall screens: addresses at which a screen shows the Wall without a sign-in."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.generic import FormView, View

from elements.forms.wall_screens import WallScreenForm
from elements.models import WallScreen
from elements.usecases.wall_screens import add_screen, revoke_screen


class SetUpMixin(PermissionRequiredMixin):
    """For administrators."""

    permission_required = "elements.change_element"
    raise_exception = True


class WallScreens(SetUpMixin, FormView):  # type: ignore[type-arg]
    """The list of screens, and the form for one more."""

    template_name = "elements/wall_screens.html"
    form_class = WallScreenForm
    http_method_names = ["get", "head", "post"]

    def form_valid(self, form: WallScreenForm) -> HttpResponse:
        """Add the screen and show its address in this answer, for it is stored nowhere."""
        maker = cast("User", self.request.user)
        screen, token = add_screen(form.cleaned_data["name"], by=maker, now=timezone.now())
        address = self.request.build_absolute_uri(reverse("elements:wall_of_screen", args=[token]))
        return self.render_to_response(self.get_context_data(form=WallScreenForm(), added=screen, address=address))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the screens."""
        return super().get_context_data(screens=WallScreen.objects.all(), now=timezone.now(), **kwargs)


class WallScreenRevoke(SetUpMixin, View):
    """End a screen's address."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Revoke it; the screen goes dark when it next asks."""
        screen = get_object_or_404(WallScreen, pk=pk)
        if revoke_screen(screen, by=request.user.get_username(), now=timezone.now()):
            messages.success(request, f"Screen {screen.name} revoked\nIts address shows nothing any more.")
        return redirect("elements:wall_screens")

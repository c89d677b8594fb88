"""The admin site: who gets in, and what never gets there."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

# Whoever adds a Schedule there runs any function of the server; its pages unpickle what the database holds.
# And second factors are their owners'.
NEVER = ("django_q", "account", "mfa", "socialaccount")


class SetUpSite(admin.AdminSite):
    """Lets in staff and whoever may change elements, by the sign-in of the pages."""

    site_header = site_title = "ec2mon set-up"
    index_title = "Set-up"
    enable_nav_sidebar = False
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may see any of it."""
        user = request.user
        return user.is_active and (bool(getattr(user, "is_staff", False)) or user.has_perm("elements.change_element"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseRedirect:  # type: ignore[override]
        """Lead to the one page where wrong tries are counted."""
        return HttpResponseRedirect(reverse("password_change"))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take models in, except those of apps that must not be edited."""
        models: Iterable[type[Model]] = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        )
        allowed = [model for model in models if model._meta.app_label not in NEVER]
        super().register(allowed, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse | HttpResponseRedirect:  # type: ignore[override]
        """Send strangers to the sign-in; whoever is signed in lacks the right."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index", current_app=self.name))

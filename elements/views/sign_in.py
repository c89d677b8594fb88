"""Sign-in: who was signed out by time hears so and comes back to the page; strangers learn nothing."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth import views as auth_views
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views import View, csrf

from elements.domain.wording import span
from elements.forms.sign_in import ChangePasswordForm, SignInForm
from elements.models import Element
from elements.usecases.sign_ins import end_sessions

# Who was signed in here, and since when. Only the sign-in page gets it, a day longer than the session lives.
COOKIE = f"{'__Secure-' if settings.HTTPS else ''}ec2mon_was"
REMEMBERED_S = 24 * 3600
PAGES = {
    "overview": "Overview",
    "activity": "Activity",
    "general": "General",
    "instances": "Instances",
    "instance": "an instance",
    "configuration": "Configuration",
    "debug": "Debug",
    "events": "Events",
}


class SignIn(auth_views.LoginView):
    """The page."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, and remember it beyond the end of the session."""
        answer = self.sign_in(form)
        if not self.request.user.is_authenticated:
            return answer
        answer.set_signed_cookie(
            COOKIE,
            f"{form.get_user().pk}.{time.time():.0f}",
            max_age=settings.SESSION_COOKIE_AGE + REMEMBERED_S,
            path=reverse("login"),
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
        return answer

    def sign_in(self, form: Any) -> HttpResponse:
        """Begin the session."""
        answer: HttpResponse = super().form_valid(form)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add why the user is here and where the way back leads."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user_pk, since = was_signed_in(self.request)
        lived_s = settings.SESSION_COOKIE_AGE
        context["signed_out_after"] = span(lived_s) if since and time.time() - since >= lived_s else ""
        if "idle" in self.request.GET:
            context["signed_out_after"] = f"{span(settings.SESSION_IDLE_S)} without use"
        context["unsaved"] = "unsaved" in self.request.GET
        context["provider"] = settings.OIDC.get("name")
        context["ended"] = "ended" in self.request.GET
        context.update(way_back(context[self.redirect_field_name], user_pk))
        return context


class SignOut(auth_views.LogoutView):
    """Sign out, and forget that somebody was signed in here."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session."""
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return _forgotten(answer)


class EndSessions(View):
    """Sign out here and everywhere else."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """End all sessions of whoever asks, this one too: another browser may have been given its cookie."""
        end_sessions([request.user], by=request.user.get_username(), now=timezone.now())  # type: ignore[list-item]
        request.session.flush()
        return _forgotten(HttpResponseRedirect(f"{reverse('login')}?ended=1"))


def _forgotten(answer: HttpResponse) -> HttpResponse:
    answer.delete_cookie(COOKIE, path=reverse("login"), samesite="Lax")
    return answer


class ChangePassword(auth_views.PasswordChangeView):
    """The own password; other sessions of the user end with the old one."""

    form_class = ChangePasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        """Let the form count wrong tries."""
        return {**super().get_form_kwargs(), "request": self.request}


def was_signed_in(request: HttpRequest) -> tuple[int, float]:
    """Return who was signed in with this browser and since when; zeros when nobody was or it is long ago."""
    try:
        kept = request.get_signed_cookie(COOKIE, max_age=settings.SESSION_COOKIE_AGE + REMEMBERED_S) or "0.0"
    except (KeyError, BadSignature):
        return 0, 0.0
    user_pk, _, since = kept.partition(".")
    return int(user_pk), float(since)


def way_back(address: str, user_pk: int) -> dict[str, str]:
    """Return the page that an address means, and its element's name for whoever may see it, "" for all others."""
    try:
        found = resolve(address.partition("?")[0])
    except Resolver404:
        return {"back_to": "", "back_to_element": ""}
    user = get_user_model().objects.filter(pk=user_pk, is_active=True).first() if user_pk else None
    name = ""
    if "slug" in found.kwargs and user is not None and user.has_perm("elements.view_element"):
        names = Element.objects.visible_to(user).filter(slug=found.kwargs["slug"]).values_list("name", flat=True)
        name = names.first() or ""
    return {"back_to": PAGES.get(found.url_name or "", "") if user else "", "back_to_element": name}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page was open for too long; the script hears that loading it again helps."""
    answer: HttpResponse = csrf.csrf_failure(request, reason)
    answer["X-Page"] = "old"
    return answer

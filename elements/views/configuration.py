"""Configuration: the naming format with its preview, polling, and how long things are kept."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View
from django.views.generic import TemplateView

from elements.domain.naming import DEFAULT_FORMAT, MAX_FORMAT, PLACEHOLDERS, InvalidFormat, parse
from elements.domain.naming_preview import Preview, chips, preview
from elements.domain.wording import interval, relative
from elements.forms.configuration import NamingForm, PollingForm, RetentionForm
from elements.models import Poll
from elements.usecases import configure
from elements.usecases.preview_names import candidates
from elements.views.pages import ElementPageMixin

SAID_FOR = timedelta(minutes=1)


class Configuration(ElementPageMixin, TemplateView):
    """The page: forms for whoever may change elements, facts for everybody else."""

    template_name = "elements/configuration.html"

    @property
    def may_change(self) -> bool:
        """Tell whether the user may change the element."""
        return self.request.user.has_perm("elements.change_element")

    @property
    def naming_pending(self) -> bool:
        """Tell whether a saved format waits for the next poll."""
        return self.element.naming_saved_at is not None and self.element.naming_effective_at is None

    @property
    def naming_new(self) -> bool:
        """Tell whether a format came into effect just now."""
        effective_at = self.element.naming_effective_at
        return effective_at is not None and self.now - effective_at < SAID_FOR

    def live_state(self) -> tuple[object, ...]:
        """Return what the banner and the facts show beside what every page of the element shows."""
        element = self.element
        naming = (element.naming_format, self.naming_pending, self.naming_new, element.duplicate_names)
        kept = tuple(RetentionForm.shown(element).values())
        return (*super().live_state(), naming, element.interval_s, kept)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save the form that was sent."""
        if not self.may_change:
            raise PermissionDenied
        kind = request.POST.get("save", "")
        form = self.bound_form(kind)
        if form is None:
            messages.error(request, "Nothing was saved\nThe form did not say which part of the page it is.")
            return redirect("elements:configuration", self.element.slug)
        if not form.is_valid() or kind == "preview":
            return self.render_to_response(self.get_context_data(**{_PLACES[kind]: form}))
        self.save(kind, form)
        return redirect("elements:configuration", self.element.slug)

    def bound_form(self, kind: str) -> forms.Form | None:
        """Return the form that was sent, None when there is none of that name."""
        data = self.request.POST
        match kind:
            case "naming" | "preview":
                return NamingForm(data)
            case "polling":
                return PollingForm(data, initial=PollingForm.shown(self.element))
            case "retention":
                return RetentionForm(data, initial=RetentionForm.shown(self.element))
            case _:
                return None

    def save(self, kind: str, form: forms.Form) -> None:
        """Save what was checked and say so; the banner of the page speaks for the naming format."""
        who: dict[str, Any] = {"by": self.request.user.get_username(), "now": self.now}
        if isinstance(form, NamingForm):
            if not configure.save_naming_format(self.element, form.cleaned_data["naming_format"], **who):
                messages.info(self.request, "Nothing to save\nThis naming format is the one in use.")
            return
        changes = form.changes() if isinstance(form, PollingForm | RetentionForm) else {}
        polled = changes.pop("polled", None)
        switched = polled is not None and configure.switch_polling(self.element, polled, **who)
        saved = bool(changes) and configure.save_settings(self.element, changes, **who)
        self.say_saved(kind, switched=switched, saved=saved)

    def say_saved(self, kind: str, *, switched: bool, saved: bool) -> None:
        """Tell the user what now holds."""
        if not switched and not saved:
            messages.info(self.request, "Nothing to save\nNothing was changed on this form.")
            return
        self.element.refresh_from_db(fields=["interval_s", "paused"])
        if kind == "retention":
            messages.success(self.request, "Retention saved\nWhat is older goes within a few minutes.")
        elif self.element.paused:
            messages.success(
                self.request, "Polling paused\nNo call to AWS is made for this element until it is resumed."
            )
        else:
            title = "Polling resumed" if switched else "Polling saved"
            messages.success(self.request, f"{title}\n{self.next_poll_sentence()}")

    def next_poll_sentence(self) -> str:
        """Return how often the element is polled and when next."""
        poll = Poll.objects.filter(element=self.element).first()
        every = f"Every {interval(self.element.interval_s)}"
        if poll is None or poll.due_at <= self.now:
            return f"{every}, next now."
        return f"{every}, next {relative(poll.due_at, self.now)}."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the forms for whoever may change the element; a fragment carries none."""
        pending, recent = self.naming_pending, self.naming_new
        context = super().get_context_data(naming_pending=pending, naming_new=recent, busy=pending or recent, **kwargs)
        if self.may_change and not self.is_fragment:
            context.update(self.forms_context(kwargs))
        return context

    def forms_context(self, bound: dict[str, Any]) -> dict[str, Any]:
        """Return the forms, those that were sent with what was entered, and the preview."""
        element = self.element
        naming = bound.get("naming_form") or NamingForm(initial={"naming_format": element.naming_format})
        found = candidates(element)
        entered = naming.cleaned_data["naming_format"] if naming.is_bound and naming.is_valid() else None
        return {
            "naming_form": naming,
            "polling_form": bound.get("polling_form") or PollingForm(initial=PollingForm.shown(element)),
            "retention_form": bound.get("retention_form") or RetentionForm(initial=RetentionForm.shown(element)),
            "chips": chips(found, element.region),
            "placeholders": PLACEHOLDERS.items(),
            "max_format": MAX_FORMAT,
            "preview": preview(parse(entered or _readable(element.naming_format)), found, element.region),
            "naming_error": bool(naming.errors),
        }


_PLACES = {
    "naming": "naming_form",
    "preview": "naming_form",
    "polling": "polling_form",
    "retention": "retention_form",
}


class NamingPreview(ElementPageMixin, View):
    """What a format would give, for the script of Configuration. Nothing is saved."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the parts of the page that follow the field, or lead to the page itself."""
        if request.headers.get("X-Fragment") != "preview":
            return redirect("elements:configuration", self.element.slug)
        context: dict[str, Any] = {"naming_error": ""}
        try:
            context["preview"] = self.preview(request.GET.get("naming_format", ""))
        except InvalidFormat as error:
            context["naming_error"] = error.message
        return render(request, "elements/configuration/_naming_answer.html", context)

    def preview(self, text: str) -> Preview:
        """Return the preview of a format; raises InvalidFormat before any instance is read."""
        naming_format = parse(text)
        return preview(naming_format, candidates(self.element), self.element.region)


def _readable(text: str) -> str:
    """Return the format, or the default one when it was written past the form and cannot be read."""
    try:
        parse(text)
    except InvalidFormat:
        return DEFAULT_FORMAT
    return text

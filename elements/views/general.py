"""General: what connects an element to AWS, how the connection is, and what its keys may do."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views import View
from django.views.generic import TemplateView

from elements.domain import iam_policy
from elements.domain.connection_reports import Report, clock, not_tested
from elements.domain.heartbeats import heartbeat
from elements.domain.regions import REGIONS, partition_of
from elements.forms.general import GeneralForm
from elements.models import Element
from elements.usecases import set_up
from elements.usecases.change_access import Judgement, judge
from elements.usecases.connect import UNREADABLE_KEYS, KeysMissing, endpoint_in_use
from elements.usecases.identify import accept_account
from elements.usecases.test_connection import examine, last_report, remember
from elements.views.pages import ElementPageMixin

SET_UP = "elements.change_element"


class General(ElementPageMixin, TemplateView):
    """The page; whoever may change elements enters region, account and keys here."""

    template_name = "elements/general.html"

    @cached_property
    def last_report(self) -> Report | None:
        """Return the last test of the stored keys."""
        return last_report(self.element)

    def live_state(self) -> tuple[object, ...]:
        """Add what is stored about the access and its last test."""
        one = self.element
        stored = (one.region, one.endpoint_url, one.sts_endpoint_url, one.account_id, one.seen_account_id)
        tested_at = self.last_report.at if self.last_report else None
        return (*super().live_state(), stored, one.account_arn, one.keys_stored_at, tested_at)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Test what was entered, and save it unless only a test was asked for."""
        if not request.user.has_perm(SET_UP):
            raise PermissionDenied
        if "accept_account" in request.POST:
            return self._accept()
        form = GeneralForm(request.POST, element=self.element)
        if not form.is_valid():
            return self._again(form)
        judgement = judge(
            self.element,
            form.wanted,
            form.keys,
            caller=request.user.get_username(),
            now=self.now,
            anyway=form.cleaned_data["save_anyway"],
            clear=form.cleaned_data["clear_instances"],
        )
        if "test" in request.POST:
            return self._tested(form, judgement)
        if judgement.errors:
            form.object_to(judgement)
            return self._again(form, judgement.report)
        return self._save(form, judgement)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the panels show."""
        context = super().get_context_data(**kwargs)
        element, poll = self.element, self.poll
        context.setdefault("form", GeneralForm(element=element) if self.request.user.has_perm(SET_UP) else None)
        report = context.get("report") or self.last_report
        context.update(
            report=report,
            permissions=[line for line in report.findings if line.is_permission] if report else not_tested(),
            endpoint=endpoint_in_use(element),
            regions=REGIONS.items(),
            heartbeat=heartbeat(poll.recent) if poll and poll.recent else None,
            clock=clock(poll.clock_offset_s if poll else None),
            answer=_last_refusal(element, poll) if poll and poll.failures else None,
            keys_unreadable=bool(poll and poll.failure_text == UNREADABLE_KEYS),
            keys_refused=bool(poll and poll.refused and element.has_keys and not element.account_changed),
            policy=iam_policy.policy(
                partition=partition_of(element.region), region=element.region, account_id=element.account_id
            ),
            steps=iam_policy.STEPS,
        )
        return context

    def _again(self, form: GeneralForm, report: Report | None = None) -> HttpResponse:
        """Show the form with its errors; no key that was entered goes back."""
        return self.render_to_response(self.get_context_data(form=form, report=report, just_tested=report is not None))

    def _tested(self, form: GeneralForm, judgement: Judgement) -> HttpResponse:
        """Show what a mere test found."""
        if judgement.report is None:
            form.add_error("access_key_id", judgement.errors.get("access_key_id") or "Enter the keys to test.")
        return self._again(form, judgement.report)

    def _save(self, form: GeneralForm, judgement: Judgement) -> HttpResponse:
        user, report = self.request.user.get_username(), judgement.report
        changed = set_up.change(self.element, judgement.wanted, form.keys, by=user, now=self.now, report=report)
        if report is None:
            messages.success(self.request, "Saved.\nEnter the access key to connect this element.")
        else:
            tell(self.request, report, "Saved" if changed or form.keys else "Tested")
        return self._back()

    def _accept(self) -> HttpResponse:
        """Take over the account that AWS named and the user saw."""
        seen = self.request.POST["accept_account"]
        if accept_account(self.element, seen, by=self.request.user.get_username(), now=self.now):
            messages.success(self.request, "New account accepted.\nThe element is polled at once.")
        else:
            messages.warning(self.request, "Nothing was changed.\nAWS names another account now. Look again.")
        return self._back()

    def _back(self) -> HttpResponseRedirect:
        return redirect("elements:general", self.element.slug)


class GeneralTest(ElementPageMixin, View):
    """Test connection with the stored keys: "Check again"."""

    permission_required = "elements.operate_element"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask AWS and keep what it answered for the panel."""
        try:
            report = examine(self.element, caller=request.user.get_username(), now=self.now)
        except KeysMissing as missing:
            messages.error(request, f"AWS was not asked.\n{missing}")
        else:
            remember(self.element, report)
            tell(request, report, "Tested")
        return redirect("elements:general", self.element.slug)


def tell(request: HttpRequest, report: Report, done: str) -> None:
    """Say what was done and how the test ended, with what the key lacks."""
    lines = [report.result, *(f"{line.name}: {line.word.lower()}. {line.text}." for line in report.shortcomings)]
    if not report.passed:
        messages.error(request, "\n".join([f"{done}, but the test did not pass.", report.result]))
    elif report.shortcomings:
        messages.warning(request, "\n".join([f"{done}, with limits.", *lines]))
    else:
        messages.success(request, "\n".join([f"{done}.", *lines]))


def _last_refusal(element: Element, poll: Any) -> Any:
    """Return the Debug record of AWS's own words on the last failure."""
    since = element.debug_records.since(poll.attempted_at) if poll.attempted_at else element.debug_records.none()
    return since.filter(error_code=poll.failure_code).newest().first()

"""Start, stop and reboot: the question, and the submit that counts once."""

import logging
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views import View

from elements import tasks
from elements.domain.instance_states import Verb
from elements.forms.actions import MAX_IDS, ActionInput
from elements.usecases.change_instance_state import IDS_PER_CALL, Requested, perform
from elements.usecases.change_instance_state import request as ask
from elements.views.addresses import own_address
from elements.views.confirmation import Confirmation, changed_words, confirmation
from elements.views.pages import ElementPageMixin

log = logging.getLogger(__name__)

# What is not sent by then goes on in a worker, so that nobody waits longer than this and one call.
PATIENCE_S = 10.0
WITH_DOCK = ("elements:instances", "elements:instance")


class ActionPage(ElementPageMixin, View):
    """What the question and the submit have in common."""

    permission_required = "elements.operate_element"
    asked: ActionInput
    verb: Verb

    def answer_early(self, query: QueryDict) -> HttpResponse | None:
        """Read the request; return the answer when there is nothing to ask about."""
        self.asked = ActionInput.of(query)
        if self.asked.verb is None:
            raise Http404("no such action")
        self.verb = self.asked.verb
        number = len(self.asked.instance_ids)
        if not number:
            messages.warning(self.request, "No instance is selected\nSelect at least one, then ask again.")
        elif number > MAX_IDS:
            text = (
                f"Too many at once\n{number} instances are selected; {MAX_IDS} can be asked together. Nothing was done."
            )
            messages.warning(self.request, text)
        else:
            return None
        return self.go_on()

    def go_on(self) -> HttpResponseRedirect:
        """Return to the page that the user came from when it shows the dock, else to the element's instances."""
        target = self.asked.next or self._referring()
        instances = reverse("elements:instances", args=[self.element.slug])
        return HttpResponseRedirect(target if self._shows_dock(target) else instances)

    def show(self, question: Confirmation) -> HttpResponse:
        """Ask, in the dialog of the page's script or on a page of its own."""
        is_dialog = self.request.headers.get("X-Fragment") == "dialog"
        template = "elements/_action_dialog.html" if is_dialog else "elements/action_confirm.html"
        back = self.go_on().url
        context: dict[str, Any] = {"element": self.element, "question": question, "next": back, "view": self}
        context.update(connection=self.connection, poll=self.poll, now=self.now)
        return render(self.request, template, context)

    def _referring(self) -> str:
        """Return the address of the page with the link that was followed, so that its filter is not lost."""
        try:
            referrer = urlsplit(self.request.headers.get("Referer", ""))
        except ValueError:
            return ""
        return f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path

    def _shows_dock(self, target: str) -> bool:
        if not own_address(target):
            return False
        try:
            match = resolve(target.partition("?")[0].partition("#")[0])
        except Resolver404:
            return False
        return match.view_name in WITH_DOCK and match.kwargs["slug"] == self.element.slug


class ActionConfirm(ActionPage):
    """Name what would be touched and ask. POST is for more instances than fit into an address; nothing is written."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask."""
        return self._ask(request.GET)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask about many."""
        return self._ask(request.POST)

    def _ask(self, query: QueryDict) -> HttpResponse:
        early = self.answer_early(query)
        return early or self.show(confirmation(self.element, self.verb, self.asked.instance_ids, self.now))


class ActionSubmit(ActionPage):
    """Do what was confirmed: store it, ask AWS, and show what became of it in the dock."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Store the request and send it; the same form sent again leads to the same result."""
        early = self.answer_early(request.POST)
        if early is not None:
            return early
        question = confirmation(self.element, self.verb, self.asked.instance_ids, self.now)
        if self.asked.batch is None:
            return self.show(question)
        if self._was_stored():  # asked last: what is under way because of this very form is no change
            return self.go_on()
        if question.left_alone_number:
            return self._look_again(question)
        if self.asked.typed != question.must_type and question.must_type:
            error = f"Type {question.must_type} to confirm. Nothing was done."
            return self.show(replace(question, batch=self.asked.batch, error=error))
        stored = self._store(self.asked.batch)
        if stored.changed:
            return self._look_again(confirmation(self.element, self.verb, self.asked.instance_ids, timezone.now()))
        if not stored.repeated:
            self._send(stored)
        return self.go_on()

    def _was_stored(self) -> bool:
        return self.asked.batch is not None and self.element.actions.filter(batch=self.asked.batch).exists()

    def _seen(self) -> dict[str, str]:
        return {instance_id: self.asked.seen.get(instance_id, "") for instance_id in self.asked.instance_ids}

    def _look_again(self, question: Confirmation) -> HttpResponse:
        return self.show(replace(question, notice=changed_words(question, self._seen())))

    def _store(self, batch: uuid.UUID) -> Requested:
        try:
            return ask(
                self.element,
                self.verb,
                self.asked.instance_ids,
                batch=batch,
                by=self.request.user.get_username(),
                now=self.now,
                seen=self._seen(),
            )
        except Error:
            self.request.may_be_recorded = True  # type: ignore[attr-defined]  # a commit may come through unheard
            self.request.may_be_recorded = self._was_stored()  # type: ignore[attr-defined]
            raise

    def _send(self, stored: Requested) -> None:
        """Ask AWS at once, so that the user learns at once; what takes longer goes on in a worker.

        What is stored is not lost when the database fails now: the clock looks after it.
        """
        pks = [action.pk for action in stored.actions]
        try:
            if len(pks) <= IDS_PER_CALL:
                pks = perform(self.element, pks, clock=timezone.now, patience_s=PATIENCE_S)
            if pks:
                tasks.send(self.element.pk, pks)
        except Error as error:
            log.error("actions of element %s were stored, then the database failed: %s", self.element.pk, error)

"""One element of a simulated AWS, whom its pages are shown to, and what must hold whatever goes wrong."""

import re
from datetime import timedelta

from django.apps import apps
from django.db.models import DateTimeField, F
from django.utils import timezone

from elements.domain.connections import CONNECTED
from elements.models import Action, CallBudget, Element, Instance, Poll, ScheduledEvent
from elements.usecases import budgets
from elements.usecases.follow_actions import elements_to_look_at, expire, follow
from elements.usecases.run_polls import claim_batches, poll_once
from tests import builders
from tests.faults.ledger import LEDGER

INTERVAL_S = 30
# Two intervals and the grace of the page are over then, whenever the last good poll was.
LATE_S = 40
# AWS's own times are what they are, and by when its keys were stored a poll knows that they are the same.
OF_AWS = (
    "keys_stored_at",
    "not_before",
    "not_after",
    "not_before_deadline",
    "requested_start_at",
    "launched_at",
    "state_since_at",
)
PAGES = ("instances", "events", "debug", "configuration", "general")
VERBS = {"StartInstances": "start", "StopInstances": "stop", "RebootInstances": "reboot"}


def text(response):
    """Return what a page says, in one line."""
    return plain(response.content.decode())


def plain(html):
    """Return the text of markup, in one line."""
    words = re.sub(r"<[^>]+>", "", re.sub(r"</(?:th|td|p|h\d|li|dt|dd|strong|a)>", " ", html))
    return " ".join(words.replace("\u00a0", " ").replace("&#x27;", "'").replace("&quot;", '"').split())


def pass_time(seconds):
    """Let everything that the product has noted be so much longer ago."""
    for model in apps.get_app_config("elements").get_models():
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, DateTimeField) and f.name not in OF_AWS]
        if names:
            model._base_manager.update(**{name: F(name) - timedelta(seconds=seconds) for name in names})
    CallBudget.objects.update(at=F("at") - seconds, lowered_at=F("lowered_at") - seconds)


class Scene:
    """An element that was read once and is well."""

    def __init__(self, aws, client, **keys):
        self.aws, self.client = aws, client
        self.patience = {}  # how long AWS is waited for, where a test has less time
        self.ids = aws.add_instances(names=[f"encoder-{n}" for n in range(4)])
        self.ids += aws.add_instances(names=["spare"], state="stopped")
        aws.instance(self.ids[0]).schedule_event("system-reboot")
        self.keys = aws.add_keys(**keys)
        self.pk = builders.element(aws, self.keys, interval_s=INTERVAL_S).pk
        self.poll()
        assert self.connection is CONNECTED

    @property
    def element(self):
        return Element.objects.with_poll().get(pk=self.pk)

    @property
    def row(self):
        return Poll.objects.get(element=self.pk)

    @property
    def connection(self):
        return self.element.connection(timezone.now())

    @property
    def due_in_s(self):
        return max(0.0, (self.row.due_at - timezone.now()).total_seconds())

    def poll(self):
        """Poll when the clock would: the element must be due."""
        budgets._purses.clear()  # another process than the last time
        now = timezone.now()
        queued = [pk for batch in claim_batches(now) for pk in batch.element_ids]
        LEDGER.never("polls stopped for good", int(queued != [self.pk]))
        return poll_once(self.pk, caller="poll", now=now, queued=True)

    def next_poll(self):
        """Wait until the element is due, poll it, and return how long that was and how the poll ended."""
        waited_s = self.due_in_s
        pass_time(waited_s + 0.1)
        return waited_s, self.poll()

    def recover(self):
        """Poll as often as the clock would until all is well; return how long that took."""
        waited_s = 0.0
        while waited_s < 3600:
            step_s, report = self.next_poll()
            waited_s += step_s
            if report and report.ok and self.connection is CONNECTED:
                return waited_s
        raise AssertionError(f"after an hour still {self.connection.word}: {self.row.failure_text}")

    def page(self, name="instances", client=None):
        """Return what a page of the element says."""
        response = (client or self.client).get(f"/e/{self.element.slug}/{name}/")
        assert response.status_code == 200
        return text(response)

    def rows(self):
        """Return everything stored of instances and events, but for the moments, which time moves."""
        return [
            list(model.objects.order_by("pk").values_list(*_timeless(model))) for model in (Instance, ScheduledEvent)
        ]

    def says_it_is_old(self, words):
        """Look at every page: each must say what is wrong and that what it shows is old."""
        state, shown = self.connection, [self.banner(name) for name in PAGES]
        fresh = [page for page in shown if not re.search(r"AWS data is .+ old|last known state, .+ old", page)]
        LEDGER.never("stale values shown as fresh", len(fresh) + (state is CONNECTED), of=len(shown) + 1)
        for page in shown:
            for each in words:
                assert each in page
        assert state.word in text(self.client.get("/"))
        self._says_so_elsewhere(state)

    def _says_so_elsewhere(self, state):
        """Look where several elements meet, at one instance, and at what is taken away as a file."""
        found = text(self.client.get("/find/?q=encoder"))
        wall = plain(self.client.get("/wall/", headers={"X-Fragment": "live"}).content.decode())
        one = text(self.client.get(f"/e/{self.element.slug}/instances/{self.ids[0]}/"))
        file = self.client.get(f"/e/{self.element.slug}/instances/export.csv").headers["Content-Disposition"]
        honest = (
            len(re.findall(rf"{state.word.lower()}, .+? old", found)) == found.count("encoder-"),
            re.search(rf"{state.word}\. (AWS data .+ old|Shown as .+ ago)", wall),
            re.search(r"AWS data is .+ old|last known state, .+ old", one),
            f"as-of-{self.row.succeeded_at:%Y%m%d-%H%M%S}" in file,
        )
        LEDGER.never("stale values shown as fresh", sum(not each for each in honest), of=len(honest))

    def banner(self, name="instances"):
        """Return what the banner of a page says, "" without one."""
        html = self.client.get(f"/e/{self.element.slug}/{name}/").content.decode()
        part = html.partition('data-live-part="connection">')[2].partition("data-live-part=")[0]
        return plain(part) if 'class="banner' in part else ""

    def all_is_well(self):
        """Look at every page: none says that anything is wrong."""
        assert list(map(self.banner, PAGES)) == [""] * len(PAGES)
        assert (self.row.failures, self.row.failure_text, self.row.failed_since) == (0, "", None)

    def question(self, client, verb, instance_ids):
        """Ask for something as a page does, and return what its question would submit."""
        answer = client.get(f"/e/{self.element.slug}/actions/confirm/", {"action": verb, "id": instance_ids})
        form = {}
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()):
            form.setdefault(name, []).append(value)
        form.pop("csrfmiddlewaretoken", None)
        return form

    def submit(self, client, form):
        """Submit a question and return the page that follows."""
        return client.post(f"/e/{self.element.slug}/actions/", form, follow=True)

    def settle(self):
        """Look at what was asked for as the clock would, until it has ended; return how long that took."""
        waited_s = 0
        while Action.objects.open().exists():
            assert waited_s < 1200, list(Action.objects.open().values())
            pass_time(5)
            waited_s += 5
            expire(timezone.now())
            for pk in elements_to_look_at(timezone.now()):
                follow(Element.objects.get(pk=pk), now=timezone.now())
        return waited_s

    def audit(self):
        """Compare what is stored with what AWS is and was asked; note it in the ledger."""
        for kind, hits in self.aws.faults.struck.items():
            LEDGER.fault(kind, hits)
        self.aws.faults.struck.clear()
        _audit_listed(self.aws)
        audit_actions(self.aws)


def _audit_listed(aws):
    """Nothing is called gone that AWS still has."""
    there = set(aws.world.instances)
    gone = Instance.objects.gone().values_list("instance_id", flat=True)
    announced = {event.event_id for instance in aws.world.instances.values() for event in instance.events}
    cleared = ScheduledEvent.objects.exclude(cleared_at=None).values_list("event_id", flat=True)
    wrong = len(there.intersection(gone)) + len(announced.intersection(cleared))
    LEDGER.never("instances or events falsely marked gone", wrong, of=Instance.objects.count())


def audit_actions(aws):
    """Each request was sent at most once, none late, and none is left without an end."""
    sent = [
        (VERBS[call.action], instance_id)
        for call in aws.journal()
        if call.action in VERBS and not call.parameters.get("DryRun") and call.code not in _NOTHING_DONE
        for instance_id in call.parameters.get("InstanceIds", ())
    ]
    asked = [(a.verb, a.instance_id_text) for a in Action.objects.all()]
    twice = sum(max(0, sent.count(each) - asked.count(each)) for each in set(sent))
    LEDGER.never("actions sent twice", twice, of=len(asked))
    LEDGER.never("actions lost", Action.objects.filter(settled_at=None).count(), of=len(asked))
    late = [a for a in Action.objects.exclude(sent_at=None) if a.sent_at > a.expires_at]
    LEDGER.never("actions run late", len(late), of=len(asked))


# AWS has refused the whole call, so that the rest of it may be asked again.
_NOTHING_DONE = ("IncorrectInstanceState", "InvalidInstanceID.NotFound", "OperationNotPermitted")


def _timeless(model):
    fields = [f.name for f in model._meta.concrete_fields if not isinstance(f, DateTimeField)]
    return fields if model is not Instance else [*fields, "gone_at"]

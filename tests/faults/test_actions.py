"""Every fault of AWS while somebody stops or starts an instance: it is sent once, and its end is what AWS shows."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from elements.domain.connections import CONNECTED
from elements.models import Action, Activity, Element
from elements.usecases.follow_actions import expire
from tests.aws.conftest import certificate, tls_aws
from tests.faults.scene import Scene, pass_time, text

pytestmark = pytest.mark.django_db
__all__ = ["certificate", "tls_aws"]

MAY_HAVE_ARRIVED = "The request may still have arrived. ec2mon looks at the states and does not send it again."
SETTLED_WITHIN_S = 150


@pytest.fixture
def operator(signed_in):
    return signed_in("operators", "olga")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with StopInstances, what the page says then, and how the request ends."""

    name: str
    begin: Callable[[Scene], object]
    words: str
    end: str
    calls: int = 1


def unanswered(name: str, end: str, **details) -> Fault:
    """Return a fault after which nobody knows whether AWS did it; it ends confirmed when AWS did."""

    def begin(scene: Scene) -> None:
        scene.patience["read_s"] = details.pop("read_s", 20)
        scene.aws.fault(name, "StopInstances", **details)

    return Fault(f"{name}-{end}", begin, "AWS did not answer the request to stop", end)


def refused(name: str, words: str, begin: Callable[[Scene], object], calls: int = 1) -> Fault:
    return Fault(name, begin, words, "refused", calls)


def struck(kind: str, **details) -> Callable[[Scene], object]:
    return lambda scene: scene.aws.fault(kind, "StopInstances", **details)


def keys(**fields) -> Callable[[Scene], object]:
    def change(scene: Scene) -> None:
        for name, value in fields.items():
            setattr(scene.keys, name, value)

    return change


FAULTS = [
    *(unanswered(kind, "unknown") for kind in ("internal", "unavailable", "html-500", "reset")),
    *(unanswered(kind, "unknown") for kind in ("captive", "garbage", "empty", "redirect")),
    unanswered("hang", "unknown", read_s=0.3),
    unanswered("slow", "confirmed", read_s=0.3, seconds=30),
    *(unanswered(kind, "confirmed") for kind in ("lost", "short", "truncated", "garbled", "no-set")),
    refused("throttle", "AWS is throttling requests (RequestLimitExceeded), so it did nothing.", struck("throttle")),
    refused("optin", "The account is not subscribed to EC2", struck("optin")),
    refused("blocked", "AWS has blocked this account", struck("blocked")),
    refused("wrong-secret", "AWS refused the access key", keys(secret_access_key="another-secret")),
    refused("expired", "The session token has expired, or the clock", keys(expired=True)),
    refused("region", "region eu-central-1 is not enabled", keys(disabled_regions=frozenset(["eu-central-1"]))),
    refused("denied", "may not call ec2:StopInstances. Add the action", keys(denied=frozenset(["StopInstances"]))),
    refused("skew", "The clock of the ec2mon server is 20 min off.", lambda scene: scene.aws.set(clock_skew_s=1200)),
    refused("vanished", "AWS does not know this instance in this region", lambda scene: scene.aws.vanish(scene.ids[0])),
    refused(
        "terminated",
        "in a state that does not allow this",
        lambda scene: setattr(scene.aws.instance(scene.ids[0]), "state", "terminated"),
    ),
    refused("protected", "Remove the protection there first", lambda scene: scene.aws.instance(scene.ids[0]).protect()),
    refused(
        "port-closed",
        "http://127.0.0.1:9 could not be reached",
        lambda scene: Element.objects.update(endpoint_url="http://127.0.0.1:9"),
        calls=0,
    ),
    refused(
        "no-such-name",
        "http://ec2.eu-central-1.invalid could not be reached",
        lambda scene: Element.objects.update(endpoint_url="http://ec2.eu-central-1.invalid"),
        calls=0,
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_stop_is_sent_once_is_never_lost_and_ends_as_aws_shows(scene, operator, ledger, fault):
    form = scene.question(operator, "stop", scene.ids[:1])
    fault.begin(scene)

    said = text(scene.submit(operator, form))
    again = text(scene.submit(operator, form))
    action = Action.objects.get()
    scene.patience.clear()
    waited_s = scene.settle()
    action.refresh_from_db()

    assert fault.words in said
    assert fault.words in again
    assert (MAY_HAVE_ARRIVED in said) == (fault.end != "refused")
    assert len(scene.aws.journal("StopInstances")) == fault.calls
    assert (action.status, waited_s <= SETTLED_WITHIN_S) == (fault.end, True)
    assert _outcome(fault.end) in scene.page()
    if not scene.aws.faults.struck:
        ledger.fault(f"a stop: {fault.name}")


def _outcome(end):
    if end == "confirmed":
        return "encoder-0 stopped"
    return "may or may not have worked" if end == "unknown" else "Stop of encoder-0 failed"


@pytest.mark.parametrize(("kind", "end"), [("hang", "unknown"), ("slow", "confirmed")])
def test_a_process_that_is_stopped_during_the_call_leaves_a_request_that_is_settled_by_looking(
    scene, operator, ledger, kind, end
):
    form = scene.question(operator, "stop", scene.ids[:1])
    fault = scene.aws.fault(kind, "StopInstances", seconds=60)

    with stopped_when(lambda: fault.hits):
        scene.submit(operator, form)
    assert Action.objects.get().status == "sent"
    refusal = text(operator.get(f"/e/frankfurt/actions/confirm/?action=stop&id={scene.ids[0]}"))
    pass_time(91)
    expire(timezone.now())
    said = scene.page()
    waited_s = scene.settle()

    assert "stopping was already asked for by olga" in refusal
    assert "ec2mon stopped during the call, so AWS's answer is not known." in said
    assert MAY_HAVE_ARRIVED in said
    assert (Action.objects.get().status, len(scene.aws.journal("StopInstances"))) == (end, 1)
    assert waited_s <= SETTLED_WITHIN_S
    ledger.fault("the sender is stopped during the call")


@contextmanager
def stopped_when(is_time):
    """End what the main thread does as a server that has waited too long does: once it waits for AWS."""

    def end(number, frame):
        raise SystemExit

    def watch():
        until = time.monotonic() + 60
        while not is_time() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)  # all of the request has left
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, end)
    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        with pytest.raises(SystemExit):
            yield
    finally:
        watching.join()
        signal.signal(signal.SIGALRM, before)


def test_after_an_unknown_end_it_may_be_asked_again_and_is_one_call_each(scene, operator):
    scene.aws.fault("reset", "StopInstances", times=1)
    scene.submit(operator, scene.question(operator, "stop", scene.ids[:1]))
    scene.settle()

    scene.submit(operator, scene.question(operator, "stop", scene.ids[:1]))
    scene.settle()

    assert sorted(Action.objects.values_list("status", flat=True)) == ["confirmed", "unknown"]
    assert len(scene.aws.journal("StopInstances")) == 2
    assert scene.aws.instance(scene.ids[0]).state == "stopped"


@pytest.mark.parametrize(
    ("verb", "operation", "chosen"), [("start", "StartInstances", 4), ("reboot", "RebootInstances", 0)]
)
def test_a_right_that_is_missing_names_the_action_to_add(scene, operator, ledger, verb, operation, chosen):
    scene.keys.denied = frozenset([operation])

    said = text(scene.submit(operator, scene.question(operator, verb, [scene.ids[chosen]])))

    assert f"may not call ec2:{operation}. Add the action to its IAM policy." in said
    assert len(scene.aws.journal(operation)) == 1
    assert scene.connection is CONNECTED
    ledger.fault(f"a right that is missing: {operation}")


def test_what_somebody_else_stopped_meanwhile_ends_as_stopped(scene, operator):
    form = scene.question(operator, "stop", scene.ids[:1])
    scene.aws.instance(scene.ids[0]).stop()

    scene.submit(operator, form)

    assert scene.settle() <= 10
    assert Action.objects.get().status == "confirmed"


def test_a_start_is_refused_while_it_is_being_stopped_and_possible_afterwards(scene, operator, signed_in):
    other = signed_in("operators", "maria")
    scene.aws.set(delay_s=3600)
    scene.submit(operator, scene.question(operator, "stop", scene.ids[:1]))

    refusal = text(other.get(f"/e/frankfurt/actions/confirm/?action=start&id={scene.ids[0]}"))
    scene.aws.change_instance(scene.ids[0], state="stopped")
    scene.settle()
    scene.submit(other, scene.question(other, "start", scene.ids[:1]))
    scene.aws.change_instance(scene.ids[0], state="running")
    scene.settle()

    assert "stopping was already asked for by olga" in refusal
    assert list(Action.objects.order_by("pk").values_list("verb", "requested_by", "status")) == [
        ("stop", "olga", "confirmed"),
        ("start", "maria", "confirmed"),
    ]


def test_a_certificate_that_nobody_knows_is_said_and_nothing_is_sent(scene, operator, tls_aws, ledger):
    form = scene.question(operator, "stop", scene.ids[:1])
    Element.objects.update(endpoint_url=tls_aws.url)

    said = text(scene.submit(operator, form))

    assert f"The TLS certificate of {tls_aws.url} could not be verified." in said
    assert (Action.objects.get().status, tls_aws.journal()) == ("refused", [])
    ledger.fault("a certificate that nobody knows")


def test_missing_capacity_is_said_and_not_tried_again(scene, operator, ledger):
    scene.aws.change_instance(scene.ids[4], no_capacity=True)

    said = text(scene.submit(operator, scene.question(operator, "start", scene.ids[4:])))

    assert "AWS has no free capacity for this type in this zone." in said
    assert len(scene.aws.journal("StartInstances")) == 1
    ledger.fault("missing capacity")


def test_of_a_bulk_each_instance_has_its_own_end(scene, operator, ledger):
    form = scene.question(operator, "stop", scene.ids[:4])
    scene.aws.instance(scene.ids[0]).protect()
    scene.aws.vanish(scene.ids[1])

    scene.submit(operator, form)
    scene.settle()

    ends = dict(Action.objects.values_list("instance_id_text", "status"))
    assert [ends[each] for each in scene.ids[:4]] == ["refused", "refused", "confirmed", "confirmed"]
    assert len(scene.aws.journal("StopInstances")) == 3
    assert "2 of 4 instances stopped, 2 failed" in scene.page()
    ledger.fault("a bulk of which some are refused")


def test_while_reads_lag_the_page_shows_what_was_asked_for_and_nothing_fails(scene, operator, ledger):
    scene.aws.set(lag_s=3600)
    scene.submit(operator, scene.question(operator, "stop", scene.ids[:1]))

    pass_time(31)
    scene.poll()

    assert "Stopping" in scene.page()
    assert Action.objects.get().status == "accepted"
    scene.aws.set(lag_s=0)
    assert scene.settle() <= 60
    assert Action.objects.get().status == "confirmed"
    ledger.fault("reads that lag behind")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_fifty_clicks_of_two_people_at_once_one_is_sent_and_the_others_are_told(scene, signed_in, ledger):
    people = [signed_in("operators", "olga"), signed_in("administrators", "maria")]
    forms = [
        (people[n % 2].session.session_key, scene.question(people[n % 2], ("stop", "reboot")[n % 2], scene.ids[:1]))
        for n in range(50)
    ]

    said = at_once([lambda key=key, form=form: scene.submit(_with(key), form) for key, form in forms])

    calls = [*scene.aws.journal("StopInstances"), *scene.aws.journal("RebootInstances")]
    assert (len(calls), Action.objects.count(), Activity.objects.filter(kind="action").count()) == (1, 1, 1)
    told = [page for page in map(text, said) if "was already asked for by" in page or "Nothing was done" in page]
    assert (len(said), len(told)) == (50, 49)
    scene.settle()
    ledger.fault("clicks at once", 50)


def _with(session_key):
    client = Client()
    client.cookies["sessionid"] = session_key
    return client


def at_once(jobs):
    """Do all jobs at the same moment, each in a thread, and return what they gave."""
    gate, results = threading.Barrier(len(jobs)), []

    def run(job):
        gate.wait()
        try:
            results.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results

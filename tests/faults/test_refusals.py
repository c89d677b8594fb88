"""AWS refuses: keys that are wrong, revoked or expired, rights that are missing, a region, a clock, a certificate."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection

from elements.domain.connections import CONNECTED, NOT_CONNECTED
from elements.models import Element, Instance, ScheduledEvent
from tests.aws.conftest import certificate, tls_aws
from tests.faults.scene import PAGES, Scene, pass_time, text

pytestmark = pytest.mark.django_db
__all__ = ["certificate", "tls_aws"]


def enter(scene, keys, client, **more):
    """Enter keys on General."""
    row = scene.element
    stored = {name: getattr(row, name) for name in ("region", "endpoint_url", "sts_endpoint_url", "account_id")}
    typed = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}
    return client.post(f"/e/{row.slug}/general/", {**stored, **typed, **more}, follow=True)


@dataclass(frozen=True)
class Refusal:
    """One refusal: how it begins, what pages say, and how it ends where nobody has to enter keys."""

    name: str
    begin: Callable[[Scene], object]
    words: str
    end: Callable[[Scene], object] | None = None


def of_keys(**fields) -> Callable[[Scene], object]:
    """Return what changes the keys in AWS."""

    def change(scene: Scene) -> None:
        for name, value in fields.items():
            setattr(scene.keys, name, value)

    return change


def without(action: str) -> Refusal:
    words = f"UnauthorizedOperation: This access key may not call ec2:{action}. Add the action to its IAM policy."
    return Refusal(f"F9-{action}", of_keys(denied=frozenset([action])), words, of_keys(denied=frozenset()))


REFUSALS = [
    Refusal(
        "F8-wrong",
        of_keys(secret_access_key="quite-another-secret"),
        "AuthFailure: The Secret Access Key does not belong to the Access Key ID.",
    ),
    Refusal(
        "F8-revoked",
        lambda scene: scene.aws.world.keys.clear(),
        "AuthFailure: AWS does not know the access key, or it was disabled or deleted.",
    ),
    Refusal("F8-expired", of_keys(expired=True), "RequestExpired: The session token has expired, or the clock of"),
    without("DescribeInstances"),
    Refusal(
        "F10-disabled",
        of_keys(disabled_regions=frozenset(["eu-central-1"])),
        "AuthFailure: The keys are right, but region eu-central-1 is not enabled",
        of_keys(disabled_regions=frozenset()),
    ),
    *(
        Refusal(
            f"F11-skew{minutes}",
            lambda scene, minutes=minutes: scene.aws.set(clock_skew_s=60 * minutes),
            "RequestExpired: The clock of the ec2mon server is 20 min off.",
            lambda scene: scene.aws.set(clock_skew_s=0),
        )
        for minutes in (20, -20)
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_is_said_on_every_page_keeps_all_rows_and_ends(scene, signed_in, ledger, refusal):
    before = scene.rows()
    refusal.begin(scene)

    for _ in range(3):
        asked = len(scene.aws.journal())
        assert not scene.next_poll()[1].ok
        assert len(scene.aws.journal()) - asked <= 3  # each listing once, and STS for what EC2 does not tell
        assert scene.rows() == before
        ledger.fault(f"keys refused: {refusal.name}")
    assert scene.connection is NOT_CONNECTED
    scene.says_it_is_old([refusal.words, "Start and Stop are off until the connection is back."])
    if refusal.end:
        refusal.end(scene)
    else:
        scene.keys = scene.aws.add_keys()
        enter(scene, scene.keys, signed_in("administrators"))
        assert scene.due_in_s == 0

    assert scene.recover() <= 300
    scene.all_is_well()
    assert scene.rows() == before


def test_refused_keys_are_tried_less_and_less_so_that_nothing_is_locked(scene):
    scene.aws.world.keys.clear()

    waits = [scene.next_poll()[0] for _ in range(9)]

    assert all(225 <= wait <= 301 for wait in waits[-4:])


def test_nothing_is_sent_while_keys_are_refused(scene, signed_in):
    operator = signed_in("operators")
    form = scene.question(operator, "stop", scene.ids[:1])
    scene.aws.world.keys.clear()
    scene.next_poll()

    answer = scene.submit(operator, form)

    assert "This element is not connected. Start and Stop are off until the connection is back." in text(answer)
    assert scene.element.actions.count() == 0
    assert scene.aws.journal("StopInstances") == []


@pytest.mark.parametrize("fault", ["denied", "throttle", "internal", "truncated", "captive", "no-set", "garbled"])
def test_statuses_that_cannot_be_read_leave_instances_fresh_and_say_their_own_age(scene, fault):
    if fault == "denied":
        scene.keys.denied = frozenset(["DescribeInstanceStatus"])
    else:
        scene.aws.fault(fault, "DescribeInstanceStatus")
    scene.aws.instance(scene.ids[0]).events.clear()
    scene.aws.instance(scene.ids[1]).tags["Name"] = "renamed"

    for _ in range(3):
        scene.next_poll()
    pages = [scene.banner(name) for name in PAGES]
    kept = ScheduledEvent.objects.filter(cleared_at=None).count()
    scene.keys.denied = frozenset()
    scene.aws.clear_faults()
    scene.recover()

    assert all("Status checks are not up to date since" in page or "AWS throttles" in page for page in pages), pages
    assert Instance.objects.filter(display_name="renamed").exists()
    assert kept == 1
    assert ScheduledEvent.objects.filter(cleared_at=None).count() == 0
    scene.all_is_well()


def test_a_certificate_that_nobody_knows_is_said_and_nothing_is_sent(scene, tls_aws, ledger):
    before = scene.rows()
    Element.objects.update(endpoint_url=tls_aws.url)

    for _ in range(3):
        scene.next_poll()
    pass_time(40)
    scene.says_it_is_old([f"The TLS certificate of {tls_aws.url} could not be verified."])
    Element.objects.update(endpoint_url=scene.aws.url)

    assert tls_aws.journal() == []
    assert scene.recover() <= 300
    assert scene.rows() == before
    ledger.fault("a certificate that nobody knows", 3)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("account", ["111122223333", "999988887777"])
def test_keys_entered_during_a_poll_win_and_nothing_of_two_accounts_is_mixed(scene, signed_in, account):
    before, administrator = scene.rows(), signed_in("administrators")
    new = scene.aws.add_keys(account=account)
    scene.aws.add_instances(account="999988887777", names=["of-another"])
    slow = scene.aws.fault("slow", "DescribeInstances", access_key_id=scene.keys.access_key_id, seconds=2)
    pass_time(31)
    running = threading.Thread(target=lambda: (scene.poll(), connection.close()))
    running.start()
    while not slow.hits:
        threading.Event().wait(0.01)
    answer = enter(scene, new, administrator, account_id="", clear_instances="")
    running.join()

    asked = len(scene.aws.journal())
    step_s, _ = scene.next_poll()

    used = {call.access_key_id for call in scene.aws.journal()[asked:]}
    if account == "111122223333":
        assert (step_s, used, scene.connection) == (0, {new.access_key_id}, CONNECTED)
        assert scene.rows() == before
    else:
        assert "999988887777" in text(answer).replace(" ", "")
        assert used == {scene.keys.access_key_id}  # they are not stored until somebody accepts the account
        assert not Instance.objects.filter(display_name="of-another").exists()


def test_an_element_pointed_elsewhere_shows_nothing_of_where_it_was(scene, signed_in):
    there = scene.aws.add_instances("eu-west-1", names=["dublin"])

    enter(scene, scene.keys, signed_in("administrators"), region="eu-west-1", clear_instances="on")
    between = scene.page()
    scene.next_poll()

    assert "encoder" not in between
    assert "no longer listed" not in scene.page()
    assert list(Instance.objects.values_list("instance_id", flat=True)) == there
    assert not ScheduledEvent.objects.filter(cleared_at=None).exists()

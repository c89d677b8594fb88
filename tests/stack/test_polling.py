"""Polling by the real workers: how punctual it is, and that one element's trouble is nobody else's."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.browser.stack import ROOT, Stack, wait_for

ROUNDS = 4
PUNCTUAL_S = 2.0
POLL_NOW = """
import time
from elements.models import Element
from elements.tasks import poll_now
pk = Element.objects.get(name="Seldom").pk
print(time.time())
poll_now(pk)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def polls(stack, keys):
    return [call.at for call in stack.aws.journal("DescribeInstances", access_key_id=keys.access_key_id)]


def test_intervals_are_kept_while_other_elements_hang_drip_and_fail(stack):
    stack.aws.add_instances(count=20)
    steady = [stack.add_element(f"Steady {number}") for number in range(3)]
    troubles = {
        "hang": {},
        "drip": {"seconds": 300},
        "slow": {"seconds": 4},
        "reset": {},
        "throttle": {},
        "captive": {},
    }
    troubled = {kind: stack.add_element(f"Trouble {kind}") for kind in troubles}
    for kind, details in troubles.items():
        stack.aws.fault(kind, access_key_id=troubled[kind].access_key_id, **details)
    begun = {keys.access_key_id: len(polls(stack, keys)) for keys in steady}

    wait_for(
        lambda: all(len(polls(stack, keys)) >= begun[keys.access_key_id] + ROUNDS + 2 for keys in steady),
        "the steady elements are not polled",
        stack.log,
        seconds=90,
    )

    for keys in steady:
        # the first poll of each came while nine elements and their faults were still being added
        times = polls(stack, keys)[begun[keys.access_key_id] + 1 :]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
        assert all(abs(gap - 10) <= PUNCTUAL_S for gap in gaps), gaps
    slow = [(later - earlier).total_seconds() for earlier, later in pairwise(polls(stack, troubled["slow"]))]
    assert min(slow) > 4, "two polls of an element at a time"


def test_a_poll_that_is_asked_for_starts_within_two_seconds(stack):
    keys = stack.add_element("Seldom")
    wait_for(lambda: polls(stack, keys), "the new element is not polled", stack.log)
    stack.manage("shell", "-c", "from elements.models import Element; Element.objects.update(interval_s=86_400)")
    stack.aws.clear_faults()

    # the best of three: a machine that does other things at the moment says nothing about the product
    assert min(_delay(stack, keys) for _ in range(3)) < timedelta(seconds=2)


def _delay(stack, keys):
    """Ask for a poll, and return how long that took to reach AWS."""
    known = len(polls(stack, keys))
    asked_at = datetime.fromtimestamp(float(stack.manage("shell", "-c", POLL_NOW).splitlines()[-1]), UTC)
    wait_for(lambda: len(polls(stack, keys)) > known, "nobody polled", stack.log)
    return polls(stack, keys)[known] - asked_at


def test_a_paused_element_makes_no_call(stack):
    stack.manage("element", "pause", "Steady 0")
    stack.manage("shell", "-c", "from elements.models import Element; Element.objects.update(interval_s=10)")
    keys = stack.add_element("Still polled")
    wait_for(lambda: polls(stack, keys), "the new element is not polled", stack.log)
    paused = stack.manage("element", "list", "--json")
    before = len(stack.aws.journal())

    wait_for(lambda: len(polls(stack, keys)) >= 3, "the new element is not polled", stack.log, seconds=60)

    assert "Steady 0" in paused
    assert len(stack.aws.journal()) > before
    calls = [call for call in stack.aws.journal()[before:] if call.access_key_id == _key(stack, "Steady 0")]
    assert calls == []


def _key(stack, name):
    code = f"from elements.models import Element; print(Element.objects.with_keys().get(name={name!r}).access_key_id)"
    return stack.manage("shell", "-c", code).splitlines()[-1]


def test_a_one_off_poll_tells_the_shell_how_it_ended(stack):
    stack.add_element("One-off")
    refused = stack.add_element("Refused")
    del stack.aws.world.keys[refused.access_key_id]

    codes = {names: exit_code(stack, *names) for names in [("One-off",), ("One-off", "Refused"), (), ("Atlantis",)]}

    assert codes == {("One-off",): 0, ("One-off", "Refused"): 1, (): 2, ("Atlantis",): 2}


def exit_code(stack, *names):
    command = [sys.executable, "manage.py", "poll", "--quiet", *names]
    return subprocess.run(command, cwd=ROOT, env=stack.env, capture_output=True, check=False).returncode

"""A machine whose clock is put forward and back by an hour, in the night when summer time ends, and after a day off."""

import re
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.ec2mon.product import wait_for
from tests.faults.installation import installation, moment
from tests.faults.ledger import LEDGER

pytestmark = [pytest.mark.once, pytest.mark.timeout(1200)]
ELEMENTS, INSTANCES, INTERVAL_S = 3, 8, 10
HOUR = 3600
STARTS_BEFORE_S = 20
HERE = Path(__file__).parent


def next_night():
    """Return when clocks in Berlin will go back an hour next, from 3:00 to 2:00: on the last Sunday of October."""
    soon = datetime.now(UTC) + timedelta(days=2)
    nights = [datetime(year, 10, 31, 1, tzinfo=UTC) for year in (soon.year, soon.year + 1)]
    return next(each for night in nights if (each := night - timedelta(days=(night.weekday() + 1) % 7)) > soon)


class Machine:
    """The clock of the machine that ec2mon runs on. AWS's is ours, and stays right."""

    def __init__(self, directory):
        self.file, self.night = directory / "clock", next_night()
        self.env = {"PYTHONPATH": str(HERE / "machine"), "CLOCK_FILE": str(self.file), "TZ": "Europe/Berlin"}
        self.ahead_s = 0.0
        self.put((self.night - datetime.now(UTC)).total_seconds() - STARTS_BEFORE_S)

    def put(self, seconds):
        """Put the clock forward, or back."""
        self.ahead_s += seconds
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(self.ahead_s))
        fresh.replace(self.file)

    def now(self):
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def product(tmp_path_factory, machine):
    with installation(tmp_path_factory.mktemp("clock"), **machine.env) as running:
        running.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        running.maria = running.operator()
        yield running


def polls(product, since):
    """Return when each element was polled, by AWS's clock."""
    return [product.polls(slug, since) for slug in product.keys]


def gaps(times):
    return [later - earlier for each in times for earlier, later in pairwise(each)]


def polls_follow(product):
    """Wait for two further polls of each element and return how long the first took, and the gaps between them."""
    since = time.time()
    wait_for(lambda: min(map(len, polls(product, since))) >= 2, product.log, seconds=120)
    LEDGER.never("polls stopped for good", of=ELEMENTS)
    found = polls(product, since)
    return max(each[0] for each in found) - since, gaps(found)


def is_steady(found):
    """Tell whether polls come in their interval: a busy machine delays one by seconds, a wrong clock by an hour."""
    return min(found) > INTERVAL_S / 4 and max(found) < INTERVAL_S * 3


def stop_one(product):
    """Stop an instance and see that AWS is asked once, and that the action ends."""
    done = {told.instance_id for told in product.told()}
    slug, each = next((slug, each) for slug, ids in product.ids.items() for each in ids if each not in done)
    answer = product.maria.click(slug, "stop", [each], seen="running")
    assert answer.status == 302, answer.text
    mine = lambda: [told.status for told in product.told() if told.instance_id == each]  # noqa: E731
    wait_for(lambda: mine() == ["confirmed"], lambda: str(product.told()), seconds=90)
    LEDGER.never("actions sent twice", [one for one, _ in product.asked("StopInstances")].count(each) - 1)


def test_polls_come_in_time_while_summer_time_ends(product, machine):
    since = time.time()
    LEDGER.fault("summer time ended")

    wait_for(lambda: machine.now() > machine.night, product.log, seconds=120)
    polls_follow(product)

    ((polled_at,),) = product.rows("SELECT max(succeeded_at) FROM elements_poll")
    assert moment(polled_at) > machine.night
    assert is_steady(gaps(polls(product, since))), polls(product, since)


@pytest.mark.parametrize("step_s", [HOUR, -HOUR], ids=["forward", "back"])
def test_polls_and_actions_go_on_when_the_clock_is_put(product, machine, step_s):
    LEDGER.fault("the clock was put")
    machine.put(step_s)

    first_s, between = polls_follow(product)

    assert first_s < 2 * INTERVAL_S + 15
    assert is_steady(between), between
    product.maria.sign_in()  # nobody knows how long a session has lasted
    stop_one(product)
    page = product.maria.get("/").text
    assert page.count("Connected") >= ELEMENTS and "Not connected" not in page
    assert not re.search(r"[-\u2212]\d+\s?(s|min|h|d)\b", page)
    assert product.rows("SELECT count(*) FROM elements_instance WHERE gone_at IS NOT NULL") == [(0,)]


def test_after_a_day_off_each_element_is_polled_once_and_then_in_its_interval(product, machine):
    LEDGER.fault("a day off")
    product.end(signal.SIGTERM)
    machine.put(24 * HOUR)
    since = time.time()
    product.start()

    wait_for(lambda: min(map(len, polls(product, since))) >= 2, product.log, seconds=120)

    assert is_steady(gaps(polls(product, since))), polls(product, since)

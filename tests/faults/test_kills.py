"""Every process killed at random moments, during polls and clicks, and the power cut: nothing is lost by it."""

import contextlib
import random
import signal
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.ec2mon.product import wait_for
from tests.faults.installation import Installation, beats_anew, installation, kill, seed
from tests.faults.ledger import LEDGER
from tests.faults.onlooker import Onlooker, onlooker
from tests.faults.person import Answer, Person
from tests.faults.victims import VICTIMS

pytestmark = pytest.mark.timeout(1200)
KILLS, ELEMENTS, INSTANCES, MANY = 40, 4, 130, 101
INTERVAL_S, CLICK_EVERY_S, CLICKED_S, PEOPLE = 10, 0.3, 6, 3
# What stands still for 66 s is replaced; what was polled then is due after at most 15 s.
BACK_S = 66 + 30


@dataclass
class Click:
    """What was confirmed, and what the page answered."""

    slug: str
    ids: list[str]
    batch: uuid.UUID
    answer: Answer | None = None


@dataclass
class Story:
    """What happened, and how it was afterwards."""

    product: Installation
    chance: random.Random
    clicks: list[Click] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)
    onlooker: Onlooker | None = None

    def click_on(self, person: Person, left: list[tuple[str, list[str]]]) -> None:
        """Stop instances, each of them once, for as long as there are any."""
        with contextlib.suppress(IndexError):
            while not self.ended.wait(CLICK_EVERY_S):
                slug, ids = left.pop()
                click = Click(slug, ids, uuid.uuid4())
                self.clicks.append(click)
                click.answer = person.click(slug, "stop", ids, seen="running", batch=click.batch)
                while not click.answer.status and not person.get("/healthz").status and not self.ended.wait(0.2):
                    pass  # whoever gets no answer tries again when there is one

    @property
    def accepted(self) -> int:
        """Return how many clicks were accepted."""
        return sum(click.answer is not None and click.answer.status == 302 for click in self.clicks)

    def count(self, name: str, killed: int = 1) -> None:
        """Note who was killed."""
        self.kills[name] += killed
        LEDGER.fault("killed outright", killed)

    def kill_one(self) -> None:
        """Kill something that lives; try another where there is none at the moment."""
        while True:
            name = self.chance.choice(list(VICTIMS))
            victims = [pid for pid in VICTIMS[name](self.product) if kill(pid)]
            if victims:
                self.count(name, len(victims))
                return


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with installation(tmp_path_factory.mktemp("kills")) as product:
        product.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        number = seed()
        print(f"EC2MON_SEED={number} repeats this run")
        told = Story(product, random.Random(number))
        with onlooker(product, INTERVAL_S) as told.onlooker:
            _hurt(told)
            _let_it_recover(told)
        answers = Counter(click.answer and click.answer.status for click in told.clicks)
        print(f"{told.kills.total()} kills: {dict(told.kills)}; answers to {len(told.clicks)} clicks: {dict(answers)}")
        yield told


def _hurt(story: Story) -> None:
    """Kill, while AWS is slow so that something is always under way, and while people click."""
    product = story.product
    for action in ("DescribeInstances", "StopInstances"):
        product.aws.fault("slow", action, seconds=0.4)
    left = [(slug, ids[:MANY]) for slug, ids in product.ids.items()]
    left += [(slug, [each]) for slug, ids in product.ids.items() for each in ids[MANY:]]
    story.chance.shuffle(left)
    people = [product.operator() for _ in range(PEOPLE)]
    clicking = [threading.Thread(target=story.click_on, args=(person, left), daemon=True) for person in people]
    for thread in clicking:
        thread.start()
    for number in range(KILLS):
        time.sleep(story.chance.uniform(0.1, 0.9))
        accepted = story.accepted
        story.kill_one()
        with contextlib.suppress(AssertionError):  # there may be nothing left to click on
            wait_for(lambda known=accepted: story.accepted > known, seconds=CLICKED_S)
        if number == KILLS // 3:
            _kill_supervisor(story)
        if number == 2 * KILLS // 3:
            _cut_power(story)
    story.ended.set()
    for thread in clicking:
        thread.join(120)


def _kill_supervisor(story: Story) -> None:
    """Kill whoever looks after all others; the warden ends those."""
    product = story.product
    assert product.process
    product.end(signal.SIGKILL)
    story.count("supervisor")
    wait_for(lambda: not product.left(), lambda: str(product.left()), seconds=60)
    _start_again(story)


def _cut_power(story: Story) -> None:
    story.count("power", story.product.kill_everything())
    _start_again(story)


def _start_again(story: Story) -> None:
    story.product.launch()
    wait_for(lambda: "clock started" in story.product.log(), story.product.log, seconds=120)


def _let_it_recover(story: Story) -> None:
    product, since = story.product, time.time()
    product.aws.clear_faults()
    works = beats_anew(product)
    wait_for(lambda: product.polled_since(since), product.log, seconds=4 * BACK_S)
    wait_for(works, product.log, seconds=4 * BACK_S)
    wait_for(product.answers, product.log, seconds=60)
    product.settle()


def test_every_kind_of_process_was_killed(story):
    assert sum(story.kills.values()) >= KILLS
    assert {"supervisor", "power"} < set(story.kills)
    assert story.accepted >= KILLS / 4


def test_every_click_that_was_accepted_is_stored_and_no_click_twice(story, ledger):
    for click in story.clicks:
        stored = Counter(told.instance_id for told in story.product.told() if told.batch == click.batch.hex)
        was_accepted = click.answer is not None and click.answer.status == 302

        assert set(stored) in (set(click.ids), set()), click
        assert set(stored.values()) <= {1}, click
        ledger.never("actions lost", len(click.ids) if was_accepted and not stored else 0, of=len(click.ids))


def test_aws_was_asked_for_stored_actions_only_at_most_once_and_never_too_late(story, ledger):
    deadlines = {told.instance_id: told.expires_at for told in story.product.told()}
    asked = story.product.asked("StopInstances")

    assert {each for each, _ in asked} <= set(deadlines)
    ledger.never("actions sent twice", len(asked) - len({each for each, _ in asked}), of=len(asked))
    ledger.never("actions run late", len([each for each, at in asked if at > deadlines[each]]), of=len(asked))


def test_every_action_ended_as_aws_shows(story):
    asked = {each for each, _ in story.product.asked("StopInstances")}

    for told in story.product.told():
        wanted = {"confirmed"} if told.instance_id in asked else {"expired", "refused", "unknown"}
        assert told.status in wanted, told
        assert story.product.aws.instance(told.instance_id).state == (
            "stopped" if told.instance_id in asked else "running"
        )


def test_no_instance_was_taken_for_gone(story, ledger):
    ((gone,),) = story.product.rows("SELECT count(*) FROM elements_instance WHERE gone_at IS NOT NULL")

    ledger.never("instances or events falsely marked gone", gone, of=ELEMENTS * INSTANCES)
    assert story.product.rows("SELECT count(*) FROM elements_instance") == [(ELEMENTS * INSTANCES,)]


def test_no_page_called_fresh_what_was_old(story):
    assert story.onlooker.looked >= KILLS
    story.onlooker.tell()


def test_no_process_is_left_that_nobody_looks_after(story):
    assert story.product.orphans() == []


def test_polls_come_in_time_again(story, ledger):
    product, since = story.product, time.time()

    wait_for(lambda: all(len(product.polls(slug, since)) >= 2 for slug in product.keys), product.log, seconds=120)

    ledger.never("polls stopped for good", of=ELEMENTS)
    gaps = [later[1] - later[0] for later in (product.polls(slug, since) for slug in product.keys)]
    assert min(gaps) > INTERVAL_S / 4  # what is polled twice follows at once

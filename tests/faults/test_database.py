"""The database locked, unwritable, read-only, gone and back: what is said, that AWS is asked for nothing that is not
stored, and that all goes on by itself."""

import contextlib
import resource
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.ec2mon import processes
from tests.ec2mon.product import wait_for
from tests.faults.installation import installation
from tests.faults.ledger import LEDGER
from tests.with_services import free_port, postgres, restart_postgres, start_redis, stop_postgres

pytestmark = pytest.mark.timeout(1200)
ELEMENTS, INSTANCES, INTERVAL_S, MANY = 2, 115, 10, 101
BACK_S = 120
NOTHING_SENT = "Not recorded, nothing was sent to AWS"


class Redis:
    """A Redis that can be killed and comes back empty."""

    def __init__(self, place):
        self.place, self.port = place, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        self.process = start_redis(self.place, self.port)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def place():
    # PostgreSQL, which is not run as root, may not look into the directories of pytest
    with tempfile.TemporaryDirectory(prefix="ec2mon-faults-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def product(place):
    from django.conf import settings

    with contextlib.ExitStack() as stack:
        env, redis = {}, None
        if not settings.SQLITE:
            redis = Redis(place)
            stack.callback(redis.kill)
            env = {"DATABASE_URL": stack.enter_context(postgres(place)), "REDIS_URL": redis.url}
        home = place / "home"
        home.mkdir()
        running = stack.enter_context(installation(home, **env))
        running.redis = redis
        running.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        running.maria = running.operator()
        yield running


@pytest.fixture
def parts(product):
    """Return the processes that must outlive whatever happens to the database."""
    before = {name: product.pid(name) for name in ("web", "workers", "ops", "clock")}
    yield before
    assert {name: product.pid(name) for name in before} == before, product.log()


@contextlib.contextmanager
def locked(product):
    """Hold the lock of whoever writes."""
    with contextlib.closing(sqlite3.connect(product.directory / "ec2mon.sqlite3", timeout=60)) as file:
        file.isolation_level = None
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


@contextlib.contextmanager
def disk_full(product):
    """Let no process of it write a byte into any file, its log included."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for pid in processes.using(product.directory):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited))
    yield
    for pid in processes.using(product.directory):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def stopping(product):
    """Return one more instance that can be stopped."""
    done = {told.instance_id for told in product.told()}
    return next((slug, each) for slug, ids in product.ids.items() for each in ids if each not in done)


def stop(product, slug, each):
    return product.maria.click(slug, "stop", [each], seen="running")


def asked_for(product, each):
    return [one for one, _ in product.asked("StopInstances")].count(each)


def asked_in_an_interval(product):
    """Return how often AWS was asked while polls are due that nobody may take up, those under way apart."""
    time.sleep(3)
    calls = len(product.aws.journal())
    time.sleep(INTERVAL_S + 2)
    return len(product.aws.journal()) - calls


def took_nothing(product, each, answer, why):
    """See that a click was refused with words, and that it was neither stored nor sent."""
    assert answer.status == 503
    assert NOTHING_SENT in answer.text and why in answer.text
    assert asked_for(product, each) == 0
    assert each not in {told.instance_id for told in product.told()}


def goes_on(product):
    """Wait until all is well again, by itself, and see that a click works."""
    LEDGER.fault("the database was taken away")
    since = time.time()
    wait_for(product.answers, product.log, seconds=BACK_S)
    wait_for(lambda: product.polled_since(since), product.log, seconds=BACK_S)
    LEDGER.never("polls stopped for good", of=ELEMENTS)
    slug, each = stopping(product)
    answer = stop(product, slug, each)
    assert answer.status == 302, answer.text
    assert asked_for(product, each) == 1


def reads(product, slug):
    """See that pages can be read, without having to wait."""
    began = time.monotonic()
    answer = product.maria.get(f"/e/{slug}/instances/")
    assert answer.status == 200
    return time.monotonic() - began


@pytest.mark.once
def test_a_click_waits_for_a_writer_of_some_seconds(product, parts):
    slug, each = stopping(product)
    answers = []
    with locked(product):
        clicking = threading.Thread(target=lambda: answers.append(stop(product, slug, each)))
        clicking.start()
        clicking.join(5)
        assert clicking.is_alive()
        assert reads(product, slug) < 5
        assert asked_for(product, each) == 0

    clicking.join(60)

    assert [answer.status for answer in answers] == [302]
    assert asked_for(product, each) == 1


@pytest.mark.once
def test_a_database_that_is_locked_for_long_takes_no_click_and_says_so(product, parts):
    slug, each = stopping(product)

    with locked(product):
        answer = stop(product, slug, each)
        reads(product, slug)

    took_nothing(product, each, answer, "The database is busy")
    goes_on(product)


@pytest.mark.once
def test_a_full_disk_takes_no_click_and_asks_aws_nothing(product, parts):
    slug, each = stopping(product)
    with disk_full(product):
        answer = stop(product, slug, each)
        reads(product, slug)
        asked = asked_in_an_interval(product)

    assert asked == 0
    took_nothing(product, each, answer, "The database cannot be written to")
    goes_on(product)


@pytest.mark.services
def test_a_postgresql_whose_rows_somebody_holds_for_long_takes_no_click_and_says_so(product, parts):
    import psycopg

    slug, each = stopping(product)
    with psycopg.connect(product.env["DATABASE_URL"]) as writer:
        writer.execute("UPDATE elements_poll SET revision = revision")
        answer = stop(product, slug, each)
        reads(product, slug)
        writer.rollback()

    took_nothing(product, each, answer, "The database is busy")
    goes_on(product)


@pytest.mark.services
def test_while_postgresql_is_away_pages_say_so_and_nothing_is_sent(product, parts, place):
    slug, each = stopping(product)
    stop_postgres(place)
    page, answer = product.maria.get(f"/e/{slug}/instances/"), stop(product, slug, each)
    asked = asked_in_an_interval(product)

    restart_postgres(place)

    assert asked == 0
    assert page.status == 503 and "The database does not answer" in page.text
    took_nothing(product, each, answer, "The database does not answer")
    goes_on(product)


@pytest.mark.services
def test_a_postgresql_that_may_only_be_read_takes_no_click_and_asks_aws_nothing(product, parts):
    slug, each = stopping(product)
    read_only(product, "on")
    answer = stop(product, slug, each)
    reads(product, slug)
    asked = asked_in_an_interval(product)

    read_only(product, "off")

    assert asked == 0
    took_nothing(product, each, answer, "The database cannot be written to")
    goes_on(product)


@pytest.mark.services
def test_without_redis_clicks_are_taken_and_sent_once_or_expire_in_words(product, parts):
    many = product.ids["element-1"][:MANY]
    slug, each = stopping(product)
    product.redis.kill()
    LEDGER.fault("the broker was taken away")

    answers = [
        stop(product, slug, each),
        product.maria.click("element-1", "stop", many, seen="running"),
        product.maria.post("/e/element-1/poll/", {}),
        product.maria.get("/e/element-1/instances/"),
    ]
    product.redis.start()

    assert [answer.status for answer in answers] == [302, 302, 302, 200]
    assert asked_for(product, each) == 1
    product.settle()
    ended = {told.instance_id: told.status for told in product.told()}
    LEDGER.never("actions lost", len(set(many) - set(ended)), of=MANY)
    for one in many:
        assert ended[one] == ("confirmed" if asked_for(product, one) else "expired")
    goes_on(product)


def read_only(product, how):
    """Let connections made from now on read only, or write again, and end those that there are."""
    import psycopg

    with psycopg.connect(product.env["DATABASE_URL"], autocommit=True) as server:
        server.execute("SET default_transaction_read_only = off")
        server.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {how}")
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )


def test_no_action_was_sent_twice_and_none_that_is_not_stored(product, ledger):
    asked = [each for each, _ in product.asked("StopInstances")]

    ledger.never("actions sent twice", len(asked) - len(set(asked)), of=len(asked))
    assert set(asked) <= {told.instance_id for told in product.told()}

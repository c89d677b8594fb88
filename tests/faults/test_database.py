"""The database locked, unwritable, read-only, gone and back: what is said, that AWS is asked for nothing that is not
stored, and that all goes on by itself."""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.ec2mon.product import wait_for
from tests.faults.database import WITHOUT_PRIVILEGE, Redis, disk_full, locked, read_only_files, read_only_server
from tests.faults.installation import installation
from tests.faults.ledger import LEDGER
from tests.faults.onlooker import onlooker
from tests.with_services import postgres, restart_postgres, stop_postgres

pytestmark = pytest.mark.timeout(1200)
ELEMENTS, INSTANCES, INTERVAL_S, MANY = 2, 115, 10, 101
BACK_S = 120
# Two intervals and the grace of the page, and the time of a poll that was under way.
OLD_S = 2 * INTERVAL_S + 5 + 10
NOTHING_SENT = "Not recorded, nothing was sent to AWS"


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
        running = stack.enter_context(installation(home, *WITHOUT_PRIVILEGE, **env))
        running.redis = redis
        running.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        running.maria = running.operator()
        running.onlooker = stack.enter_context(onlooker(running, INTERVAL_S))
        yield running


@pytest.fixture
def parts(product):
    """Return the processes that must outlive whatever happens to the database."""
    before = {name: product.pid(name) for name in ("web", "workers", "ops", "clock")}
    yield before
    assert {name: product.pid(name) for name in before} == before, product.log()


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
    """See that a page can be read, without having to wait."""
    began = time.monotonic()
    answer = product.maria.get(f"/e/{slug}/instances/")
    assert answer.status == 200
    assert time.monotonic() - began < 5
    return answer


def grows_old(product, slug):
    """See that a page can be read, but tells in time that nothing new comes."""
    wait_for(lambda: "old, expected every" in reads(product, slug).text, product.log, seconds=OLD_S)
    LEDGER.never("stale values shown as fresh")


@pytest.mark.once
def test_a_click_waits_for_a_writer_of_some_seconds(product, parts):
    slug, each = stopping(product)
    answers = []
    with locked(product):
        clicking = threading.Thread(target=lambda: answers.append(stop(product, slug, each)))
        clicking.start()
        clicking.join(5)
        assert clicking.is_alive()
        reads(product, slug)
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
@pytest.mark.parametrize("cannot_be_written", [disk_full, read_only_files])
def test_a_database_that_cannot_be_written_takes_no_click_and_asks_aws_nothing(product, parts, cannot_be_written):
    slug, each = stopping(product)
    with cannot_be_written(product):
        answer = stop(product, slug, each)
        asked = asked_in_an_interval(product)
        grows_old(product, slug)

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
    read_only_server(product, "on")
    answer = stop(product, slug, each)
    asked = asked_in_an_interval(product)
    grows_old(product, slug)

    read_only_server(product, "off")

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


def test_no_action_was_sent_twice_and_none_that_is_not_stored(product, ledger):
    asked = [each for each, _ in product.asked("StopInstances")]

    ledger.never("actions sent twice", len(asked) - len(set(asked)), of=len(asked))
    assert set(asked) <= {told.instance_id for told in product.told()}


def test_no_page_called_fresh_what_was_old(product):
    assert product.onlooker.looked
    product.onlooker.tell()

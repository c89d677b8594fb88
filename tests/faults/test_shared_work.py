"""Much at once on one database: two clusters, twenty polls by hand, an emptied queue, a deleted element, an end during
the work, and an old backup."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import pairwise

import pytest

from tests.ec2mon import processes
from tests.ec2mon.product import ROOT, Product, wait_for
from tests.faults.installation import beats_anew, installation, kill
from tests.faults.ledger import LEDGER

pytestmark = [pytest.mark.once, pytest.mark.timeout(1200)]
ELEMENTS, INSTANCES, INTERVAL_S, MANY = 3, 230, 10, 101
SLOW_S = 0.2
POLLS_BY_HAND = 20
# As many processes as are wanted, without starting Python and Django anew for each.
POLL = """
import os, sys, django
django.setup()
from django.core.management import call_command
def poll():
    try:
        call_command("poll", "Element 0", "--quiet")
    except SystemExit as end:
        return end.code
    return 0
def child():
    pid = os.fork()
    return pid or os._exit(poll())
print(*[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in [child() for _ in range(int(sys.argv[1]))]])
"""
REQUEST = """
import os, uuid
from django.utils import timezone
from elements.models import Element
from elements.usecases.change_instance_state import request
row = Element.objects.with_poll().get(slug=os.environ["SLUG"])
asked = request(row, "stop", [os.environ["ID"]], batch=uuid.uuid4(), by="maria", now=timezone.now())
print(len(asked.actions))
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with installation(tmp_path_factory.mktemp("shared")) as running:
        running.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        running.maria = running.operator()
        yield running


@pytest.fixture
def second_cluster(product):
    """Run workers and a clock once more, as somebody does who starts them by mistake."""
    second = Product(product.directory, "manage.py", "up", "--only=workers", "--only=clock", port=product.port)
    second.env, second.log_file = product.env, product.directory / "second.log"
    second.launch()
    wait_for(beats_anew(second), second.log, seconds=90)
    yield second
    second.end(signal.SIGTERM)


def unasked(product, slug, number):
    """Return instances of an element that nobody has stopped yet."""
    done = {told.instance_id for told in product.told()}
    return [each for each in product.ids[slug] if each not in done][:number]


def settles(product, ids, *, among=("confirmed",)):
    """Wait until the actions on these instances have ended, and see that AWS was asked at most once for each."""
    wait_for(lambda: not [told for told in product.told() if told.is_open], lambda: str(product.told()), seconds=240)
    ended = {told.instance_id: told.status for told in product.told() if told.instance_id in ids}
    asked = Counter(each for each, _ in product.asked("StopInstances") if each in ids)
    LEDGER.never("actions lost", len(set(ids) - set(ended)), of=len(ids))
    LEDGER.never("actions sent twice", len([each for each in ids if asked[each] > 1]), of=len(ids))
    assert set(ended.values()) <= set(among), Counter(ended.values())
    return asked


def test_two_clusters_poll_as_one_and_with_twenty_polls_by_hand_never_at_the_same_time(product, second_cluster):
    LEDGER.fault("a cluster twice")
    since = time.time()
    wait_for(lambda: all(len(product.polls(slug, since)) >= 2 for slug in product.keys), product.log, seconds=120)
    gaps = [later - earlier for slug in product.keys for earlier, later in pairwise(product.polls(slug, since)[:2])]
    assert min(gaps) > INTERVAL_S / 4, gaps  # what is polled twice follows at once
    LEDGER.fault("polls by hand at once", POLLS_BY_HAND)
    product.aws.fault("slow", "DescribeInstances", seconds=SLOW_S)
    since = time.time()
    command = [sys.executable, "-c", POLL, str(POLLS_BY_HAND)]
    env = {**product.env, "DJANGO_SETTINGS_MODULE": "ec2mon.settings"}

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)

    product.aws.clear_faults()
    assert done.stdout.split() == ["0"] * POLLS_BY_HAND, done.stdout + done.stderr
    times = product.polls("element-0", since)
    assert len(times) >= POLLS_BY_HAND
    assert min(later - earlier for earlier, later in pairwise(times)) > SLOW_S * 0.9


def test_a_queue_that_is_emptied_loses_no_action(product):
    LEDGER.fault("the queue emptied")
    ids = unasked(product, "element-0", MANY)
    frozen = [each.pid for each in processes.group(product.pid("ops"))]
    for pid in frozen:
        kill(pid, signal.SIGSTOP)
    answer = product.maria.click("element-0", "stop", ids, seen="running")

    lost = product.execute("DELETE FROM django_q_ormq WHERE key = 'ops'")
    for pid in frozen:
        kill(pid, signal.SIGCONT)

    assert answer.status == 302 and lost >= 1
    assert settles(product, ids).total() == MANY


def test_an_element_that_is_deleted_while_it_is_polled_and_asked_harms_nobody(product):
    LEDGER.fault("an element deleted")
    product.add_elements(1, instances=3, interval_s=INTERVAL_S)
    slug = f"element-{ELEMENTS}"
    (each,) = unasked(product, slug, 1)
    product.aws.fault("slow", seconds=2, access_key_id=product.keys[slug])
    answers = []
    clicking = threading.Thread(
        target=lambda: answers.append(product.maria.click(slug, "stop", [each], seen="running")), daemon=True
    )
    clicking.start()
    wait_for(lambda: [one for one, _ in product.asked("StopInstances") if one == each] or answers, seconds=60)

    product.manage("shell", "-c", f"from elements.models import Element; Element.objects.get(slug='{slug}').delete()")
    clicking.join(60)

    del product.keys[slug], product.ids[slug]
    since = time.time()
    assert answers[0].status == 302
    assert product.maria.get(f"/e/{slug}/instances/").status == 404
    wait_for(lambda: product.polled_since(since), product.log, seconds=90)
    assert "Traceback" not in product.log()


def test_an_end_during_polls_and_actions_loses_nothing(product):
    LEDGER.fault("SIGTERM during the work")
    ids = unasked(product, "element-1", MANY)
    product.aws.fault("slow", seconds=1)
    answer = product.maria.click("element-1", "stop", ids, seen="running")

    seconds = product.end(signal.SIGTERM)

    assert answer.status == 302
    assert seconds < 15
    assert product.left() == []
    product.aws.clear_faults()
    product.start()
    settles(product, ids)


def test_what_was_open_in_an_old_backup_is_not_sent(product):
    LEDGER.fault("an old backup restored")
    (each,) = unasked(product, "element-2", 1)
    product.end(signal.SIGTERM)
    stored = product.manage_with({"SLUG": "element-2", "ID": each}, "shell", "-c", REQUEST).split()[-1]
    file = product.directory / "ec2mon.sqlite3"
    shutil.copy(file, product.directory / "backup.sqlite3")
    os.replace(product.directory / "backup.sqlite3", file)
    a_day = ", ".join(f"{name} = {product.earlier(name, 86_400)}" for name in ("requested_at", "expires_at"))
    product.execute(f"UPDATE elements_action SET {a_day} WHERE status = 'requested'")
    product.execute(f"UPDATE elements_poll SET succeeded_at = {product.earlier('succeeded_at', 86_400)}")
    product.start()

    assert stored == "1"
    assert settles(product, [each], among=("expired",)).total() == 0

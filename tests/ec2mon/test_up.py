"""The whole product with its processes killed one after the other, on one run of it. The tests build on each other."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.ec2mon import processes
from tests.ec2mon.product import Product, database, wait_for

pytestmark = pytest.mark.timeout(300)
HEALED_S, UNWEDGED_S = 15, 90


@pytest.fixture(scope="module")
def aws():
    with Simulator(delay_s=0) as simulator:
        simulator.keys = simulator.add_keys()
        simulator.add_instances("eu-central-1", names=["playout-a"])
        yield simulator


@pytest.fixture(scope="module")
def product(tmp_path_factory, free_port, aws):
    keys = {"AWS_ACCESS_KEY_ID": aws.keys.access_key_id, "AWS_SECRET_ACCESS_KEY": aws.keys.secret_access_key}
    directory = tmp_path_factory.mktemp("up")
    with Product(directory, port=free_port(), **keys, **database("ec2mon_up")) as running:
        urls = (f"--endpoint-url={aws.url}", f"--sts-endpoint-url={aws.url}")
        running.manage("element", "add", "Frankfurt", "--region=eu-central-1", "--interval=10", *urls)
        for queue in ("default", "ops", "clock"):
            wait_for(lambda queue=queue: running.beat(queue), running.log)
        yield running


@pytest.fixture(scope="module")
def wedged_at(product):
    """Wedge both clusters: one's results no longer arrive, the other's workers wait for a lock for ever."""
    collector, worker = monitor(product.pid("workers")), workers(product.pid("ops"))[0]
    left = queued(product)
    wait_for(beats_anew(product, "ops"), product.log, seconds=25)
    left &= queued(product)  # what a killed cluster was running stays until it may be tried again
    wait_for(lambda: queued(product) <= left, product.log)
    os.kill(worker, signal.SIGKILL)
    os.kill(collector, signal.SIGKILL)
    return time.monotonic(), product.pid("workers"), product.pid("ops")


def queued(product):
    return {number for (number,) in product.rows("SELECT id FROM django_q_ormq")}


def sentinel(cluster):
    return processes.children(cluster)[0].pid


def cluster_processes(cluster):
    return [process.pid for process in processes.children(sentinel(cluster))]


def workers(cluster):
    return cluster_processes(cluster)[:-2]


def monitor(cluster):
    return cluster_processes(cluster)[-2]


def pusher(cluster):
    return cluster_processes(cluster)[-1]


def kill(product, pid, works_again):
    """Kill a process and wait until its work is done again."""
    os.kill(pid, signal.SIGKILL)
    wait_for(works_again, product.log, seconds=HEALED_S)
    assert not processes.is_alive(pid)


def beats_anew(product, queue):
    """Return a condition: another beat came than the last one known now."""
    before = product.beat(queue)
    return lambda: product.beat(queue) not in (before, None)


def test_it_polls(product, aws):
    before = len(aws.journal("DescribeInstances"))

    wait_for(lambda: len(aws.journal("DescribeInstances")) > before + 1, product.log, seconds=25)


def test_the_first_process_has_no_thread_and_no_connection_for_a_fork_to_copy(product):
    first = Path(f"/proc/{product.process.pid}")
    opened = [os.readlink(each) for each in (first / "fd").iterdir()]

    assert len(list((first / "task").iterdir())) == 1
    assert sum(each.startswith("socket:") for each in opened) == 1  # where browsers are waited for
    assert not [each for each in opened if ".sqlite3" in each]


@pytest.mark.parametrize("role", [pusher, sentinel, lambda cluster: cluster], ids=["pusher", "sentinel", "main"])
def test_a_killed_process_of_a_cluster_is_back_within_fifteen_seconds(product, role):
    clusters = {"workers": beats_anew(product, "default"), "ops": beats_anew(product, "ops")}
    victims = [role(product.pid(name)) for name in clusters]

    for victim in victims:
        os.kill(victim, signal.SIGKILL)

    wait_for(lambda: all(works() for works in clusters.values()), product.log, seconds=HEALED_S)
    assert all(len(cluster_processes(product.pid(name))) >= 3 for name in clusters)
    assert not any(map(processes.is_alive, victims))


def test_the_killed_web_master_is_back_and_refuses_no_connection_meanwhile(product, wedged_at):
    victim = product.pid("web")
    old_worker = processes.children(victim)[0].pid
    os.kill(victim, signal.SIGKILL)

    def is_another():
        with socket.create_connection(("127.0.0.1", product.port), timeout=5):  # raises when it is refused
            return product.pid("web") != victim

    wait_for(is_another, product.log, seconds=HEALED_S)
    assert product.get("/healthz") == "ok\n"  # it waited for the new one, which still starts
    assert not processes.is_alive(old_worker)


def test_the_killed_web_worker_is_back_within_fifteen_seconds(product, wedged_at):
    wait_for(lambda: processes.children(product.pid("web")), product.log)
    (victim,) = processes.children(product.pid("web"))

    kill(product, victim.pid, lambda: processes.children(product.pid("web")) and product.answers())


def test_the_killed_watch_is_back_within_fifteen_seconds(product, wedged_at):
    victim = product.pid("watch")

    kill(product, victim, lambda: product.pid("watch") != victim)


def test_the_killed_clock_is_back_within_fifteen_seconds(product, wedged_at):
    kill(product, product.pid("clock"), beats_anew(product, "clock"))


@pytest.mark.parametrize(("name", "queue", "number"), [("workers", "default", 1), ("ops", "ops", 2)])
def test_a_wedged_cluster_works_again_within_ninety_seconds(product, wedged_at, name, queue, number):
    since, victim = wedged_at[0], wedged_at[number]

    wait_for(lambda: product.pid(name) != victim, product.log, seconds=UNWEDGED_S - (time.monotonic() - since))
    wait_for(beats_anew(product, queue), product.log, seconds=UNWEDGED_S - (time.monotonic() - since))

    assert f"{name} is replaced: it has shown no sign of life" in product.log()
    assert not processes.group(victim)


def test_a_healthy_cluster_was_never_replaced(product, wedged_at):
    assert product.log().count("is replaced") == 2


def test_ctrl_c_ends_all_within_fifteen_seconds_even_while_a_poll_hangs(product, aws):
    aws.fault("hang", "DescribeInstances", times=100)
    before = len(aws.journal("DescribeInstances"))
    wait_for(lambda: len(aws.journal("DescribeInstances")) > before, product.log, seconds=20)

    seconds = product.end(signal.SIGINT)

    assert seconds < 15
    assert product.left() == []


def test_a_killed_supervisor_leaves_nothing_behind(product):
    product.start()

    product.end(signal.SIGKILL)

    wait_for(lambda: not product.left(), lambda: str(product.left()))

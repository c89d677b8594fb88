"""Two worker hosts, each with a clock, and two web hosts on one PostgreSQL and Redis. The tests build on each other."""

import contextlib
import json
import os
import signal
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from simulator.server import Simulator
from tests.ec2mon import processes
from tests.ec2mon.product import Product, wait_for
from tests.with_services import free_port, postgres, restart_postgres, start_redis

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]
ELEMENTS, INTERVAL_S = 12, 10
# A lease, or the mark of a queued poll, lasts 15 s; then the next tick finds it.
TAKEN_OVER_S = 15 + 3
ADD = """
import json, os
from django.utils import timezone
from elements.models import Element
for number, (access, secret) in enumerate(json.loads(os.environ["KEYS"])):
    row = Element.objects.create(name=f"Element {number}", region="eu-central-1", interval_s=10,
                                 endpoint_url=os.environ["AWS"], sts_endpoint_url=os.environ["AWS"])
    row.store_keys(access_key_id=access, secret_access_key=secret, session_token="", by="test", now=timezone.now())
"""
REQUEST = """
import uuid
from django.utils import timezone
from elements.models import Element
from elements.usecases.change_instance_state import request
row = Element.objects.with_poll().order_by("pk").first()
ids = list(row.instances.filter(state="running").values_list("instance_id", flat=True)[:1])
print(len(request(row, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now()).actions))
"""


class Hosts:
    """The services, what AWS shows, and the hosts that are started."""

    def __init__(self, directory: Path, stack: contextlib.ExitStack) -> None:
        self.directory, self.redis_port = directory, free_port()
        self.redis = start_redis(directory, self.redis_port)
        stack.callback(lambda: (self.redis.kill(), self.redis.wait()))
        self.aws = stack.enter_context(Simulator(delay_s=0))
        self.keys = [self.aws.add_keys() for _ in range(ELEMENTS)]
        self.aws.add_instances("eu-central-1", count=5)
        self.env = {
            "DATABASE_URL": stack.enter_context(postgres(directory)),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "SECRET_KEY": "only-for-the-tests-of-hosts-" + "x" * 40,
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "KEYS": json.dumps([(keys.access_key_id, keys.secret_access_key) for keys in self.keys]),
            "AWS": self.aws.url,
        }
        self.web = [self._host(stack, f"web-{n}", "web") for n in range(2)]
        self.workers = [self._host(stack, f"workers-{n}", "workers", "clock") for n in range(2)]

    def _host(self, stack: contextlib.ExitStack, name: str, *parts: str) -> Product:
        home = self.directory / name
        home.mkdir()
        only = [f"--only={part}" for part in parts]
        host = Product(home, "manage.py", "up", *only, port=free_port(), **self.env)
        host.launch()
        stack.callback(host.__exit__)
        return host

    def log(self) -> str:
        return "\n".join(f"{host.directory.name}:\n{host.log()}" for host in [*self.web, *self.workers])

    def polls(self, since: float = 0.0) -> dict[str, list[float]]:
        """Return when each element was polled, by the journal of what AWS was asked."""
        found: dict[str, list[float]] = {keys.access_key_id: [] for keys in self.keys}
        for call in self.aws.journal("DescribeInstances"):
            if call.at.timestamp() > since and "InstanceIds" not in call.parameters:
                found[call.access_key_id].append(call.at.timestamp())
        return found

    def wait_for_polls(self, number: int, *, since: float, seconds: float) -> None:
        wait_for(lambda: min(map(len, self.polls(since).values())) >= number, self.log, seconds=seconds)


@pytest.fixture(scope="module")
def hosts():
    # PostgreSQL, which is not run as root, may not look into the directories of pytest
    with tempfile.TemporaryDirectory(prefix="ec2mon-hosts-") as directory, contextlib.ExitStack() as stack:
        running = Hosts(Path(directory), stack)
        for host in running.web:
            wait_for(host.answers, running.log, seconds=90)
        beat = "SELECT count(*) FROM elements_workerbeat WHERE queue IN ('default', 'ops', 'clock')"
        wait_for(lambda: running.web[0].rows(beat) == [(6,)], running.log, seconds=90)
        running.web[0].manage("shell", "-c", ADD)
        running.wait_for_polls(1, since=0, seconds=60)
        yield running


def test_no_element_is_polled_twice_in_its_interval_and_none_is_forgotten(hosts):
    began = time.time()

    hosts.wait_for_polls(3, since=began, seconds=90)

    gaps = [later - earlier for times in hosts.polls(began).values() for earlier, later in pairwise(times)]
    assert min(gaps) > INTERVAL_S / 2, sorted(gaps)
    assert max(gaps) < INTERVAL_S * 1.5, sorted(gaps)


def test_both_hosts_work(hosts):
    working = hosts.web[0].rows("SELECT count(DISTINCT host) FROM elements_workerbeat WHERE queue = 'default'")

    assert working == [(2,)]


def test_the_polls_of_a_host_that_is_killed_outright_go_on(hosts):
    victim = hosts.workers[1]
    killed_at = time.time()

    for pid in processes.using(victim.directory):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    hosts.wait_for_polls(2, since=killed_at, seconds=2 * INTERVAL_S + TAKEN_OVER_S + 15)
    last = {key: max(t for t in times if t <= killed_at) for key, times in hosts.polls().items()}
    gaps = [hosts.polls(killed_at)[key][0] - last[key] for key in last]
    assert max(gaps) < INTERVAL_S + TAKEN_OVER_S, sorted(gaps)
    victim.launch()
    wait_for(lambda: "clock started" in victim.log(), victim.log, seconds=60)


def test_a_redis_that_comes_back_empty_costs_a_wake_up_and_nothing_else(hosts):
    clocks = [host.pid("clock") for host in hosts.workers]
    hosts.redis.kill()
    hosts.redis.wait()
    stored = hosts.web[0].manage("shell", "-c", REQUEST).splitlines()[-1]

    hosts.redis = start_redis(hosts.directory, hosts.redis_port)
    back_at = time.time()

    hosts.wait_for_polls(2, since=back_at, seconds=90)
    wait_for(lambda: hosts.aws.journal("StopInstances"), hosts.log, seconds=60)
    assert stored == "1"
    assert len(hosts.aws.journal("StopInstances")) == 1
    assert clocks == [host.pid("clock") for host in hosts.workers]


def test_every_process_outlives_a_restart_of_postgresql(hosts):
    supervisors = [host.process for host in [*hosts.web, *hosts.workers]]

    restart_postgres(hosts.directory)
    back_at = time.time()

    for host in hosts.web:
        wait_for(host.answers, hosts.log, seconds=60)
    hosts.wait_for_polls(2, since=back_at, seconds=90)
    assert all(process.poll() is None for process in supervisors)
    assert "is replaced" not in hosts.log()

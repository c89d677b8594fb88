"""ec2mon with a simulated AWS: elements, people, and how to look at it and hurt it."""

import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.fernet import Fernet

from simulator.server import Simulator
from tests.ec2mon import processes
from tests.ec2mon.product import Product, database, wait_for
from tests.faults.person import PASSWORD, Person
from tests.with_services import free_port

OPERATOR = "maria"
REGION = "eu-central-1"
# Whoever died while AWS was asked is taken for lost after 90 s; what shows no effect for 2 min then did not arrive.
LOST_S, UNSEEN_S = 95, 130
OPEN = ("requested", "sent", "accepted", "unanswered")
MAKE = """
import json, os
from django.contrib.auth.models import Group, User
from django.utils import timezone
from elements.models import Element
wanted = json.loads(os.environ["WANTED"])
for name, access, secret in wanted["elements"]:
    row = Element.objects.create(name=name, region=wanted["region"], interval_s=wanted["interval_s"],
                                 endpoint_url=wanted["aws"], sts_endpoint_url=wanted["aws"])
    row.store_keys(access_key_id=access, secret_access_key=secret, session_token="", by="test", now=timezone.now())
if not User.objects.filter(username=wanted["operator"]).exists():
    person = User.objects.create_user(wanted["operator"], password=wanted["password"])
    person.groups.add(Group.objects.get(name="operators"))
"""


class Told(NamedTuple):
    """An action as it is stored."""

    batch: str
    instance_id: str
    status: str
    expires_at: datetime

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.status in OPEN


class Installation(Product):
    """`with installation(directory) as product`: what runs there, and `product.aws`, which it reads."""

    def __init__(self, directory: Path, aws: Simulator, *command: str, **env: str) -> None:
        made = {
            "SECRET_KEY": "only-for-the-tests-of-faults-" + "x" * 40,
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "EC2MON_ENV_FILE": os.devnull,
            "ALLOW_PRIVATE_ENDPOINTS": "true",
        }
        super().__init__(directory, *command, port=free_port(), **{**made, **env})
        self.aws, self.ids = aws, dict[str, list[str]]()
        self.keys = dict[str, str]()

    def add_elements(self, number: int, *, instances: int, interval_s: int = 10) -> None:
        """Add elements, each of an account of its own, and whoever may click."""
        made = []
        for count in range(len(self.ids), len(self.ids) + number):
            account = f"{count + 1:012d}"
            keys = self.aws.add_keys(account=account)
            name = f"Element {count}"
            self.ids[f"element-{count}"] = self.aws.add_instances(REGION, account=account, count=instances)
            self.keys[f"element-{count}"] = keys.access_key_id
            made.append((name, keys.access_key_id, keys.secret_access_key))
        wanted = {"elements": made, "region": REGION, "interval_s": interval_s, "aws": self.aws.url}
        text = json.dumps({**wanted, "operator": OPERATOR, "password": PASSWORD})
        self.manage_with({"WANTED": text}, "shell", "-c", MAKE)
        wait_for(lambda: self.polled_since(0), self.log, seconds=90)
        stored = len([each for ids in self.ids.values() for each in ids])
        wait_for(lambda: self.rows("SELECT count(*) FROM elements_instance") == [(stored,)], self.log, seconds=60)

    def manage_with(self, env: dict[str, str], *arguments: str) -> str:
        """Run a command with further variables in its environment."""
        before, self.env = self.env, {**self.env, **env}
        try:
            return self.manage(*arguments)
        finally:
            self.env = before

    def operator(self) -> Person:
        """Return somebody who may click and has signed in."""
        person = Person(self.url, OPERATOR)
        person.sign_in()
        return person

    @property
    def on_sqlite(self) -> bool:
        """Tell which of the two databases it has."""
        return not self.env.get("DATABASE_URL", "").startswith("postgres")

    def earlier(self, column: str, seconds: int) -> str:
        """Return the expression of a moment so many seconds before that of a column."""
        if self.on_sqlite:
            return f"datetime({column}, '-{seconds} seconds')"
        return f"{column} - interval '{seconds} seconds'"

    def execute(self, sql: str) -> int:
        """Change the database behind the product's back and return how many rows that were."""
        url = self.env.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            import psycopg

            with psycopg.connect(url) as server:
                return server.execute(sql).rowcount
        with contextlib.closing(sqlite3.connect(self.directory / "ec2mon.sqlite3", timeout=60)) as file, file:
            return file.execute(sql).rowcount

    def polls(self, slug: str, since: float = 0.0) -> list[float]:
        """Return when AWS was asked for all instances of an element."""
        calls = self.aws.journal("DescribeInstances", access_key_id=self.keys[slug])
        times = [call.at.timestamp() for call in calls if "InstanceIds" not in call.parameters]
        return [at for at in times if at > since]

    def polled_since(self, since: float) -> bool:
        """Tell whether every element was polled, and well, since a moment."""
        good = self.rows("SELECT succeeded_at FROM elements_poll")
        return len(good) == len(self.keys) and all(at is not None and moment(at).timestamp() > since for (at,) in good)

    def told(self) -> list[Told]:
        """Return all actions."""
        rows = self.rows("SELECT batch, instance_id_text, status, expires_at FROM elements_action")
        return [Told(str(batch).replace("-", ""), *more, moment(at)) for batch, *more, at in rows]

    def asked(self, action: str) -> list[tuple[str, datetime]]:
        """Return the instances that AWS was asked to do something with, and when, once for each time."""
        calls = self.aws.journal(action)
        return [(each, call.at) for call in calls for each in call.parameters.get("InstanceIds", ())]

    def settle(self) -> None:
        """Wait until every action has ended; rows are made older where time alone would end them."""
        asked = {each for action in ("StartInstances", "StopInstances") for each, _ in self.asked(action)}
        old = f"sent_at = {self.earlier('sent_at', LOST_S)}"
        self.execute(f"UPDATE elements_action SET {old} WHERE status = 'sent'")
        self._wait_until_none(lambda told: told.status in ("requested", "sent"))
        self._wait_until_none(lambda told: told.status == "accepted" and told.instance_id in asked)
        old = f"answered_at = {self.earlier('answered_at', UNSEEN_S)}, look_at = answered_at"
        self.execute(f"UPDATE elements_action SET {old} WHERE status IN {OPEN}")
        self._wait_until_none(lambda told: told.is_open)

    def _wait_until_none(self, is_meant: Callable[[Told], bool]) -> None:
        wait_for(lambda: not any(map(is_meant, self.told())), lambda: str(self.told()), seconds=240)

    def kill_everything(self) -> int:
        """Cut the power: kill every process at once, and return how many there were."""
        killed: set[int] = set()
        while victims := processes.using(self.directory):  # some are born while others are killed
            killed |= {pid for pid in victims if kill(pid)}
        assert self.process
        self.process.wait(30)
        return len(killed)

    def orphans(self) -> list[str]:
        """Return the processes of it that its supervisor does not know of."""
        assert self.process
        family, found = {self.process.pid}, processes.using(self.directory)
        grown = True
        while grown:
            born = {child.pid for pid in family for child in processes.children(pid)} - family
            family, grown = family | born, bool(born)
        return [line for pid, line in found.items() if pid not in family and processes.is_alive(pid)]


@contextlib.contextmanager
def installation(directory: Path, *command: str, **env: str) -> Iterator[Installation]:
    """Run ec2mon on a database of its own beside an AWS of its own, and leave nothing behind."""
    with Simulator(delay_s=0) as aws:
        product = Installation(directory, aws, *command, **{**database("ec2mon_faults"), **env})
        product.launch()
        try:
            wait_for(product.answers, product.log, seconds=120)
            yield product
        finally:
            product.__exit__()
            for pid in processes.using(directory):
                kill(pid)


def kill(pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a process a signal and tell whether it was there."""
    assert pid > 1  # others are whole groups
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def moment(stored: Any) -> datetime:
    """Return a moment as either database gives it."""
    found = stored if isinstance(stored, datetime) else datetime.fromisoformat(str(stored))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def beats_anew(product: Product) -> Callable[[], bool]:
    """Return a condition: every part that runs now has proved since now that it works."""
    assert product.process
    mine = f"SELECT queue, at FROM elements_workerbeat WHERE host LIKE '%:{product.process.pid}' ORDER BY queue"
    known = dict(product.rows(mine))

    def all_beat() -> bool:
        beats = dict(product.rows(mine))
        return len(beats) == 3 and all(at != known.get(queue) for queue, at in beats.items())

    return all_beat


def seed() -> int:
    """Return what decides of chance: of the environment (EC2MON_SEED) to repeat a run, else new each time."""
    return int(os.environ.get("EC2MON_SEED") or time.time_ns() % 1_000_000)

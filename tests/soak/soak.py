"""An installation under load for long: faults of AWS, killed processes and clicks at random, and what that costs."""

import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.processes import memory_mib
from tests.ec2mon import processes
from tests.ec2mon.product import wait_for
from tests.faults.installation import Installation, kill, moment
from tests.faults.person import Person
from tests.faults.victims import VICTIMS
from tests.soak.figures import Sample

INTERVAL_S = 10
FAULTS = ("throttle", "internal", "unavailable", "reset", "slow", "captive", "garbage", "truncated", "no-set", "lost")
BACK_S = 300.0
LIVING = """
SELECT e.slug, i.instance_id, i.state FROM elements_instance i JOIN elements_element e ON e.id = i.element_id
WHERE i.state IN ('running', 'stopped') AND NOT EXISTS (SELECT 1 FROM elements_action a WHERE a.element_id = e.id
AND a.instance_id_text = i.instance_id AND a.status IN ('requested', 'sent', 'accepted', 'unanswered'))
"""
# What must have reached its limit after the warm-up, for the database to be flat.
FEW_RECORDS = "UPDATE elements_element SET debug_max_rows = 100"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what happens, in seconds."""

    sample_s: float = 5.0
    click_s: float = 2.0
    fault_s: float = 4.0
    kill_s: float = 60.0


@dataclass
class Soak:
    """One run: `run` hurts and measures, `recover` lets everything end, `broken` says which promise did not hold."""

    product: Installation
    chance: random.Random
    pace: Pace = field(default_factory=Pace)
    victims: Sequence[str] = tuple(VICTIMS)
    samples: list[Sample] = field(default_factory=list)
    clicks: dict[uuid.UUID, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)
    _errors: list[Exception] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Let everything happen side by side for so long; an error in any of it ends the run."""
        self.product.execute(FEW_RECORDS)
        jobs = [
            (self.pace.click_s, self._click(self.product.operator())),
            (self.pace.fault_s, self._fault),
            (self.pace.kill_s, self._kill),
            (self.pace.sample_s, self._sample),
        ]
        threads = [threading.Thread(target=self._repeat, args=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        self._ended.wait(seconds)
        self._ended.set()
        for thread in threads:
            thread.join(120)
        if self._errors:
            raise self._errors[0]

    def recover(self) -> None:
        """Stop hurting and wait until all is well again and every action has ended."""
        product, since = self.product, time.time()
        product.aws.clear_faults()
        wait_for(lambda: product.polled_since(since), product.log, seconds=BACK_S)
        product.settle()

    def broken(self) -> list[str]:
        """Return what must never be and was."""
        stored = Counter(told.batch for told in self.product.told())
        lost = [batch for batch, status in self.clicks.items() if status == 302 and batch.hex not in stored]
        twice, late = self._sent()
        ((gone,),) = self.product.rows("SELECT count(*) FROM elements_instance WHERE gone_at IS NOT NULL")
        found = {
            "actions lost": len(lost),
            "actions sent twice or without a record": twice,
            "actions run late": late,
            "instances falsely marked gone": gone,
            "processes that nobody looks after": len(self.product.orphans()),
        }
        return [f"{number} {what}" for what, number in found.items() if number]

    def _sent(self) -> tuple[int, int]:
        """Return how often AWS was asked without a stored action to match, and how often after its time."""
        rows = self.product.rows("SELECT instance_id_text, verb, expires_at FROM elements_action ORDER BY id")
        wanted: dict[tuple[str, str], list[float]] = {}
        for instance_id, verb, expires_at in rows:
            wanted.setdefault((instance_id, verb), []).append(moment(expires_at).timestamp())
        unmatched = late = 0
        for verb in ("start", "stop"):
            for instance_id, at in self.product.asked(f"{verb.title()}Instances"):
                times = wanted.get((instance_id, verb), [])
                mine = next((until for until in times if at.timestamp() <= until), None)
                unmatched, late = unmatched + (not times), late + (bool(times) and mine is None)
                if mine is not None:
                    times.remove(mine)
        return unmatched, late

    def _repeat(self, every_s: float, job: Callable[[], None]) -> None:
        while not self._ended.wait(self.chance.uniform(0.5, 1.5) * every_s):
            try:
                job()
            except Exception as error:
                self._errors.append(error)
                self._ended.set()

    def _click(self, person: Person) -> Callable[[], None]:
        def click() -> None:
            living = self.product.rows(LIVING)
            if not living:  # a slow machine has not ended what was asked for
                return
            slug, instance_id, state = self.chance.choice(living)
            batch = uuid.uuid4()
            verb = "stop" if state == "running" else "start"
            self.clicks[batch] = person.click(slug, verb, [instance_id], seen=state, batch=batch).status
            self.counts[f"clicks answered {self.clicks[batch]}"] += 1

        return click

    def _fault(self) -> None:
        kind, key = self.chance.choice(FAULTS), self.chance.choice(list(self.product.keys.values()))
        self.product.aws.fault(kind, access_key_id=key, times=self.chance.randint(1, 3))
        self.counts["faults of AWS"] += 1

    def _kill(self) -> None:
        victims = VICTIMS[self.chance.choice(self.victims)](self.product)
        self.counts["processes killed"] += sum(map(kill, victims))

    def _sample(self) -> None:
        pids = list(processes.using(self.product.directory))
        polled = self.product.rows("SELECT min(succeeded_at) FROM elements_poll")[0][0]
        late_s = time.time() - moment(polled).timestamp() - INTERVAL_S
        at_s, size = time.monotonic() - self.began, database_mib(self.product)
        self.samples.append(Sample(at_s, memory_mib(pids)[1], sum(map(_files, pids)), size, max(0.0, late_s)))


def database_mib(product: Installation) -> float:
    """Return how large the database is, what SQLite has not yet put into its file included."""
    if product.on_sqlite:
        return sum(file.stat().st_size for file in product.directory.glob("ec2mon.sqlite3*")) / 2**20
    return float(product.rows("SELECT pg_database_size(current_database())")[0][0]) / 2**20


def _files(pid: int) -> int:
    try:
        return len(os.listdir(Path(f"/proc/{pid}/fd")))
    except OSError:  # it ended meanwhile
        return 0

"""What all groups of bars share: the stand-in, the sizes, the databases, and installations that were polled before."""

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests import with_services
from tests.bench import peers, processes
from tests.bench.aws import StandIn
from tests.bench.peers import Cost
from tests.bench.place import Place, element

WARM, FLEET, SECOND = 1, 2, 3
SQLITE, POSTGRES = "sqlite", "postgres"
NAMES = {SQLITE: "SQLite", POSTGRES: "PostgreSQL"}
# Reading more than this with raw boto3 takes minutes.
LARGE = 20_000


@dataclass(frozen=True)
class Options:
    """What to measure: of `size`, and of a tenth of it, `runs` times; large sizes `large_runs` times."""

    size: int = 100_000
    runs: int = 3
    large_runs: int = 1
    databases: tuple[str, ...] = (SQLITE,)
    quick: bool = False

    @property
    def small(self) -> int:
        """Return a tenth of the size."""
        return self.size // 10

    def runs_of(self, size: int) -> int:
        """Return how often something of a size is measured."""
        return self.large_runs if size > LARGE else self.runs


@dataclass
class Bench:
    """`with Bench(options, directory) as bench`: everything that it starts ends with it."""

    options: Options
    directory: Path
    say: Callable[[str], None]
    growth: dict[tuple[str, int], str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack, self._numbers = ExitStack(), itertools.count(1)
        self._empty: dict[str, Place] = {}
        self._polled: dict[tuple[str, int], Place] = {}
        self._raw: dict[tuple[int, float], list[Cost]] = {}
        self.aws = self._stack.enter_context(StandIn(self.directory))
        self.server_url = ""
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def new_place(self, database: str = SQLITE) -> Place:
        """Return an installation with the elements Warm, of ten instances, and Fleet; both were never polled."""
        if database not in self._empty:
            made = Place.make(self._new_directory(), self._server(database))
            with made.child() as child:
                each = [element(WARM, "Warm", self.aws.url), element(FLEET, "Fleet", self.aws.url)]
                child.ask("add_elements", elements=each)
            self._empty[database] = made
        return self.copy(self._empty[database])

    def copy(self, place: Place) -> Place:
        """Return another installation with the same contents."""
        return place.copy(self._new_directory())

    def keep(self, place: Place, size: int, database: str) -> None:
        """Let others measure on an installation whose Fleet was polled."""
        self._polled[database, size] = place

    def polled(self, size: int, database: str = SQLITE) -> Place:
        """Return an installation whose Fleet has so many instances; what it holds stays as it is."""
        if (database, size) not in self._polled:
            self.say(f"polling {size:,} instances once, for others to be measured on")
            place = self.new_place(database)
            self.aws.show([FLEET], count=size, round=0, latency_s=0.0)
            self.poll(place)
            self.keep(place, size, database)
        return self._polled[database, size]

    def poll(self, place: Place, slug: str = "fleet", **more: Any) -> dict[str, Any]:
        """Poll in a fresh process that is as warm as a worker; the database server's CPU time counts too."""
        with place.child() as child:
            child.ask("load_all")
            child.ask("poll", slug="warm")
            self.aws.journal(clear=True)
            before = processes.cpu_s(self._server_pids()) if place.on_server else 0.0
            cost: dict[str, Any] = child.ask("poll", slug=slug, **more)
            if place.on_server:
                cost["cpu"] += processes.cpu_s(self._server_pids()) - before
        calls = self.aws.journal()["calls"]
        cost["calls"] = sum(calls.get(name, 0) for name in calls if name != "GetCallerIdentity")
        return cost

    def raw(self, size: int, *, latency_s: float = 0.0) -> list[Cost]:
        """Return what raw boto3 takes to read so many instances, run by run."""
        runs = self.options.runs_of(size) if not latency_s else 1
        if (size, latency_s) not in self._raw:
            self.say(f"raw boto3 reads {size:,} instances, {runs} time(s)")
            self.aws.show([FLEET], count=size, round=0, latency_s=latency_s)
            self._raw[size, latency_s] = [peers.boto3(self.aws.url, FLEET) for _ in range(runs)]
            self.aws.show([FLEET], latency_s=0.0)
        return self._raw[size, latency_s]

    def forget(self) -> None:
        """Let everything be measured anew."""
        self._raw.clear()
        self._polled.clear()

    def _new_directory(self) -> Path:
        return self.directory / f"place-{next(self._numbers)}"

    def _server(self, database: str) -> str:
        if database == POSTGRES and not self.server_url:
            home = self.directory / "server"
            home.mkdir()
            self.directory.chmod(0o755)
            self.server_url = self._stack.enter_context(with_services.postgres(home))
        return self.server_url if database == POSTGRES else ""

    def _server_pids(self) -> list[int]:
        text = (self.directory / "server" / "postgres" / "data" / "postmaster.pid").read_text()
        return processes.family(int(text.split()[0]))

"""How to take the database, and the broker beside it, from a product that runs."""

import contextlib
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.ec2mon import processes
from tests.faults.installation import Installation
from tests.with_services import free_port, start_redis

# Root may write whatever the rights of a file say; what is begun by this may not.
WITHOUT_PRIVILEGE = ("-m", "tests.faults.without_privilege", "manage.py", "up")


class Redis:
    """A Redis that can be killed and comes back empty."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        self.process = start_redis(self.place, self.port)

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def locked(product: Installation) -> Iterator[None]:
    """Hold the lock of whoever writes."""
    with contextlib.closing(sqlite3.connect(product.directory / "ec2mon.sqlite3", timeout=60)) as file:
        file.isolation_level = None
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


@contextlib.contextmanager
def disk_full(product: Installation) -> Iterator[None]:
    """Let no process of it write a byte into any file, its log included."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for pid in processes.using(product.directory):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited))
    yield
    for pid in processes.using(product.directory):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


@contextlib.contextmanager
def read_only_files(product: Installation) -> Iterator[None]:
    """Take the right to write from the files of SQLite; connections that are open already keep it."""
    modes = {file: file.stat().st_mode for file in product.directory.glob("ec2mon.sqlite3*")}
    for file in modes:
        file.chmod(0o400)
    yield
    for file, mode in modes.items():
        file.chmod(mode)


def read_only_server(product: Installation, how: str) -> None:
    """Let connections made from now on read only, or write again, and end those that there are."""
    import psycopg

    with psycopg.connect(product.env["DATABASE_URL"], autocommit=True) as server:
        server.execute("SET default_transaction_read_only = off")
        server.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {how}")
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )

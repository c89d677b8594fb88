"""Run pytest on a PostgreSQL and a Redis of its own: `python -m tests.with_services [pytest arguments]`.

Both are started on free ports of this machine in a temporary directory, and stopped afterwards. Without their
programs nothing is run, which a test of the first run has said.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.brokers import DATABASES

_WAIT_S = 30


def postgres_bin() -> Path | None:
    """Return where the newest PostgreSQL server's programs are, None when there is none."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def missing() -> list[str]:
    """Return the services whose programs this machine lacks."""
    return [*([] if postgres_bin() else ["PostgreSQL"]), *([] if shutil.which("redis-server") else ["Redis"])]


@contextlib.contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """Run a PostgreSQL server that keeps nothing and yield its URL."""
    programs, port = postgres_bin(), free_port()
    assert programs is not None
    # PostgreSQL refuses to run as root; Debian's package has made a user for it.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = directory / "postgres"
    home.mkdir()
    if as_user:
        directory.chmod(0o755)
        shutil.chown(home, "postgres")
    quick = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200"
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 {quick}"
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(home / "data"), "-w", "-s"]
    made = ["-D", str(home / "data"), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]
    _run([*as_user, str(programs / "initdb"), *made], home)
    _run([*control, "-l", str(home / "log"), "-o", options, "start"], home)
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd=home, check=False)


@contextlib.contextmanager
def redis(directory: Path) -> Iterator[str]:
    """Run a Redis server that keeps nothing and yield its URL."""
    port = free_port()
    server = start_redis(directory, port)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(_WAIT_S)


def start_redis(directory: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start a Redis server that keeps nothing, and return it when it listens."""
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "no",
        "databases": DATABASES,
        "dir": directory,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
    until = time.monotonic() + _WAIT_S
    while not _listens(port):
        if server.poll() is not None or time.monotonic() > until:
            raise SystemExit("redis-server did not start")
        time.sleep(0.05)
    return server


def restart_postgres(directory: Path) -> None:
    """Restart the server that `postgres` runs in the directory, or start it again; whoever is connected is cut off."""
    _control_postgres(directory, "restart", "-l", str(directory / "postgres" / "log"))


def stop_postgres(directory: Path) -> None:
    """Stop that server; `restart_postgres` brings it back."""
    _control_postgres(directory, "stop")


def _control_postgres(directory: Path, verb: str, *more: str) -> None:
    programs, home = postgres_bin(), directory / "postgres"
    assert programs is not None
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    _run([*as_user, str(programs / "pg_ctl"), "-D", str(home / "data"), "-w", "-s", "-m", "fast", *more, verb], home)


def main(arguments: Sequence[str]) -> int:
    """Run pytest with both services and return its exit code."""
    lacking = missing()
    if lacking:
        print(f"Not run on PostgreSQL with Redis: {' and '.join(lacking)} not installed.")
        return 1 if os.environ.get("EC2MON_REQUIRE_ALL") else 0
    with tempfile.TemporaryDirectory(prefix="ec2mon-services-") as text, contextlib.ExitStack() as services:
        directory = Path(text)
        urls = {
            "DATABASE_URL": services.enter_context(postgres(directory)),
            "REDIS_URL": services.enter_context(redis(directory)),
        }
        print("On PostgreSQL with Redis as the broker:", flush=True)
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], env={**os.environ, **urls})


def _run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)  # so that nothing is left running
    sys.exit(main(sys.argv[1:]))

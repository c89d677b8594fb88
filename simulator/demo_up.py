"""`make demo`: the whole product against a simulated EC2, with a database of its own: `python -m simulator.demo_up`."""

import argparse
import errno
import fcntl
import multiprocessing
import os
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO

from ec2mon.env_file import BASE_DIR
from ec2mon.supervise import Child, Supervisor, start_anew

HOST = "127.0.0.1"  # the passwords are known to everybody
# What the demo must not take from the surroundings: the user's own installation.
_NOT_OURS = (
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "DEBUG",
    "HTTPS",
    "ALLOWED_HOSTS",
    "SIGN_IN",
    "REQUIRE_SECOND_FACTOR",
)
_PATIENCE_S = 30.0


def main() -> None:
    """Prepare the demo's directory and run until SIGTERM or SIGINT."""
    start_anew()
    options = _options()
    directory: Path = options.directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(directory)
    _surroundings(directory)
    listener, port = _listen(options.port)
    try:
        _run(directory, listener, port)
    except KeyboardInterrupt:  # before anything looks after signals
        sys.exit(130)
    finally:
        lock.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.demo_up", description=__doc__)
    parser.add_argument("--directory", type=Path, default=BASE_DIR / "data" / "demo", help="where the demo keeps all")
    port = os.environ.get("PORT") or "8000"
    parser.add_argument("--port", type=int, default=port, help="where to answer; the next free one if it is taken")
    return parser.parse_args()


def _lock(directory: Path) -> IO[str]:
    """Make sure that one demo at a time uses the directory."""
    file = (directory / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("The demo is running already.")
    return file


def _surroundings(directory: Path) -> None:
    """Set the environment that Django's settings read: nothing of the user's, all of the demo's."""
    for name in _NOT_OURS:
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "ec2mon.settings",
        "EC2MON_ENV_FILE": str(directory / "env"),
        "DATA_DIR": str(directory),
        "ALLOW_PRIVATE_ENDPOINTS": "true",
        # The simulated EC2 is on this machine, whatever proxy leads out of it.
        "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), HOST))),
    }


def _listen(port: int) -> tuple[socket.socket, int]:
    """Listen on the port, or on the next one that is free."""
    for number in (*range(port, min(port + 20, 65_536)), 0):
        try:
            listener = socket.create_server((HOST, number), backlog=256)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                sys.exit(f"The demo cannot listen on port {number}: {error.strerror}.")
            continue
        if number != port:
            print(f"Port {port} is taken by another program, so the demo takes another one.")
        return listener, listener.getsockname()[1]
    sys.exit("There is no free port.")


def _run(directory: Path, listener: socket.socket, port: int) -> None:
    """Start the simulated EC2, fill the database, start the product, and keep all of it alive."""
    from ec2mon import env_file

    env_file.write_missing_secrets(directory / "env")
    import django

    django.setup()

    from ec2mon import parts, prepare
    from simulator import demo

    parts.log_to_stdout()
    prepare.prepare()
    demo.add_people()
    parts.load()
    watch = parts.watch(parts.PARTS)
    with Supervisor(watch.complaint) as supervisor:
        port_file = directory / "simulator.port"
        before = _written_at(port_file)
        supervisor.add(Child("aws", partial(os.execv, sys.executable, _simulator(port_file))))
        _wait_until_written(port_file, before)
        _fill(f"http://{HOST}:{port_file.read_text().strip()}")
        print(f"The demo of ec2mon is at {parts.url(HOST, port)} – Ctrl-C ends it. Sign in as")
        for person in demo.PEOPLE:
            print(f"  {person.name:8}  password {person.password:13}  may {person.may}", flush=True)
        for child in parts.children(parts.PARTS, listener, watch):
            supervisor.add(child)
        supervisor.run()


def _simulator(port_file: Path) -> list[str]:
    return [sys.executable, "-m", "simulator", "--port-file", str(port_file)]


def _fill(url: str) -> None:
    """Fill the database, in a process of its own: polls leave threads and connections behind, and nobody may fork then."""
    from simulator import demo

    def fill() -> None:
        demo.seed(url)
        demo.look_once_at_paused()

    process = multiprocessing.get_context("fork").Process(target=fill)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit("The demo's database could not be filled.")


def _written_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _wait_until_written(path: Path, before: int) -> None:
    """Wait until the simulated EC2 listens and has said where."""
    until = time.monotonic() + _PATIENCE_S
    while _written_at(path) == before:
        if time.monotonic() > until:
            sys.exit("The simulated EC2 does not start.")
        time.sleep(0.05)


if __name__ == "__main__":
    main()

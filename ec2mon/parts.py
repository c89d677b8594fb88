"""What runs: web, workers and clock, each as a process of its own."""

import gc
import logging
import socket
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial

from django.core.management import call_command
from django.db import connections

from ec2mon.logs import name_process
from ec2mon.supervise import Child
from ec2mon.watch import Watch
from ec2mon.web import Web
from elements import tasks
from elements.aws.botocore_session import warm_up

WEB, WORKERS, CLOCK = "web", "workers", "clock"
PARTS = (WEB, WORKERS, CLOCK)
# The second cluster, so that no queue of polls delays what an operator asked for.
_OPS = "ops"
_WATCH = "watch"


def listen(host: str, port: int) -> socket.socket:
    """Listen where the web process will answer; raises OSError when that is not possible.

    The supervisor keeps this socket, so that browsers wait instead of being refused while web is started again.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


def url(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not used)
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def log_to_stdout() -> None:
    """Write the log of the supervisor where those of its children go: one log, on standard output."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stdout)


def load() -> None:
    """Load what the processes need before they are forked, so that they share it, and close what must not be shared.

    Collections of garbage pass over what is loaded: in a child they would copy all pages that it shares with this
    process, and cost a tenth of a second each.
    """
    from ec2mon.wsgi import application  # noqa: F401  (with all views)

    warm_up()
    connections.close_all()
    gc.collect()
    gc.freeze()


def children(parts: Collection[str], listener: socket.socket | None, watch: Watch) -> Iterator[Child]:
    """Return the processes of the parts that this machine runs, and of their watch; web needs a listener."""
    if listener:
        yield _child(WEB, lambda: Web(listener.fileno()).run())
    runs: dict[str, Callable[[], object]] = {_WATCH: watch.run}
    if WORKERS in parts:
        runs |= {WORKERS: partial(tasks.work, tasks.DEFAULT), _OPS: partial(tasks.work, tasks.OPS)}
    if CLOCK in parts:
        runs[CLOCK] = partial(call_command, "clock", skip_checks=True)
    for name, run in runs.items():
        yield _child(name, run, closing=listener)


def _child(name: str, run: Callable[[], object], closing: socket.socket | None = None) -> Child:
    def named() -> None:
        name_process(name)
        if closing:
            closing.close()
        run()

    return Child(name, named)


def watch(parts: Collection[str]) -> Watch:
    """Return what watches the parts that may hang; gunicorn looks after its workers itself."""
    beats: dict[str, str] = {}
    asks: dict[str, Callable[[], None]] = {}
    if WORKERS in parts:
        beats |= {WORKERS: tasks.DEFAULT, _OPS: tasks.OPS}
        asks = {queue: partial(tasks.ask_for_beat, queue) for queue in beats.values()}
    if CLOCK in parts:
        beats[CLOCK] = CLOCK
    return Watch(beats, asks)

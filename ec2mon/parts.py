"""What runs: web, workers and clock, each as a process of its own."""

import logging
import socket
import struct
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial

from django.conf import settings

from ec2mon.supervise import Child
from ec2mon.watch import Watch
from elements import tasks

WEB, WORKERS, CLOCK = "web", "workers", "clock"
PARTS = (WEB, WORKERS, CLOCK)
# The second cluster, so that no queue of polls delays what an operator asked for.
_OPS = "ops"
# Whoever sends a part of a request and then nothing gives its thread back after so many seconds.
_SILENT_S = 5
_MANAGE = (sys.executable, "manage.py")
# What `up` has checked is not checked, and warned of, once more by each process.
_UNCHECKED = ("--skip-checks",)


def listen(host: str, port: int) -> socket.socket:
    """Listen where the web process will answer; raises OSError when that is not possible.

    The supervisor keeps this socket, so that browsers wait instead of being refused while web is started again.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections have it from their listener; gunicorn waits for ever.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _SILENT_S, 0))
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


def children(parts: Collection[str], listener: socket.socket | None) -> Iterator[Child]:
    """Return the processes of the parts that this machine runs; web needs a listener."""
    if listener:
        yield _web(listener.fileno())
    if WORKERS in parts:
        yield Child(WORKERS, (*_MANAGE, "workers", *_UNCHECKED))
        yield Child(_OPS, (*_MANAGE, "workers", *_UNCHECKED), env={"Q_CLUSTER_NAME": tasks.OPS})
    if CLOCK in parts:
        yield Child(CLOCK, (*_MANAGE, "clock", *_UNCHECKED))


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


def _web(fd: int) -> Child:
    options = {
        "bind": f"fd://{fd}",
        "worker-class": "gthread",
        "workers": "1",
        "threads": str(settings.WEB_THREADS),
        "graceful-timeout": "8",
        "log-level": "warning",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    argv = (sys.executable, "-m", "gunicorn", *flags, "--no-control-socket", "ec2mon.wsgi:application")
    return Child(WEB, argv, fds=(fd,))

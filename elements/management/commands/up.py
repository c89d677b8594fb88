"""`manage.py up`: the whole product on this machine, or some of its parts."""

import errno
import logging
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from ec2mon import parts, prepare
from ec2mon.supervise import Supervisor


class Command(BaseCommand):
    """Prepare the installation, then keep its processes alive until SIGTERM, SIGINT or SIGHUP."""

    help = "Run web, workers and clock on this machine and keep them alive. Ctrl-C ends them, twice at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the parts to run."""
        parser.add_argument(
            "--only", action="append", choices=parts.PARTS, help="run only this part; may be given more than once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the port first: what cannot start says so before it changes anything."""
        chosen = options["only"] or parts.PARTS
        listener = self._listener() if parts.WEB in chosen else None
        _log_to(sys.stdout)
        prepare.prepare()
        if password := prepare.first_administrator():
            self.stdout.write(f"Sign in as {prepare.ADMINISTRATOR} with the password {password} (shown only now)")
        connections.close_all()
        watch = parts.watch(chosen)
        supervisor = Supervisor(watch.complaint)
        supervisor.catch_signals()
        if listener:
            self.stdout.write(f"ec2mon is at {url()} – Ctrl-C ends it")
        self.stdout.flush()
        for child in parts.children(chosen, listener):
            supervisor.add(child)
        watch.start()
        supervisor.run()

    def _listener(self) -> Any:
        try:
            return parts.listen(settings.HOST, settings.PORT)
        except OSError as error:
            sys.exit(_why_not(error))


def url() -> str:
    """Return the address to open in a browser on this machine."""
    host = settings.HOST if settings.HOST not in ("0.0.0.0", "::") else "localhost"  # noqa: S104 (a comparison)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}/"


def _why_not(error: OSError) -> str:
    where = f"port {settings.PORT} of {settings.HOST}"
    if error.errno == errno.EADDRINUSE:
        return f"Another program uses {where}, perhaps ec2mon itself. Another port: PORT={settings.PORT + 1} make run"
    return f"ec2mon cannot listen on {where} (settings HOST and PORT): {error.strerror}."


def _log_to(stream: Any) -> None:
    """Write this process's log where those of its children go."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(stream)

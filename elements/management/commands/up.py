"""`manage.py up`: the whole product on this machine, or some of its parts."""

import errno
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

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
        parts.log_to_stdout()
        os.umask(0o077)  # sessions and encrypted keys are nobody else's, whoever may look into DATA_DIR
        try:
            prepare.prepare()
        except prepare.CannotStart as error:
            sys.exit(str(error))
        if password := prepare.first_administrator():
            self.stdout.write(f"Sign in as {prepare.ADMINISTRATOR} with the password {password} (shown only now)")
        parts.load()
        watch = parts.watch(chosen)
        with Supervisor(watch.complaint) as supervisor:
            if listener:
                self.stdout.write(f"ec2mon is at {parts.url(settings.HOST, settings.PORT)} – Ctrl-C ends it")
            self.stdout.flush()
            for child in parts.children(chosen, listener, watch):
                supervisor.add(child)
            supervisor.run()
        if watch.outdated:
            sys.exit(watch.outdated)

    def _listener(self) -> Any:
        try:
            return parts.listen(settings.HOST, settings.PORT)
        except OSError as error:
            sys.exit(_why_not(error))


def _why_not(error: OSError) -> str:
    where = f"port {settings.PORT} of {settings.HOST}"
    if error.errno == errno.EADDRINUSE:
        return f"Another program uses {where}, perhaps ec2mon itself. Another port: PORT={settings.PORT + 1} make run"
    return f"ec2mon cannot listen on {where} (settings HOST and PORT): {error.strerror}."

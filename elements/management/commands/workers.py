"""`manage.py workers`: django-q's cluster, of processes that share most of their memory."""

import gc
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from elements.aws.botocore_session import warm_up


class Command(BaseCommand):
    """Run a cluster until SIGTERM. The variable Q_CLUSTER_NAME chooses the queue; `manage.py up` runs one for each."""

    help = "Run what is queued until SIGTERM. `manage.py up` runs one for each queue."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load once, here, what each worker needs, before django-q forks them."""
        load()
        call_command("qcluster", skip_checks=True)


def load() -> None:
    """Load what each worker needs, and let its collections of garbage pass over that.

    They would copy all pages that it shares with the process that forked it, and cost a tenth of a second each.
    """
    warm_up()
    gc.collect()
    gc.freeze()

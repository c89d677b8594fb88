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
        warm_up()
        gc.collect()
        gc.freeze()  # a collection in a worker would copy all pages that it shares with this process
        call_command("qcluster", skip_checks=True)

"""WorkerBeat: proof that a worker cluster of a host ran a task lately."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from elements.domain.machinery import AHEAD_S
from elements.models.statements import Given

# A working cluster proves it every 10 s or so.
SILENT_AFTER_S = 60.0


class WorkerBeatManager(models.Manager["WorkerBeat"]):
    """Writes beats."""

    def stamp(self, queue: str, host: str, now: datetime) -> None:
        """Note that this queue on this host works."""
        self.update_or_create(queue=queue, host=host, defaults={"at": now})

    def hosts(self, queue: str, now: datetime) -> int:
        """Return how many hosts work on this queue."""
        lately, soon = now - timedelta(seconds=SILENT_AFTER_S), now + timedelta(seconds=AHEAD_S)
        return self.filter(queue=queue, at__gt=lately, at__lte=soon).count()


class WorkerBeat(models.Model):
    """The last time a task ran, by queue and host; what the process list says cannot be trusted.

    A host is what one `manage.py up` looks after: settings.BEAT_HOST.
    """

    queue = models.CharField(max_length=40)
    host = models.CharField(max_length=255)
    at = models.DateTimeField()

    objects = WorkerBeatManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("queue", "host"), name="one_beat_per_queue_and_host")]

    def __str__(self) -> str:
        return f"{self.queue} on {self.host}"


class LastBeat(models.Func):
    """When a queue last proved to work, as a text; one after `soon`, of a wrong clock, only where there is no other.

    Every page asks: a query of Django's would cost it a tenth more.
    """

    output_field = models.TextField()

    def __init__(self, queue: str, soon: datetime | Given) -> None:
        super().__init__(models.Value(queue, output_field=models.CharField()), soon)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Write the statement around the two values."""
        (queue, of_queue), (soon, of_soon) = (compiler.compile(each) for each in self.get_source_expressions())
        table = WorkerBeat._meta.db_table
        text = f"(SELECT CAST(at AS text) FROM {table} WHERE queue = {queue} ORDER BY at > {soon}, at DESC LIMIT 1)"  # noqa: S608
        return text, [*of_queue, *of_soon]

"""WorkerBeat: proof that a worker cluster of a host ran a task lately."""

from datetime import datetime

from django.db import models


class WorkerBeatManager(models.Manager["WorkerBeat"]):
    """Writes beats."""

    def stamp(self, queue: str, host: str, now: datetime) -> None:
        """Note that this queue on this host works."""
        self.update_or_create(queue=queue, host=host, defaults={"at": now})


class WorkerBeat(models.Model):
    """The last time a task ran, by queue and host; what the process list says cannot be trusted."""

    queue = models.CharField(max_length=40)
    host = models.CharField(max_length=255)
    at = models.DateTimeField()

    objects = WorkerBeatManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("queue", "host"), name="one_beat_per_queue_and_host")]

    def __str__(self) -> str:
        return f"{self.queue} on {self.host}"

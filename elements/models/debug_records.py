"""DebugRecord: the stored trace of one HTTP attempt of one interaction with AWS."""

from datetime import datetime

from django.db import models

from elements.models.elements import Element


class DebugRecordQuerySet(models.QuerySet["DebugRecord"]):
    """Ways to read records."""

    def newest(self) -> "DebugRecordQuerySet":
        """Order by time, newest first."""
        return self.order_by("-id")

    def since(self, moment: datetime) -> "DebugRecordQuerySet":
        """Keep those at or after a moment."""
        return self.filter(at__gte=moment)


class DebugRecord(models.Model):
    """One attempt. It has named fields only: no header, no key, no signature ever reaches it."""

    OUTCOMES = [
        ("ok", "Answered"),
        ("error", "Refused by AWS"),
        ("no-answer", "No answer"),
        ("not-understood", "Answer not understood"),
    ]

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="debug_records")
    at = models.DateTimeField()
    service = models.CharField(max_length=20)
    operation = models.CharField(max_length=60)
    caller = models.CharField("Caused by", max_length=150)
    parameters = models.JSONField(default=dict)
    response = models.JSONField(default=dict)
    instance_ids = models.TextField(blank=True)
    outcome = models.CharField(max_length=15, choices=OUTCOMES)
    http_status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    duration_ms = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(null=True)

    objects = DebugRecordQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=("element", "-id"), name="debug_newest"),
            models.Index(fields=("element", "at"), name="debug_by_time"),
            models.Index(fields=("request_id",), name="debug_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.request_id}"

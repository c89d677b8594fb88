"""Activity: who did what in ec2mon."""

from datetime import datetime
from typing import Any

from django.db import models

from elements.models.elements import Element


class ActivityManager(models.Manager["Activity"]):
    """Adds entries; nothing changes or removes them by hand."""

    def note(
        self,
        *,
        by: str,
        kind: str,
        text: str,
        now: datetime,
        element: Element | None = None,
        instance_id: str = "",
        changes: dict[str, Any] | None = None,
    ) -> "Activity":
        """Keep who did what; `changes` holds {label: [old, new]} and never a secret."""
        return self.create(
            at=now,
            username=by,
            kind=kind,
            text=text,
            element=element,
            element_name=element.name if element else "",
            instance_id_text=instance_id,
            changes=changes or {},
        )


class Activity(models.Model):
    """One entry. Entries about an element outlive it."""

    KINDS = [
        ("sign-in", "Sign-in"),
        ("setting", "Setting"),
        ("keys", "Keys"),
        ("action", "Action"),
        ("poll", "Poll now"),
    ]

    at = models.DateTimeField(db_index=True)
    username = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, choices=KINDS)
    text = models.TextField()
    element = models.ForeignKey(Element, on_delete=models.SET_NULL, null=True, related_name="activities")
    element_name = models.CharField(max_length=100, blank=True)
    instance_id_text = models.CharField("Instance ID", max_length=40, blank=True)
    changes = models.JSONField(default=dict)

    objects = ActivityManager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "activities"
        indexes = [models.Index(fields=("element", "instance_id_text"), name="activity_of_instance")]

    def __str__(self) -> str:
        return self.text

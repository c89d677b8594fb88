"""ScheduledEvent: maintenance AWS announced for an instance."""

from datetime import datetime

from django.db import models

from elements.domain.rescheduling import obstacle
from elements.domain.scheduled_events import event_icon, event_word, urgency
from elements.models.access import KeptManager, OfElements
from elements.models.elements import Element
from elements.models.instances import Instance


class ScheduledEventQuerySet(OfElements, models.QuerySet["ScheduledEvent"]):
    """Ways to read scheduled events."""

    def active(self) -> "ScheduledEventQuerySet":
        """Keep those still ahead or going on, as far as AWS says."""
        return self.filter(stage="scheduled", cleared_at__isnull=True)

    def upcoming(self, now: datetime) -> "ScheduledEventQuerySet":
        """Keep the active ones that have not begun."""
        return self.active().filter(models.Q(not_before__gt=now) | models.Q(not_before__isnull=True))

    def in_progress(self, now: datetime) -> "ScheduledEventQuerySet":
        """Keep the active ones that have begun."""
        return self.active().filter(not_before__lte=now)

    def completed(self) -> "ScheduledEventQuerySet":
        """Keep those that AWS called completed or canceled."""
        return self.exclude(stage="scheduled")

    def cleared(self) -> "ScheduledEventQuerySet":
        """Keep those that AWS stopped listing without a word about their end."""
        return self.filter(stage="scheduled", cleared_at__isnull=False)

    def ended(self) -> "ScheduledEventQuerySet":
        """Keep those completed, canceled, or no longer listed by AWS."""
        return self.exclude(stage="scheduled", cleared_at__isnull=True)

    def orphaned(self, element_id: int) -> "ScheduledEventQuerySet":
        """Keep those of an element that are not cleared although AWS no longer lists their instance."""
        listed = models.Q(instance__isnull=False, instance__gone_at__isnull=True)
        return self.filter(element=element_id, cleared_at__isnull=True).exclude(listed)

    def instances_met(self) -> int:
        """Return how many instances that AWS lists have one."""
        listed = self.filter(instance__gone_at__isnull=True, instance__isnull=False)
        return listed.order_by().values("instance").distinct().count()

    def request_move(
        self, event: "ScheduledEvent", start: datetime, *, by: str, now: datetime, seen: datetime | None
    ) -> bool:
        """Note that a start is asked for; False when another request came since `seen`, the last one shown.

        The compare-and-swap lets a form that is sent twice ask AWS once.
        """
        asked = {"requested_start_at": start, "requested_by": by, "requested_at": now, "request_error": ""}
        return bool(self.filter(pk=event.pk, requested_at=seen).update(**asked))


# What a request to move an event leaves behind once it is answered by what AWS shows.
NOTHING_REQUESTED = {"requested_start_at": None, "requested_by": "", "requested_at": None, "request_error": ""}


class ScheduledEvent(models.Model):
    """One scheduled event of one instance; kept as cleared when AWS stops listing it."""

    STAGES = [("scheduled", "Scheduled"), ("completed", "Completed"), ("canceled", "Canceled")]

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="scheduled_events")
    instance = models.ForeignKey(Instance, on_delete=models.SET_NULL, null=True, related_name="scheduled_events")
    instance_id_text = models.CharField("Instance ID", max_length=40)
    instance_name = models.CharField(max_length=255, blank=True)
    event_id = models.CharField("Events ID", max_length=60)
    code = models.CharField("Event", max_length=60)
    description = models.TextField(blank=True)
    stage = models.CharField(max_length=10, choices=STAGES, default="scheduled")
    not_before = models.DateTimeField("Starts", null=True)
    not_after = models.DateTimeField("Ends", null=True)
    not_before_deadline = models.DateTimeField("Latest start", null=True)
    requested_start_at = models.DateTimeField(null=True)
    requested_by = models.CharField(max_length=150, blank=True)
    requested_at = models.DateTimeField(null=True)
    request_error = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    objects = KeptManager.from_queryset(ScheduledEventQuerySet)()

    class Meta:
        ordering = ("not_before", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("element", "instance_id_text", "event_id"), name="one_row_per_scheduled_event"
            )
        ]
        indexes = [
            models.Index(fields=("element", "stage", "cleared_at", "not_before"), name="event_by_time"),
            models.Index(fields=("stage", "cleared_at", "not_before"), name="event_of_any_element"),
            # Pruned in this order.
            models.Index(
                fields=("element", "cleared_at"), condition=models.Q(cleared_at__isnull=False), name="event_by_end"
            ),
            models.Index(
                fields=("element", "not_before", "id"), condition=~models.Q(stage="scheduled"), name="event_completed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instance_id_text}/{self.event_id}"

    @property
    def word(self) -> str:
        """Return the word for the event's code."""
        return event_word(self.code)

    @property
    def icon(self) -> str:
        """Return the glyph for the event's code."""
        return event_icon(self.code)

    def tone(self, now: datetime) -> str:
        """Return crit, warn or ""."""
        return urgency(self.code, self.not_before, now)

    @property
    def is_active(self) -> bool:
        """Tell whether it is ahead or going on, as far as AWS says."""
        return self.stage == "scheduled" and self.cleared_at is None

    @property
    def ending(self) -> str:
        """Return how it ended in a word, "" while it has not."""
        if self.is_active:
            return ""
        return "Cleared" if self.stage == "scheduled" else str(self.get_stage_display())

    def obstacle(self, now: datetime) -> str:
        """Return why it cannot be moved, "" when it can."""
        return obstacle(active=self.is_active, not_before=self.not_before, deadline=self.not_before_deadline, now=now)

"""Action: an operator's request to start, stop or reboot one instance, and how it ended."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import models

from elements.models.access import OfElements
from elements.models.elements import Element
from elements.models.instances import Instance
from elements.models.statements import GivenMoment

OPEN = ("requested", "sent", "accepted", "unanswered")
ENDED_BADLY = ("failed", "refused", "unknown", "expired")
EXPIRES_AFTER_S = 60
# No moment is so far ahead of now: what says so was written by a clock that was wrong.
AHEAD_S = 120


class ActionQuerySet(OfElements, models.QuerySet["Action"]):
    """Ways to read and claim actions."""

    def open(self) -> "ActionQuerySet":
        """Keep those that have not ended."""
        return self.filter(status__in=OPEN)

    def awaiting_outcome(self) -> "ActionQuerySet":
        """Keep those AWS was asked for and whose outcome is not known yet."""
        return self.filter(status__in=("accepted", "unanswered"))

    def reached_aws(self) -> "ActionQuerySet":
        """Keep those AWS may have acted upon: asked for, and not refused."""
        return self.exclude(status__in=("requested", "refused", "expired"))

    def in_time(self, now: datetime | GivenMoment) -> "ActionQuerySet":
        """Keep requests that may still be sent. One of a clock that was put back would be valid for far too long."""
        return self.filter(_in_time(now), status="requested")

    def late(self, now: datetime | GivenMoment) -> "ActionQuerySet":
        """Keep requests that may not be sent any more."""
        return self.filter(~_in_time(now), status="requested")

    def held(self, actions: Sequence["Action"]) -> "ActionQuerySet":
        """Keep those of the claimed actions that still belong to the claim they were read with."""
        claims = {action.claim for action in actions}
        return self.filter(pk__in=[action.pk for action in actions], claim__in=claims, status="sent")

    def give_back(self, **said: str) -> None:
        """Let others send what was not sent, or not done, within the time since it was asked for."""
        self.update(status="requested", claim=None, sent_at=None, **said)

    def latest_of_instance(self) -> "ActionQuerySet":
        """Keep those after which nothing else was asked of the same instance."""
        same = {"element": models.OuterRef("element"), "instance_id_text": models.OuterRef("instance_id_text")}
        return self.exclude(models.Exists(Action.objects.filter(**same, pk__gt=models.OuterRef("pk"))))

    def claim(self, pks: Sequence[int], now: datetime) -> list["Action"]:
        """Mark those still *requested* and not expired as sent and return them; each is won by one caller, once."""
        token = uuid.uuid4()
        self.filter(pk__in=pks).in_time(now).update(status="sent", claim=token, sent_at=now)
        return list(self.filter(claim=token).order_by("pk"))


class Action(models.Model):
    """One request for one instance. It is stored before AWS is asked, and AWS is asked once."""

    STATUSES = [
        ("requested", "Requested"),
        ("sent", "Sent"),
        ("accepted", "Accepted by AWS"),
        ("unanswered", "Not answered by AWS"),
        ("confirmed", "Confirmed"),
        ("failed", "Failed"),
        ("refused", "Refused by AWS"),
        ("unknown", "Outcome unknown"),
        ("expired", "Expired, not sent"),
    ]

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="actions")
    instance = models.ForeignKey(Instance, on_delete=models.SET_NULL, null=True, related_name="actions")
    instance_id_text = models.CharField("Instance ID", max_length=40)
    instance_name = models.CharField(max_length=255, blank=True)
    batch = models.UUIDField()
    verb = models.CharField(max_length=10)
    status = models.CharField(max_length=12, choices=STATUSES, default="requested")
    claim = models.UUIDField(null=True, db_index=True)
    state_before = models.CharField(max_length=20, blank=True)
    reason_before = models.CharField(max_length=100, blank=True)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)
    looks = models.PositiveIntegerField(default=0)
    passed_through = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    request_id = models.CharField(max_length=100, blank=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("element", "instance_id_text"),
                condition=models.Q(status__in=OPEN),
                name="one_open_action_per_instance",
            ),
            models.UniqueConstraint(fields=("batch", "instance_id_text"), name="one_action_per_form_and_instance"),
        ]
        indexes = [
            models.Index(fields=("status", "look_at"), name="action_by_next_look"),
            models.Index(fields=("settled_at",), name="action_by_end"),
            models.Index(fields=("element", "settled_at"), name="action_by_end_of_element"),
            models.Index(fields=("element", "requested_at"), name="action_by_time"),
            models.Index(fields=("element", "instance_id_text", "id"), name="action_of_instance"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.instance_id_text}"

    @property
    def is_open(self) -> bool:
        """Tell whether the action has not ended."""
        return self.status in OPEN

    @staticmethod
    def expiry(now: datetime) -> datetime:
        """Return when a request that nobody has begun stops being valid."""
        return now + timedelta(seconds=EXPIRES_AFTER_S)


def _in_time(now: datetime | GivenMoment) -> models.Q:
    return models.Q(expires_at__gt=now, expires_at__lte=now + timedelta(seconds=EXPIRES_AFTER_S + AHEAD_S))

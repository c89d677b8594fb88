"""Change: one difference that was observed, written together with what it changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from elements.domain.history import KINDS, Difference
from elements.domain.instance_states import CHANGING
from elements.models.access import KeptManager, OfElements
from elements.models.actions import Action
from elements.models.elements import Element

BATCH = 500


class ChangeQuerySet(OfElements, models.QuerySet["Change"]):
    """Ways to read changes."""

    def seen_by(self, instance_id: str) -> "ChangeQuerySet":
        """Keep those of an instance, and the gaps in which nothing of the element was observed; comes last.

        Asked for both at once SQLite would read all changes of the element, for they are in the order of time.
        """
        every = self.order_by()
        return every.filter(instance_id_text=instance_id).union(every.filter(instance_id_text=""), all=True)

    def since(self, moment: datetime) -> "ChangeQuerySet":
        """Keep those from a moment on."""
        return self.filter(at__gte=moment)

    def drawn(self) -> "ChangeQuerySet":
        """Keep those that the state bar shows."""
        return self.exclude(kind="event")

    def told(self) -> "ChangeQuerySet":
        """Keep those that are worth a sentence: a check that ends with its instance's run is none."""
        return self.exclude(kind="check", after="")

    def last_written(self, number: int) -> "ChangeQuerySet":
        """Keep those among the last written, so that a search for a few among them ends soon."""
        newest = Change.objects.order_by("-pk").values("pk")[:1]
        last = models.ExpressionWrapper(models.Subquery(newest) - number, output_field=models.BigIntegerField())
        return self.filter(pk__gt=last)

    def settled(self) -> "ChangeQuerySet":
        """Leave out states that are only the way to another."""
        return self.exclude(kind="state", after__in=CHANGING)

    def newest(self) -> "ChangeQuerySet":
        """Order by time, newest first; what was observed later comes first at the same time."""
        return self.order_by("-at", "-id")

    def add(self, element: Element, differences: Iterable[Difference]) -> None:
        """Write one row for each difference; call it inside the transaction that writes what differs."""
        rows = [
            Change(
                element=element,
                instance_id_text=found.instance_id,
                kind=found.kind,
                at=found.at,
                before=found.before,
                after=found.after,
                what=found.what,
                event_id=found.event_id,
                from_at=found.from_at,
                to_at=found.to_at,
                action_id=found.action_pk,
                by=found.by,
                reason_code=found.reason_code,
                reason=found.reason,
            )
            for found in differences
        ]
        if rows:
            Change.objects.bulk_create(rows, batch_size=BATCH)


class Change(models.Model):
    """One observed difference. A gap concerns the whole element and has no instance ID.

    `before` and `after` are states, results of a check, or stages of a scheduled event; `what` is the check or the
    event's code. `from_at` and `to_at` are the ends of a gap, or the starts of an event that moved.
    """

    KINDS = [
        ("new", "New instance"),
        ("state", "State"),
        ("gone", "Gone"),
        ("back", "Back"),
        ("check", "Status check"),
        ("event", "Scheduled event"),
        ("gap", "Not observed"),
    ]

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="changes", db_index=False)
    instance_id_text = models.CharField("Instance ID", max_length=40, blank=True)
    kind = models.CharField(max_length=8, choices=KINDS)
    at = models.DateTimeField()
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    what = models.CharField(max_length=60, blank=True)
    event_id = models.CharField("Events ID", max_length=60, blank=True)
    from_at = models.DateTimeField(null=True)
    to_at = models.DateTimeField(null=True)
    action = models.ForeignKey(Action, on_delete=models.SET_NULL, null=True, related_name="changes")
    by = models.CharField(max_length=150, blank=True)
    reason_code = models.CharField(max_length=100, blank=True)
    reason = models.TextField(blank=True)

    objects = KeptManager.from_queryset(ChangeQuerySet)()

    if TYPE_CHECKING:
        action_id: int | None

    class Meta:
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=("element", "instance_id_text", "at", "id"), name="change_of_instance"),
            models.Index(fields=("element", "at"), name="change_by_time"),
        ]

    @property
    def difference(self) -> Difference:
        """Return what the row says as a plain value."""
        return Difference(
            instance_id=self.instance_id_text,
            kind=next(kind for kind in KINDS if kind == self.kind),
            at=self.at,
            before=self.before,
            after=self.after,
            what=self.what,
            event_id=self.event_id,
            from_at=self.from_at,
            to_at=self.to_at,
            action_pk=self.action_id,
            by=self.by,
            reason_code=self.reason_code,
            reason=self.reason,
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.instance_id_text}".strip()

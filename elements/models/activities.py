"""Activity: who did what in ec2mon."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, Self

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Q

from elements.models.access import ElementAccess, OfElements, hidden_from
from elements.models.elements import Element

APPEND_ONLY = "An Activity entry is written once; nothing changes or removes it."


class ActivityQuerySet(OfElements, models.QuerySet["Activity"]):
    """Ways to read entries. They are written once: nothing changes them, and only time removes them."""

    def newest(self) -> "ActivityQuerySet":
        """Order by time, newest first."""
        return self.order_by("-id")

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Leave out what tells of elements that the user must not see, or of such that were removed."""
        kept = self.exclude(element__in=hidden_from(user))
        if user.is_superuser:
            return kept
        removed = ElementAccess.objects.filter(element__removed_at__isnull=False).values("element")
        return kept.exclude(is_sealed=True).exclude(element__in=removed)

    def detach(self, element_id: int, pks: Sequence[int]) -> None:
        """Let entries outlive their element: for superusers where only some saw it, for with it goes who they were."""
        rows: models.QuerySet[Activity] = models.QuerySet(self.model, using=self.db)
        is_sealed = ElementAccess.objects.filter(element=element_id).exists()
        rows.filter(pk__in=pks).update(element=None, is_sealed=is_sealed)

    def mentioning(self, text: str) -> "ActivityQuerySet":
        """Keep those with the text in what was done, the element's name or the instance ID."""
        fields = ("text", "element_name", "instance_id_text", "username")
        either = Q()
        for field in fields:
            either |= Q(**{f"{field}__icontains": text})
        return self.filter(either)

    def forget_before(self, moment: datetime, *, at_most: int) -> int:
        """Remove the oldest entries when they are from before a moment; return how many were removed."""
        oldest = self.order_by("at", "id").filter(at__lt=moment).values_list("pk", flat=True)[:at_most]
        rows: models.QuerySet[Activity] = models.QuerySet(self.model, using=self.db)
        return rows.filter(pk__in=list(oldest)).delete()[0]

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse: an entry is never changed."""
        raise TypeError(APPEND_ONLY)

    def delete(self) -> NoReturn:
        """Refuse: an entry is never removed by hand."""
        raise TypeError(APPEND_ONLY)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class ActivityManager(models.Manager.from_queryset(ActivityQuerySet)):  # type: ignore[misc]
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
        entry: Activity = self.create(
            **_about(element),
            at=now,
            username=by,
            kind=kind,
            text=text,
            instance_id_text=instance_id,
            changes=changes or {},
        )
        return entry

    def note_actions(self, texts: Mapping[str, str], *, by: str, now: datetime, element: Element) -> None:
        """Keep what somebody asked of many instances, by instance ID, in one statement."""
        about = {**_about(element), "at": now, "username": by, "kind": "action"}
        self.bulk_create([Activity(**about, text=text, instance_id_text=key) for key, text in texts.items()])


def _about(element: Element | None) -> dict[str, Any]:
    return {"element": element, "element_name": element.name if element else ""}


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
    is_sealed = models.BooleanField(default=False, db_default=False)

    objects = ActivityManager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "activities"
        indexes = [models.Index(fields=("element", "instance_id_text"), name="activity_of_instance")]

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry; one that is stored already is never changed."""
        if not self._state.adding:
            raise TypeError(APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: an entry is never removed by hand."""
        raise TypeError(APPEND_ONLY)

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """Return what was set as label, old and new value."""
        return [(label, *_pair(values)) for label, values in self.changes.items()]


def _pair(values: object) -> tuple[str, str]:
    old, new = values if isinstance(values, list) and len(values) == 2 else ("", values)
    return _text(old), _text(new)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, "") else str(value)

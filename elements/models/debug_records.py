"""DebugRecord: the stored trace of one HTTP attempt of one interaction with AWS."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Coalesce

from elements.domain.debug_results import COMMAND, DRY_RUN_WORKED, POLLING, Result, anchor, caused_by, result, returned
from elements.domain.throttling import THROTTLES
from elements.models.elements import Element

# Records are stored when an attempt has ended and carry when it began: numbers follow times but for this much.
_UNORDERED = timedelta(minutes=10)
_SAME_REQUEST = 50


class DebugRecordQuerySet(models.QuerySet["DebugRecord"]):
    """Ways to read records."""

    def add(self, records: "Sequence[DebugRecord]") -> None:
        """Store new records with one statement, of which the text is composed once for each number of them.

        Records are most of what a poll of a small element writes, and Django composes for longer than they take.
        """
        values = [f.get_db_prep_save(getattr(each, f.attname), connection) for each in records for f in _fields()]
        with connection.cursor() as cursor:
            cursor.execute(_insert(len(records)), values)

    def newest(self) -> "DebugRecordQuerySet":
        """Order by time, newest first."""
        return self.order_by("-id")

    def since(self, moment: datetime) -> "DebugRecordQuerySet":
        """Keep those at or after a moment."""
        return self.filter(at__gte=moment)

    def between(self, start: datetime | None, end: datetime | None) -> "DebugRecordQuerySet":
        """Keep those of a stretch of time, told by their numbers so that a page in their order costs no sorting."""
        kept = self.alias(moment=Coalesce("at", "at"))  # no index: that of the numbers is the right one
        if start is not None:
            earlier = self.filter(at__lt=start - _UNORDERED).order_by("-at").values_list("pk", flat=True).first()
            kept = kept.filter(moment__gte=start, pk__gt=earlier or 0)
        if end is not None:
            later = self.filter(at__gt=end + _UNORDERED).order_by("at").values_list("pk", flat=True).first()
            kept = kept.filter(moment__lte=end, **({} if later is None else {"pk__lt": later}))
        return kept

    def of_request(self, request_id: str) -> "DebugRecordQuerySet":
        """Keep those of one request of AWS. They are found first: some databases would look through the element."""
        found = DebugRecord.objects.filter(request_id=request_id).values_list("pk", flat=True)[:_SAME_REQUEST]
        return self.filter(pk__in=list(found))

    def succeeded(self) -> "DebugRecordQuerySet":
        """Keep those AWS answered as wished."""
        return self.filter(_GOOD)

    def throttled(self) -> "DebugRecordQuerySet":
        """Keep those AWS refused because it was asked too often."""
        return self.filter(_THROTTLED)

    def failed(self) -> "DebugRecordQuerySet":
        """Keep those that neither succeeded nor were throttled."""
        return self.exclude(_GOOD).exclude(_THROTTLED)

    def retried(self) -> "DebugRecordQuerySet":
        """Keep the repetitions of an attempt that failed."""
        return self.filter(attempt__gt=1)

    def by_polling(self) -> "DebugRecordQuerySet":
        """Keep those that nobody asked for just then."""
        return self.filter(caller__in=POLLING)

    def by_users(self) -> "DebugRecordQuerySet":
        """Keep those somebody asked for on a page."""
        return self.exclude(caller__in=(*POLLING, COMMAND))

    def naming_instance(self, instance_id: str) -> "DebugRecordQuerySet":
        """Keep those whose request names the instance."""
        return self.filter(instance_ids__contains=instance_id)

    def mentioning(self, text: str) -> "DebugRecordQuerySet":
        """Keep those with the text in an ID, an error, the operation or the caller."""
        fields = ("request_id", "instance_ids", "error_code", "error_message", "operation", "caller", "trace_id")
        either = Q()
        for field in fields:
            either |= Q(**{f"{field}__icontains": text})
        return self.filter(either)

    def in_steps(self, size: int = 500) -> "Iterator[DebugRecord]":
        """Yield all records, newest first, a query for each step: no cursor stays open while somebody downloads."""
        before: int | None = None
        while True:
            step = list((self if before is None else self.filter(pk__lt=before)).newest()[:size])
            yield from step
            if len(step) < size:
                return
            before = step[-1].pk


_GOOD = Q(outcome="ok") | Q(error_code=DRY_RUN_WORKED)
_THROTTLED = Q(error_code__in=THROTTLES)


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
    # NULL where none: SQLite then adds the column without writing every row anew.
    trace_id = models.CharField(max_length=24, null=True)
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

    @property
    def result(self) -> Result:
        """Return how the attempt ended."""
        return result(self.outcome, self.error_code, self.http_status, self.attempt)

    @property
    def cause(self) -> str:
        """Return on whose behalf AWS was asked."""
        return caused_by(self.caller)

    @property
    def returned_text(self) -> str:
        """Return how much came back."""
        return returned(self.operation, self.returned, self.parameters, self.response)

    @property
    def anchor(self) -> str:
        """Return the record's place in a page."""
        return anchor(self.request_id, self.pk)


@cache
def _fields() -> "list[models.Field[Any, Any]]":
    return [field for field in DebugRecord._meta.concrete_fields if not field.primary_key]


@cache
def _insert(number: int) -> str:
    quoted = connection.ops.quote_name
    columns, row = ", ".join(quoted(str(each.column)) for each in _fields()), f"({', '.join(['%s'] * len(_fields()))})"
    return f"INSERT INTO {quoted(DebugRecord._meta.db_table)} ({columns}) VALUES {', '.join([row] * number)}"  # noqa: S608

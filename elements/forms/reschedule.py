"""Check the new start that somebody enters for a scheduled event."""

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from elements.domain.rescheduling import AS_WRITTEN, InvalidStart, earliest_start, parse_start, quick_choices
from elements.domain.wording import absolute, relative, weekday
from elements.models import ScheduledEvent


class RescheduleForm(forms.Form):
    """One moment in UTC, and which request the form has seen."""

    start = forms.CharField(
        label="New start, UTC", max_length=40, error_messages={"required": AS_WRITTEN, "max_length": AS_WRITTEN}
    )
    seen = forms.CharField(required=False, max_length=40)

    def __init__(self, *args: object, event: ScheduledEvent, now: datetime, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.event, self.now = event, now
        if event.not_before_deadline is None:
            raise ValueError("an event without a deadline cannot be moved")
        self.deadline: datetime = event.not_before_deadline

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return the quick choices as labels and texts for the field."""
        return [(label, absolute(start, "m")) for label, start in quick_choices(self.deadline, self.now)]

    @property
    def earliest(self) -> datetime:
        """Return the first start that AWS's notice allows."""
        return earliest_start(self.now)

    @property
    def proposed(self) -> str:
        """Return what stands in the field: what was entered, or the first quick choice."""
        entered = self.data.get("start") if self.is_bound else None
        return str(entered)[:40] if entered is not None else self._first

    @property
    def echo(self) -> str:
        """Return the first quick choice in words; the script keeps the words current."""
        start = quick_choices(self.deadline, self.now)[0][1] if self.choices else self.earliest
        return f"{weekday(start)} UTC, {relative(start, self.now)}"

    @property
    def seen_token(self) -> str:
        """Return which request this form shows, for the hidden field."""
        return self.event.requested_at.isoformat() if self.event.requested_at else ""

    def clean_start(self) -> datetime:
        """Take a start that AWS would take."""
        try:
            return parse_start(
                self.cleaned_data["start"], not_before=self.event.not_before, deadline=self.deadline, now=self.now
            )
        except InvalidStart as error:
            raise ValidationError(str(error)) from None

    def clean_seen(self) -> datetime | None:
        """Read which request the form showed; what cannot be read has seen none that could be ours."""
        text = self.cleaned_data["seen"]
        if not text:
            return None
        try:
            seen = parse_datetime(text)
        except ValueError:
            seen = None
        if seen is None or seen.tzinfo is None:
            raise ValidationError("This page is out of date. Look again.")
        return seen

    @property
    def _first(self) -> str:
        return self.choices[0][1] if self.choices else absolute(self.earliest, "m")

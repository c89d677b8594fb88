"""Check what somebody enters on Configuration. The rules come from the domain."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from elements.domain.display_keys import DISPLAY_KEY_FORMATS
from elements.domain.limits import DEBUG_ROWS, INTERVAL_S, RETENTION_DAYS
from elements.domain.naming import InvalidFormat, parse
from elements.domain.wording import grouped
from elements.models import Element


class NamingForm(forms.Form):
    """The naming format. Its own parser says what is wrong, so the field itself refuses nothing."""

    naming_format = forms.CharField(
        label="Naming Format",
        label_suffix="",
        required=False,
        strip=False,
        widget=forms.TextInput(
            attrs={
                "class": "input fmt",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "aria-describedby": "fmt-h fmt-e",
                "data-fmt": True,
            }
        ),
    )

    def clean_naming_format(self) -> str:
        """Take a format that can be read."""
        text: str = self.cleaned_data["naming_format"]
        try:
            parse(text)
        except InvalidFormat as error:
            raise ValidationError(error.message) from None
        return text


def _number(label: str, limits: tuple[int, int], unit: str, help_text: str, size: int = 5) -> forms.IntegerField:
    """Return a field for a whole number; its unit, as the suffix of its label, stands behind it."""
    low, high = limits
    sentence = f"Enter a whole number from {grouped(low)} to {grouped(high)}."
    keys = ("required", "invalid", "min_value", "max_value")
    return forms.IntegerField(
        label=label,
        help_text=f"{grouped(low)} to {grouped(high)}{help_text}",
        min_value=low,
        max_value=high,
        show_hidden_initial=True,
        label_suffix=unit,
        error_messages=dict.fromkeys(keys, sentence),
        widget=forms.TextInput(
            attrs={"class": "input input--short", "inputmode": "numeric", "autocomplete": "off", "size": size}
        ),
    )


class _ChangesOnly(forms.Form):
    """Saves what somebody changed on the form, so that a page left open for days takes nothing back."""

    def changes(self) -> dict[str, Any]:
        """Return the cleaned values that differ from those that the page showed."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}


class PollingForm(_ChangesOnly):
    """How often the element is polled, and whether at all."""

    interval_s = _number("Polling Interval", INTERVAL_S, "seconds", " (24 h).", 6)
    polled = forms.BooleanField(
        label="Poll This Element",
        help_text="Without it AWS is not asked; pages show the last known state.",
        required=False,
        show_hidden_initial=True,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
    )

    @classmethod
    def shown(cls, element: Element) -> dict[str, Any]:
        """Return what the form shows of an element."""
        return {"interval_s": element.interval_s, "polled": not element.paused}


class RetentionForm(_ChangesOnly):
    """How long what is over is kept."""

    gone_retention_days = _number("Gone Instances", RETENTION_DAYS, "days", ", after AWS stopped listing them.")
    event_retention_days = _number(
        "Ended Scheduled Events",
        RETENTION_DAYS,
        "days",
        ", after AWS stopped listing them; as long as it lists them they are kept anyway.",
    )
    history_retention_days = _number(
        "History",
        RETENTION_DAYS,
        "days",
        ". States, status checks and scheduled events as they changed, shown on each instance's page.",
    )
    debug_retention_days = _number(
        "Debug Records",
        RETENTION_DAYS,
        "days",
        ". Every request to AWS with its answer; keys and user data are removed before they are written.",
    )
    debug_max_rows = _number("Most Debug Records", DEBUG_ROWS, "records", ". The oldest go first.", 8)

    @classmethod
    def shown(cls, element: Element) -> dict[str, Any]:
        """Return what the form shows of an element."""
        return {name: getattr(element, name) for name in cls.base_fields}


class DisplayKeyForm(forms.Form):
    """The Scheduled Events Display Key Format."""

    display_key_format = forms.ChoiceField(label="Scheduled Events Display Key Format", choices=DISPLAY_KEY_FORMATS)

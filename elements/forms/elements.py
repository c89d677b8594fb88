"""Check what somebody enters about an element: its name, where it is, and its keys."""

import re
import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from elements.domain.endpoints import EndpointRefused, check_endpoint
from elements.domain.regions import InvalidRegionEndpoint, parse_endpoint_url, parse_region_endpoint
from elements.models import Element
from elements.usecases.connect import Credentials
from elements.usecases.set_up import SetUp

KEY_NAMES = ("access_key_id", "secret_access_key", "session_token")
_REGION_LENGTH, _URL_LENGTH = 40, 255
# What the database holds instead of a key begins like this.
_ENCRYPTED = "gAAAA"


class WriteOnlyInput(forms.TextInput):
    """A text input that never shows what was entered, not even beside an error."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Leave the value out."""
        return super().get_context(name, None, attrs)


def _secret(label: str, max_length: int, help_text: str = "") -> forms.CharField:
    attributes = {"class": "input mono", "autocomplete": "new-password", "spellcheck": "false"}
    widget = forms.PasswordInput(attrs=attributes, render_value=False)
    return forms.CharField(label=label, max_length=max_length, required=False, widget=widget, help_text=help_text)


class KeyFields(forms.Form):
    """The keys, all replaced together or kept: nothing stored is ever put into these fields."""

    access_key_id = forms.CharField(
        label="Access Key ID",
        max_length=128,
        required=False,
        widget=WriteOnlyInput(
            attrs={
                "class": "input mono",
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": "AKIA…",
                "data-secret": True,
            }
        ),
        help_text="From IAM, Users, Security credentials. Begins with AKIA; a temporary one with ASIA.",
    )
    secret_access_key = _secret(
        "Secret Access Key",
        255,
        "AWS shows it once, when the access key is created. Stored encrypted, never shown again.",
    )
    session_token = _secret("Session Token", 4096, "Only for temporary keys, which begin with ASIA.")

    def clean_access_key_id(self) -> str:
        """Take an ID as AWS gives it out."""
        return _key_text(self.cleaned_data["access_key_id"])

    def clean_secret_access_key(self) -> str:
        """Take a secret as AWS gives it out."""
        return _key_text(self.cleaned_data["secret_access_key"])

    def clean_session_token(self) -> str:
        """Take a token as AWS gives it out."""
        return _key_text(self.cleaned_data["session_token"])

    def clean(self) -> dict[str, Any]:
        """Insist that ID and secret come together."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in KEY_NAMES if cleaned.get(name)]
        for name in KEY_NAMES[:2]:
            if given and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, f"Enter the {self.fields[name].label} too: all keys are replaced together.")
        return cleaned

    @property
    def keys(self) -> Credentials | None:
        """Return the keys entered, None to keep what is stored."""
        texts = [self.cleaned_data.get(name, "") for name in KEY_NAMES]
        return Credentials(*texts) if texts[0] and texts[1] else None


class TargetFields(forms.Form):
    """Where the element is: Region Endpoint in all its forms, and endpoints of one's own."""

    region = forms.CharField(
        label="Region Endpoint",
        max_length=300,
        widget=forms.TextInput(
            attrs={"class": "input", "list": "regions", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text="Region code or full endpoint.",
    )
    use_it_anyway = forms.BooleanField(
        label="Use It Anyway",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
        help_text="Takes a region that ec2mon does not know yet.",
    )
    endpoint_url = forms.CharField(
        label="Endpoint URL",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Host and port, for example of a VPC endpoint. The port is 443 unless another is given.",
    )
    sts_endpoint_url = forms.CharField(
        label="STS Endpoint URL",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"class": "input mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Where AWS is asked whose the keys are, when not at the region's own STS.",
    )
    stored_region = ""

    def clean_endpoint_url(self) -> str:
        """Read the endpoint."""
        return _endpoint(self.cleaned_data["endpoint_url"])

    def clean_sts_endpoint_url(self) -> str:
        """Read the endpoint."""
        return _endpoint(self.cleaned_data["sts_endpoint_url"])

    def clean(self) -> dict[str, Any]:
        """Take the region and an endpoint apart."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("region"):
            return cleaned
        anyway = bool(cleaned.get("use_it_anyway")) or self.is_stored(cleaned["region"])
        try:
            found = parse_region_endpoint(cleaned["region"], allow_unknown=anyway)
        except InvalidRegionEndpoint as error:
            self.add_error("region", str(error))
            return cleaned
        cleaned["region"] = found.region
        if max(len(found.region) - _REGION_LENGTH, len(found.endpoint_url) - _URL_LENGTH) > 0:
            self.add_error("region", "This is too long to be a region or endpoint of AWS.")
        elif found.endpoint_url and (refused := _refusal(found.endpoint_url)):
            self.add_error("region", refused)
        elif found.endpoint_url and cleaned.get("endpoint_url", "") not in ("", found.endpoint_url):
            self.add_error("endpoint_url", "Region Endpoint names another endpoint. Leave one of the two empty.")
        else:
            cleaned["endpoint_url"] = found.endpoint_url or cleaned.get("endpoint_url", "")
        return cleaned

    def is_stored(self, region: str) -> bool:
        """Tell whether a region that ec2mon does not know was let in before."""
        return region.strip().lower() == self.stored_region


class ElementForm(KeyFields, TargetFields, forms.ModelForm):
    """Everything that sets an element up; for the admin site and the command line."""

    interval_s = forms.IntegerField(
        label="Polling Interval",
        min_value=10,
        max_value=86_400,
        initial=30,
        help_text="Seconds, from 10 to 86400 (24 h).",
        error_messages={
            "min_value": "The interval must be from 10 s to 86 400 s (24 h).",
            "max_value": "The interval must be from 10 s to 86 400 s (24 h).",
        },
    )
    account_id = forms.CharField(
        label="Account ID",
        max_length=40,
        required=False,
        help_text="12 digits. Leave empty and ec2mon fills it in from AWS on the first successful poll.",
    )

    class Meta:
        model = Element
        # Never a key: what stands here is put into the form from the stored row.
        fields = ("name", "region", "endpoint_url", "sts_endpoint_url", "account_id", "interval_s", "paused")
        labels = {"paused": "Polling Paused"}
        help_texts = {
            "name": "As your team speaks of it, for example Frankfurt – Playout. Names are unique.",
            "paused": "While paused AWS is not asked; pages show the last known state.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_region = self.instance.region

    def clean_name(self) -> str:
        """Take any name that can be shown and stored."""
        return printable(self.cleaned_data["name"])

    def clean_account_id(self) -> str:
        """Take 12 digits, however they are grouped."""
        return account_digits(self.cleaned_data["account_id"])

    @property
    def set_up(self) -> SetUp:
        """Return what the element is to be, without its keys."""
        return SetUp(**{name: self.cleaned_data[name] for name in self.Meta.fields})


def account_digits(text: str) -> str:
    """Return an account ID without its spaces; raises ValidationError."""
    digits = re.sub(r"[\s-]", "", text)
    if digits and not (digits.isascii() and digits.isdecimal() and len(digits) == 12):
        raise ValidationError("An account ID has 12 digits.")
    return digits


def printable(name: str) -> str:
    """Return a name without control characters; raises ValidationError."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValidationError("The name holds characters that cannot be shown.")
    return name


def _key_text(text: str) -> str:
    """Refuse what no key looks like, without repeating it."""
    if text.startswith(_ENCRYPTED):
        raise ValidationError("This is encrypted text, not a key. Paste the key as AWS shows it.")
    if not text.isascii() or any(character.isspace() or not character.isprintable() for character in text):
        raise ValidationError("This holds characters that no key has. Paste the key as AWS shows it.")
    return text


def _endpoint(text: str) -> str:
    if not text:
        return ""
    try:
        url = parse_endpoint_url(text)
    except InvalidRegionEndpoint as error:
        raise ValidationError(str(error)) from None
    if len(url) > _URL_LENGTH:
        raise ValidationError("This is too long for an endpoint.")
    if refused := _refusal(url):
        raise ValidationError(refused)
    return url


def _refusal(url: str) -> str:
    """Return why AWS must not be asked at an endpoint, "" when it may."""
    try:
        check_endpoint(url, allow_private=settings.ALLOW_PRIVATE_ENDPOINTS)
    except EndpointRefused as refused:
        return str(refused)
    return ""

"""Passkeys by django-allauth: whatever a browser sends instead of a proof is wrong, and no error of ours."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError

# How the reader of proofs says that it cannot read one.
UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError)
NAME, WRONG = 50, "The passkey was not taken"


class ProofField(forms.JSONField):
    """What the browser's authenticator signed."""

    def to_python(self, value: Any) -> Any:
        """Read it, however deep it is."""
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(WRONG) from None


class AddForm(AddWebAuthnForm):
    """A new passkey."""

    credential = ProofField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """Take a name that a page has room for."""
        return str(super().clean_name())[:NAME]

    def clean(self) -> Any:
        """Check the proof."""
        return _checked(super().clean)


class SecondStepForm(AuthenticateWebAuthnForm):
    """A passkey after the password."""

    credential = ProofField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """Check the proof."""
        return _checked(super().clean_credential)


class AgainForm(ReauthenticateWebAuthnForm):
    """A passkey of somebody who changes second factors."""

    credential = ProofField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """Check the proof."""
        return _checked(super().clean_credential)


class AloneForm(LoginWebAuthnForm):
    """A passkey instead of name and password."""

    credential = ProofField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """Check the proof."""
        return _checked(super().clean_credential)


def _checked(check: Callable[[], Any]) -> Any:
    try:
        return check()
    except (ValidationError, *UNREADABLE):
        raise ValidationError(WRONG) from None

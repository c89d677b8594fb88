"""Check what an administrator enters on General: account, region, endpoints and keys."""

from typing import Any

from django import forms

from elements.domain.wording import account
from elements.forms.elements import KeyFields, TargetFields, account_digits
from elements.models import Element
from elements.usecases.change_access import ASK_ANYWAY, ASK_CLEAR, Judgement

WANTED = ("region", "endpoint_url", "sts_endpoint_url", "account_id")


class ChoiceFields(forms.Form):
    """What is asked when a test did not pass, or when instances would go."""

    save_anyway = forms.BooleanField(
        label="Save Anyway",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
        help_text="Stores new keys although they did not pass the test. Keys that AWS refuses are never stored.",
    )
    clear_instances = forms.BooleanField(
        label="Clear This Element's Instances",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
        help_text="Needed to move the element to another region or account.",
    )

    questions: frozenset[str] = frozenset()

    def object_to(self, judgement: Judgement) -> None:
        """Put what keeps the form from being saved beside its fields, and ask what is to be asked."""
        self.questions = frozenset(judgement.questions)
        for name, sentence in judgement.errors.items():
            self.add_error(name, sentence)


class GeneralForm(KeyFields, TargetFields, ChoiceFields):
    """AWS access of one element. Keys are never put into it; everything else shows what is stored."""

    account_id = forms.CharField(
        label="Account ID",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"class": "input", "inputmode": "numeric", "autocomplete": "off"}),
        help_text="12 digits. Leave empty and ec2mon fills it in from AWS on the first successful poll.",
    )

    def __init__(self, data: Any = None, *, element: Element) -> None:
        stored = {name: getattr(element, name) for name in WANTED}
        stored["account_id"] = account(element.account_id)
        super().__init__(data, initial=stored, label_suffix="")
        self.stored_region = element.region

    def clean_account_id(self) -> str:
        """Take 12 digits, however they are grouped."""
        return account_digits(self.cleaned_data["account_id"])

    @property
    def wanted(self) -> dict[str, Any]:
        """Return the settings entered, without keys."""
        return {name: self.cleaned_data[name] for name in WANTED}

    @property
    def asks_anyway(self) -> bool:
        """Tell whether to offer that new keys are stored without a passed test."""
        return ASK_ANYWAY in self.questions or ASK_ANYWAY in self.data

    @property
    def asks_to_clear(self) -> bool:
        """Tell whether to ask for the instances to be cleared."""
        return ASK_CLEAR in self.questions or ASK_CLEAR in self.data

    @property
    def asks_region(self) -> bool:
        """Tell whether to offer a region that ec2mon does not know."""
        return "region" in self.errors or "use_it_anyway" in self.data

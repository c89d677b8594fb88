"""The admin site's form: like the one on General, with name, interval and state."""

from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, Group, User

from elements.domain.connection_reports import Report
from elements.forms.elements import ElementForm
from elements.forms.general import ChoiceFields
from elements.usecases.change_access import judge
from elements.usecases.set_up import LABELS, moves, retargets


class AdminElementForm(ElementForm, ChoiceFields):
    """Tries new keys at AWS before the element is changed."""

    user: User | AnonymousUser = AnonymousUser()
    now: Any = None
    seen_by = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="Seen By",
        required=False,
        show_hidden_initial=True,
        help_text="Groups that see this element; none is everybody who may see elements. What somebody may do here"
        " comes from the rights of his groups.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.report: Report | None = None
        if self.instance.pk is not None:
            self.initial["seen_by"] = self.instance.groups.all()
        else:
            del self.fields["save_anyway"], self.fields["clear_instances"]

    @property
    def wanted(self) -> dict[str, Any]:
        """Return the settings entered, without keys, interval and state."""
        return {name: self.cleaned_data[name] for name in LABELS}

    def clean_seen_by(self) -> Any:
        """Let nobody lose sight of the element by a slip: only a superuser could bring it back to him."""
        groups = self.cleaned_data["seen_by"]
        if not groups or self.user.is_superuser or groups.filter(pk__in=self.user.groups.all()):
            return groups
        raise forms.ValidationError("Choose a group of yours too, or you would not see this element any more.")

    def clean(self) -> dict[str, Any]:
        """Ask AWS when keys, region or account change; a new element is tested once it is stored."""
        cleaned = super().clean()
        if self.errors or self.instance.pk is None:
            return cleaned
        if self.keys is None and not (retargets(self.instance, self.wanted) or moves(self.instance, self.wanted)):
            return cleaned
        judgement = judge(
            self.instance,
            self.wanted,
            self.keys,
            caller=self.user.get_username(),
            now=self.now,
            anyway=cleaned["save_anyway"],
            clear=cleaned["clear_instances"],
        )
        self.report = judgement.report
        self.object_to(judgement)
        cleaned["account_id"] = judgement.wanted["account_id"]
        return cleaned

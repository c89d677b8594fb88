"""The form that adds a screen for the Wall."""

from django import forms

from elements.domain.naming import clean
from elements.models import WallScreen


class WallScreenForm(forms.Form):
    """Takes the name of the screen."""

    name = forms.CharField(
        label="Name", max_length=100, help_text="Where the screen hangs, so that you know which address to revoke."
    )

    def clean_name(self) -> str:
        """Take a name that no screen has."""
        name = clean(self.cleaned_data["name"])[:100]
        if WallScreen.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a screen with this name already. Revoke it or choose another name.")
        return name

"""Which admin site there is, and what the sign-in option starts with."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SetUpConfig(AdminConfig):
    """Django's admin, with the site that lets administrators of ec2mon in."""

    default_site = "ec2mon.admin.SetUpSite"


class SignInOptionConfig(AppConfig):
    """What is there only with SIGN_IN=allauth."""

    name = "ec2mon"

    def ready(self) -> None:
        """Listen to what becomes of second factors."""
        from ec2mon import second_factor

        second_factor.connect()

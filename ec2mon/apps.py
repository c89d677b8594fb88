"""Which admin site there is, and what the sign-in option starts with."""

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig


class SetUpConfig(AdminConfig):
    """Django's admin, with the site that lets administrators of ec2mon in."""

    default_site = "ec2mon.admin.SetUpSite"

    def ready(self) -> None:
        """Find the admin's pages, and listen to what becomes of users."""
        super().ready()
        from ec2mon import leftovers

        leftovers.connect()


class SignInOptionConfig(AppConfig):
    """What is there only with SIGN_IN=allauth."""

    name = "ec2mon"

    def ready(self) -> None:
        """Listen to what becomes of second factors and of sign-ins elsewhere."""
        from ec2mon import second_factor

        second_factor.connect()
        if apps.is_installed("allauth.socialaccount"):
            from ec2mon import single_sign_on

            single_sign_on.connect()

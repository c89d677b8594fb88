"""Which admin site there is."""

from django.contrib.admin.apps import AdminConfig


class SetUpConfig(AdminConfig):
    """Django's admin, with the site that lets administrators of ec2mon in."""

    default_site = "ec2mon.admin.SetUpSite"

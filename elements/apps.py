"""Start-up wiring of the app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class ElementsConfig(AppConfig):
    """EC2 elements: their instances, scheduled events, actions and records."""

    name = "elements"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, the Activity of log-ins, and what each migrate sees to."""
        from elements import checks  # noqa: F401  (registers itself)
        from elements.tasks import write_schedules
        from elements.usecases import compact, sign_ins

        sign_ins.connect()
        pre_migrate.connect(compact.begin_compact, sender=self)
        post_migrate.connect(write_schedules, sender=self)

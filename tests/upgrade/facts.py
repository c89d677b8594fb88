"""Run in an installation of its own: print as JSON what the product knows, in its models and on its pages."""

import json
import os
import sys
from datetime import timedelta
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    """Print everything that an upgrade and a restore must keep; with `--migrate` after the upgrade."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")
    django.setup()
    if "--migrate" in sys.argv:
        call_command("migrate", interactive=False, verbosity=0)
    json.dump(facts(), sys.stdout, default=str)


def facts() -> dict[str, Any]:
    """Return what is stored, keys decrypted, and the answers of pages."""
    from django.contrib.auth.models import Group, User
    from django.utils import timezone

    from elements.models import Action, Activity, DebugRecord, Element, Instance, ScheduledEvent
    from elements.usecases import follow_actions

    follow_actions.expire(timezone.now() + timedelta(hours=1))
    keys = ("access_key_id", "secret_access_key", "session_token")
    named = ("name", "slug", "region", "interval_s", "naming_format", "key_hint", "keys_stored_by")
    return {
        "users": list(User.objects.order_by("pk").values_list("username", "password", "first_name", "is_superuser")),
        "groups": {each.name: sorted(each.user_set.values_list("username", flat=True)) for each in Group.objects.all()},
        "may_operate": User.objects.get(username="olga").has_perm("elements.operate_element"),
        "elements": list(Element.objects.order_by("pk").values_list(*named)),
        "keys": [[getattr(each, key) for key in keys] for each in Element.objects.with_keys().order_by("pk")],
        "instances": list(Instance.objects.order_by("pk").values_list("instance_id", "display_name", "state")),
        "events": list(ScheduledEvent.objects.order_by("pk").values_list("event_id", "code", "instance_id_text")),
        "actions": list(Action.objects.order_by("pk").values_list("verb", "instance_id_text", "requested_by")),
        "statuses": list(Action.objects.order_by("pk").values_list("status", flat=True)),
        "records": list(DebugRecord.objects.order_by("pk").values_list("operation", "request_id", "outcome")),
        "activities": list(
            Activity.objects.filter(username__in=("maria", "olga")).order_by("pk").values_list("username", "text")
        ),
        "pages": _pages(),
    }


def _pages() -> dict[str, tuple[int, str]]:
    """Return the answers to somebody who may see everything."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    from elements.models import Element

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="maria"))
    names = ("general", "instances", "configuration", "events", "debug")
    addresses = [reverse("elements:overview"), reverse("elements:activity"), reverse("elements:wall")]
    for slug in Element.objects.values_list("slug", flat=True):
        addresses += [reverse(f"elements:{name}", args=[slug]) for name in names]
    answers = {address: client.get(address) for address in addresses}
    return {address: (answer.status_code, answer.content.decode()) for address, answer in answers.items()}


if __name__ == "__main__":
    main()

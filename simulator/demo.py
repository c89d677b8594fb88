"""Fill the demo's database with people and the elements of the simulated world. Needs Django to be set up."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.utils import timezone

from elements.models import Element
from elements.usecases import run_polls
from simulator.demo_world import ELEMENTS, DemoElement

_BY = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in to the demo, with a password that everybody knows."""

    name: str
    password: str
    group: str
    may: str


PEOPLE = (
    Person("admin", "demo-admin", "administrators", "everything"),
    Person("operator", "demo-operator", "operators", "start, stop, reboot, reschedule, poll now"),
    Person("viewer", "demo-viewer", "viewers", "see"),
)


def add_people() -> None:
    """Create the demo's people who are missing; the administrator may use the admin site too."""
    for person in PEOPLE:
        everything = person.group == "administrators"
        user, is_new = User.objects.get_or_create(
            username=person.name, defaults={"is_staff": everything, "is_superuser": everything}
        )
        if is_new:
            user.set_password(person.password)
            user.save(update_fields=["password"])
            user.groups.add(Group.objects.get(name=person.group))


def seed(endpoint_url: str) -> None:
    """Create the demo's elements that are missing, and point all of them at the simulator.

    A second call changes nothing but the address, which is another one when the simulator got another port.
    """
    for wanted in ELEMENTS:
        element = Element.objects.filter(name=wanted.name).first()
        if element is None:
            _create(wanted, endpoint_url)
        elif (element.endpoint_url, element.sts_endpoint_url) != (endpoint_url, endpoint_url):
            element.endpoint_url = element.sts_endpoint_url = endpoint_url
            element.save(update_fields=["endpoint_url", "sts_endpoint_url"])


def look_once_at_paused() -> None:
    """Poll the paused elements once if that never happened, so that their pages show how old data looks."""
    run_polls.ensure()
    for element in Element.objects.filter(paused=True, poll__succeeded_at=None):
        element.set_paused(False, by=_BY, now=timezone.now())
        try:
            run_polls.poll_once(element.pk, caller="poll", now=timezone.now())
        finally:
            element.set_paused(True, by=_BY, now=timezone.now())


def _create(wanted: DemoElement, endpoint_url: str) -> None:
    now = timezone.now()
    element = Element.objects.create(
        name=wanted.name,
        region=wanted.region,
        endpoint_url=endpoint_url,
        sts_endpoint_url=endpoint_url,
        interval_s=10,
    )
    element.store_keys(
        access_key_id=wanted.access_key_id,
        secret_access_key=wanted.secret_access_key,
        session_token="",
        by=_BY,
        now=now,
    )
    if wanted.paused:
        element.set_paused(True, by=_BY, now=now)

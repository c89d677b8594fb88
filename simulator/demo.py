"""Fill the demo's database with the elements that the simulated world has. Needs Django to be set up."""

from django.utils import timezone

from elements.models import Element
from simulator.demo_world import ELEMENTS, DemoElement

_BY = "demo"


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

"""Nobody who sets elements up can have ec2mon ask another machine than one of AWS's."""

import pytest
from django.urls import reverse

from elements.forms.elements import ElementForm
from elements.models import Element
from tests import builders
from tests.security.hostile_endpoints import NEVER, PRIVATE, SCHEMES

FIELDS = ("endpoint_url", "sts_endpoint_url")


def errors_of(name, text):
    form = ElementForm({"name": "Frankfurt", "region": "eu-central-1", "interval_s": "30", name: text})
    form.errors.pop("__all__", None)
    return form.errors.get(name, [])


@pytest.mark.django_db
@pytest.mark.parametrize("name", FIELDS)
def test_no_field_takes_an_address_where_aws_is_not(settings, name):
    settings.ALLOW_PRIVATE_ENDPOINTS = False
    tried = [*NEVER, *PRIVATE, *SCHEMES, *(f"{host}:8443" for host in (*NEVER, *PRIVATE))]

    taken = [text for text in tried if not errors_of(name, text)]

    print(f"{len(tried)} endpoints tried")
    assert taken == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", FIELDS)
def test_the_setting_allows_private_networks_and_nothing_else(settings, name):
    settings.ALLOW_PRIVATE_ENDPOINTS = True

    assert [text for text in NEVER if not errors_of(name, text)] == []
    assert {text: errors_of(name, text) for text in PRIVATE if errors_of(name, text)} == {}


@pytest.mark.django_db
def test_a_private_endpoint_of_aws_is_refused_in_the_region_too_and_the_setting_is_named(settings):
    settings.ALLOW_PRIVATE_ENDPOINTS = False
    text = "vpce-0a1b2c3d-4e5f.ec2.eu-west-1.vpce.amazonaws.com"

    (said,) = errors_of("region", text)

    assert "VPC endpoints (PrivateLink), set ALLOW_PRIVATE_ENDPOINTS=true" in said
    assert errors_of("region", "ec2.eu-west-1.amazonaws.com") == []


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["general", "admin"])
def test_the_sentence_is_at_the_field_and_what_was_typed_stays(settings, admin_client, page):
    element = builders.element(endpoint_url="", sts_endpoint_url="")
    settings.ALLOW_PRIVATE_ENDPOINTS = False
    address = {
        "general": reverse("elements:general", args=[element.slug]),
        "admin": reverse("admin:elements_element_change", args=[element.pk]),
    }[page]
    entered = {"name": "Frankfurt", "region": "eu-central-1", "interval_s": "30", "endpoint_url": "https://10.0.0.7:99"}

    answer = admin_client.post(address, entered)

    assert "10.0.0.7 is a private address" in answer.content.decode()
    assert 'value="https://10.0.0.7:99"' in answer.content.decode()
    assert Element.objects.get().endpoint_url == ""

"""Start-up help: every field that sets an element up says what belongs into it, in the words of the connector."""

import re

import pytest
from django.urls import reverse

from tests import builders

pytestmark = pytest.mark.django_db

CONNECTOR = ("Account ID", "Access Key ID", "Secret Access Key", "Region Endpoint")


def labelled(html):
    """Return label and id of each field that is typed into."""
    return re.findall(r'<label[^>]*for="(id_\w+)"[^>]*>\s*([^<]+?):?\s*</label>', html)


def page_of(client, page):
    slug = builders.element().slug
    address = reverse("admin:elements_element_add") if page == "admin" else reverse(f"elements:{page}", args=[slug])
    return client.get(address).content.decode()


@pytest.mark.parametrize("page", ["general", "admin"])
def test_the_fields_have_the_names_of_the_connector(administrator, page):
    assert {name for _, name in labelled(page_of(administrator, page))} >= set(CONNECTOR)


@pytest.mark.parametrize("page", ["general", "configuration", "admin"])
def test_each_field_has_a_name_in_title_case_and_its_help(administrator, page):
    html = page_of(administrator, page)

    fields = labelled(html)
    assert fields
    assert [name for _, name in fields if any(word[0].islower() for word in name.split())] == []
    for field, name in fields:
        typed_into = re.search(rf'<(?:input|select)\b[^>]*\bid="{field}"[^>]*>', html)[0]
        described = re.search(r'aria-describedby="([^"]+)"', typed_into)
        assert described, name
        assert all(f'id="{place}"' in html for place in described[1].split()), name


def test_naming_and_display_key_formats_have_the_names_of_the_connector(administrator):
    element = builders.element()

    configuration = administrator.get(reverse("elements:configuration", args=[element.slug])).content.decode()
    events = administrator.get(reverse("elements:events", args=[element.slug])).content.decode()

    assert re.search(r"<label[^>]*>Naming Format:?</label>", configuration)
    assert re.search(r"<label[^>]*>Scheduled Events Display Key Format</label>", events)


def test_without_an_element_there_are_four_steps_and_the_policy(administrator):
    html = administrator.get("/").content.decode()

    steps = re.search(r'<ol class="steps">.*?</ol>', html, re.DOTALL)[0]
    assert len(re.findall("<li>", steps)) == 4
    assert "ec2:DescribeInstances" in re.search(r'<pre class="code" id="policy".*?</pre>', html, re.DOTALL)[0]
    assert reverse("admin:elements_element_add") in html

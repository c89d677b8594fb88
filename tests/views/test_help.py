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


@pytest.mark.parametrize("page", ["general", "admin"])
def test_each_field_has_its_help_under_the_name_the_connector_gave_it(administrator, page):
    element = builders.element()
    address = {"general": reverse("elements:general", args=[element.slug])}.get(
        page, reverse("admin:elements_element_add")
    )

    html = administrator.get(address).content.decode()

    fields = labelled(html)
    assert {name for _, name in fields} >= set(CONNECTOR)
    assert [name for field, name in fields if f'id="{field}_helptext"' not in html] == []


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

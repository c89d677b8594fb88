from html.parser import HTMLParser

import pytest
from django.template import Context, Template
from django.utils.safestring import SafeString

from elements.tables.pieces import kept

COLUMNS = "elements/instances/columns.html"


@pytest.fixture(autouse=True)
def nothing_kept():
    kept.cache_clear()


def labels(html):
    found = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(html)
    return "".join(found).split()


def test_a_part_is_written_once_for_the_same_values_and_anew_for_others():
    first = kept(COLUMNS, menu=(("id", "ID", True),))
    again = kept(COLUMNS, menu=(("id", "ID", True),))
    other = kept(COLUMNS, menu=(("id", "ID", False),))

    assert first is again
    assert " checked" in first and " checked" not in other


def test_what_is_filled_in_is_escaped():
    html = kept(COLUMNS, menu=(("tag:<b>", '<script>"', False),))

    assert "<b>" not in html and "<script>" not in html
    assert "&lt;script&gt;" in html


def test_markup_does_not_stand_for_a_text_that_reads_the_same():
    template = Template('{% load ec2mon %}{% kept "elements/_tabs_of.html" name=name slug="x" instance_count=0 %}')

    trusted = template.render(Context({"name": SafeString("<b>")}))
    text = template.render(Context({"name": "<b>"}))

    assert 'aria-label="<b>"' in trusted
    assert 'aria-label="&lt;b&gt;"' in text


def test_yes_is_not_one():
    with_yes, with_one = (kept("elements/instances/sizes.html", sizes=(1,), size=size) for size in (True, 1))

    assert with_yes is not with_one


def test_a_part_sees_nothing_of_the_page_but_what_it_is_given():
    page = {"may_operate": True, "shell": {"may_operate": True}, "keys": "on"}
    template = Template('{% load ec2mon %}{% kept "elements/_dialogs.html" keys=keys %}')

    assert "Stop the selected rows" not in template.render(Context(page))
    assert "data-keys-on checked" in template.render(Context(page))

"""The template of every table."""

import django_tables2 as tables
import pytest
from django.template import Context, Template
from django.test import RequestFactory


class Fruits(tables.Table):
    caption = "Fruits"
    row_header = "name"
    name = tables.Column()
    weight = tables.Column(orderable=False)

    class Meta:
        row_attrs = {"data-key": lambda record: record["name"]}
        empty_text = "No fruit."


class LiveFruits(Fruits):
    live = "fruits"

    class Meta(Fruits.Meta):
        pass


def render(table, address="/?q=red&sort=-name&page=3&since=7.ab"):
    request = RequestFactory().get(address)
    template = Template("{% load django_tables2 %}{% render_table table %}")
    return template.render(Context({"table": table, "request": request}))


def test_a_sort_link_keeps_the_filter_and_goes_back_to_the_first_page():
    html = render(Fruits([{"name": "apple", "weight": 3}], order_by="-name"))

    assert 'href="?q=red&amp;sort=name"' in html
    assert 'aria-sort="descending"' in html


def test_cells_are_escaped_and_the_row_header_heads_its_row():
    html = render(Fruits([{"name": "<b>", "weight": "<i>"}]))

    assert '<th role="rowheader" scope="row" >&lt;b&gt;</th>' in html
    assert '<td role="cell" >&lt;i&gt;</td>' in html
    assert "<caption>Fruits</caption>" in html
    assert 'data-key="&lt;b&gt;"' in html


@pytest.mark.parametrize(("kind", "shown"), [(Fruits, 0), (LiveFruits, 1)])
def test_only_a_live_table_with_rows_carries_the_text_for_when_they_are_gone(kind, shown):
    assert render(kind([{"name": "apple", "weight": 3}])).count("No fruit.") == shown
    assert render(kind([])).count("No fruit.") == 1

"""What a page costs the database when its script asks and nothing has changed: a few rows, however many instances."""

import gzip
import re

import pytest
from django.test import Client

from tests import builders

pytestmark = pytest.mark.django_db
E = "/e/frankfurt"


@pytest.fixture
def element():
    row = builders.element()
    for number in range(30):
        builders.instance(row, f"encoder-{number}")
    return builders.polled(row)


@pytest.mark.parametrize(
    "page", ["/", "/wall/", f"{E}/general/", f"{E}/instances/", f"{E}/configuration/", f"{E}/debug/"]
)
def test_an_unchanged_page_runs_no_query_over_instances_and_sends_nothing(
    operator, element, page, django_assert_max_num_queries
):
    token = re.search(r'data-revision="([^"]+)"', operator.get(page).content.decode())[1]

    with django_assert_max_num_queries(10) as asked:
        answer = operator.get(f"{page}?since={token}", headers={"X-Fragment": "live"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert not [query["sql"] for query in asked.captured_queries if 'FROM "elements_instance"' in query["sql"]]


def test_whether_the_server_is_there_costs_one_trivial_query(operator, element, django_assert_num_queries):
    with django_assert_num_queries(1):
        answer = Client().head("/healthz")  # the script leaves the cookies out

    assert answer.status_code == 200
    assert f'data-health="{answer.request["PATH_INFO"]}"' in operator.get("/").content.decode()


def test_pages_are_compressed_and_their_length_is_blurred(operator, element):
    answers = [operator.get("/e/frankfurt/instances/", headers={"Accept-Encoding": "gzip"}) for _ in range(8)]

    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({answer.headers["Content-Length"] for answer in answers}) > 1


def test_a_compressed_page_reads_like_the_plain_one(operator, element):
    compressed, plain = (
        operator.get("/e/frankfurt/instances/", headers={"Accept-Encoding": each}) for each in ("gzip", "identity")
    )

    text = gzip.decompress(compressed.content).decode()
    assert (
        len(text) == len(plain.content.decode()) and text.startswith("<!doctype html>") and text.endswith("</html>\n")
    )
    assert compressed.headers["Content-Length"] == str(len(compressed.content))
    assert "Content-Encoding" not in plain.headers
    assert {"Accept-Encoding" in answer.headers["Vary"] for answer in (compressed, plain)} == {True}


def test_an_export_is_compressed_as_it_is_written(operator, element):
    answer = operator.get("/e/frankfurt/instances/export.csv", headers={"Accept-Encoding": "gzip"})

    assert answer.streaming and answer.headers["Content-Encoding"] == "gzip"
    assert b"Instance ID" in gzip.decompress(b"".join(answer.streaming_content))

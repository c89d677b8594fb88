"""Find, as a page and for the dialog."""

import re
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.domain.finding import rank, words
from elements.models import Instance, Poll, instance_search
from elements.views import find
from tests import builders

pytestmark = pytest.mark.django_db
URL = reverse("elements:find")


def names(html):
    return re.findall(r'<span class="nm"><bdi>(.*?)</bdi>', html)


def ask(client, text):
    answer = client.get(URL, {"q": text}, headers={"X-Fragment": "find"})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def world(db):
    frankfurt = builders.element(name="Frankfurt – Playout")
    ireland = builders.element(name="Ireland", region="eu-west-1", account_id="482109375516")
    builders.instance(frankfurt, "main-encoder", private_ip="10.20.4.1", tags={"env": "prod"})
    builders.instance(frankfurt, "encoder-2", private_ip="10.20.4.17", public_ip="3.120.44.9")
    builders.instance(ireland, "encoder", private_ip="10.30.0.4", tags={"owner": "Ölmühle"})
    builders.instance(ireland, "relay", private_ip="10.20.4.104", checks=("impaired", "ok", "ok"))
    builders.instance(ireland, "encoder-old", gone=True)
    return frankfurt, ireland


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("encoder", ["encoder", "encoder-2", "main-encoder", "encoder-old"]),
        ("ENCODER", ["encoder", "encoder-2", "main-encoder", "encoder-old"]),
        ("10.20.4.1", ["main-encoder", "encoder-2", "relay"]),
        ("3.120.44", ["encoder-2"]),
        ("env=prod", ["main-encoder"]),
        ("ölmühle", ["encoder"]),
        ("encoder prod", ["main-encoder"]),
        ("i-00000000000000002", ["encoder-2", "relay"]),
        ("irel", ["Ireland"]),
        ("eu-west-1", ["Ireland"]),
        ("4821 0937 5516", ["Ireland"]),
        ("nothing-has-this", []),
    ],
)
def test_what_is_met_whole_comes_first_then_what_begins_so_and_the_gone_last(viewer, world, text, found):
    assert names(ask(viewer, text)) == found


def test_a_result_says_where_it_is_and_which_tag_was_met(viewer, world):
    html = ask(viewer, "prod")

    assert f'href="{reverse("elements:instance", args=[world[0].slug, "i-00000000000000001"])}"' in html
    assert "<bdi>Frankfurt – Playout</bdi>, i-00000000000000001, 10.20.4.1, <bdi>env=prod</bdi>" in html


def test_a_failing_and_a_gone_instance_look_so(viewer, world):
    assert "s-alert" in ask(viewer, "relay")
    assert "s-unknown" in ask(viewer, "encoder-old")


def test_a_result_of_an_element_that_is_late_or_lost_says_how_old_it_is_and_is_not_green(viewer, world):
    builders.polled(world[0])
    fresh = ask(viewer, "main-encoder")
    Poll.objects.update(succeeded_at=timezone.now() - timedelta(minutes=3))

    old = ask(viewer, "main-encoder").replace("\u00a0", " ")

    assert "old" not in fresh
    assert "not connected, 3 min old" in old
    assert fresh.split("<span", 1)[0] != old.split("<span", 1)[0]


def test_the_dialog_gets_eight_options_and_is_told_that_there_are_more(viewer, world):
    for number in range(9):
        builders.instance(world[0], f"node-{number}")

    html = ask(viewer, "node")

    assert re.findall(r'role="option" aria-selected="false" tabindex="-1" id="(find-\d)"', html) == [
        f"find-{number}" for number in range(1, 9)
    ]
    assert "The first 8 results. Enter more to narrow them down" in html
    assert "<html" not in html


def test_the_best_is_offered_however_many_others_hold_the_word(viewer, world):
    for number in range(12):
        builders.instance(world[0], f"a-transcoder-{number}")
    builders.instance(world[0], "transcoder")

    assert names(ask(viewer, "transcoder"))[0] == "transcoder"


def test_without_a_word_the_dialog_offers_the_elements(viewer, world):
    assert names(ask(viewer, "  ")) == ["Frankfurt – Playout", "Ireland"]


def test_the_page_shows_more_in_pages_and_works_without_script(viewer, world, monkeypatch):
    monkeypatch.setattr(find, "PAGE_SIZE", 3)
    monkeypatch.setattr(find, "MOST", 7)
    for number in range(9):
        builders.instance(world[0], f"node-{number}")

    first = viewer.get(URL, {"q": "node"}).content.decode()
    last = viewer.get(URL, {"q": "node", "page": "99"}).content.decode()

    assert names(first) == ["node-0", "node-1", "node-2"]
    assert names(last) == ["node-6"]
    assert "The first 7 results" in first
    assert 'rel="next"' in first


def test_the_page_says_when_nothing_is_found(viewer, world):
    html = viewer.get(URL, {"q": "<b>no</b>"}).content.decode()

    assert "Nothing found in any element" in html
    assert "<bdi>&lt;b&gt;no&lt;/b&gt;</bdi>" in html


def test_a_search_costs_few_queries_whatever_it_finds(viewer, world, django_assert_num_queries):
    def own(queries):
        return [query for query in queries.captured_queries if '"elements_' in query["sql"]]

    ask(viewer, "encoder")
    with django_assert_num_queries(5) as few:
        ask(viewer, "encoder")
    for number in range(30):
        builders.instance(builders.element(name=f"Element {number}"), f"encoder-{number}")
    with django_assert_num_queries(5):
        ask(viewer, "encoder")

    assert len(own(few)) <= 4


def test_a_search_reads_the_newest_rows_only(viewer, world, monkeypatch):
    monkeypatch.setattr(instance_search, "MOST_READ", 2)

    assert names(ask(viewer, "encoder")) == ["encoder-old"]


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "%",
        "_",
        "*",
        "'\"--",
        "\\",
        "a\0b",
        "\ud800".encode("utf-8", "surrogatepass"),
        "x" * 1_000_000,
        "a " * 5000,
        "(((((",
        "\n\n",
        "🙂",
        "مختبر",
        "[a-z]",
        "tag:env=prod",
    ],
)
def test_whatever_is_typed_is_only_looked_for(viewer, world, text):
    for headers in ({"X-Fragment": "find"}, {}):
        answer = viewer.get(URL, {"q": text, "page": "9" * 50}, headers=headers)

        assert answer.status_code == 200


@pytest.mark.parametrize("wild", ["%", "_ncoder", "\\"])
def test_a_wildcard_of_the_database_is_a_letter_like_any_other(viewer, world, wild):
    assert names(ask(viewer, wild)) == []


def test_names_from_outside_stay_text(viewer):
    builders.instance(builders.element(name="<i>El</i>"), "<script>alert(1)</script>", tags={"a": "<u>script</u>"})

    assert not re.search("<script|<i>|<u>", ask(viewer, "script") + ask(viewer, "el"))


def test_many_instances_are_searched_in_a_moment(viewer, world):
    now = timezone.now()
    Instance.objects.bulk_create(
        Instance(
            element=world[number % 2],
            instance_id=f"i-{number:x}abc",
            display_name=f"node-{number}",
            state="running",
            search=f"node-{number}\ni-{number:x}abc\nc7i.large\n10.0.0.1\n\nenv=prod\n",
            digest="x",
            first_seen_at=now,
            observed_at=now,
        )
        for number in range(20_000)
    )
    began = time.monotonic()

    html = ask(viewer, "not-there-at-all")

    assert names(html) == []
    assert time.monotonic() - began < 2


def test_words_are_few_and_in_lower_case():
    assert words(" A  b\tC ") == ("a", "b", "c")
    assert len(words("a " * 100)) == 8
    assert words("") == ()


@pytest.mark.parametrize(
    ("text", "wanted", "place"),
    [("a\nb", ("b",), 0), ("abc\nd", ("ab",), 1), ("x\nabc", ("ab",), 2), ("xab", ("ab",), 3), ("x", ("ab",), None)],
)
def test_how_well_a_text_meets_the_words(text, wanted, place):
    assert rank(text, wanted) == place

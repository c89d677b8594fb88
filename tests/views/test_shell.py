"""The frame of every page: side list, clock, account menu, sign-in."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import Element, Poll
from tests import builders

pytestmark = pytest.mark.django_db


def page(client):
    return client.get(reverse("elements:overview")).content.decode()


@pytest.mark.parametrize(("elements", "has_filter"), [(12, False), (13, True)])
def test_a_long_side_list_can_be_filtered(viewer, elements, has_filter):
    for number in range(elements):
        builders.element(name=f"Element {number}")

    html = page(viewer)

    assert ("data-side-filter" in html) == has_filter
    assert html.count('data-find="Element') == elements


def test_the_filter_of_the_side_list_works_without_script(viewer):
    for number in range(13):
        builders.element(name=f"Element {number:02}")
    action, name = re.search(
        r'<form class="side__filter" method="get" action="([^"]*)".*?name="(\w+)"', page(viewer)
    ).groups()

    html = viewer.get(action, {name: "element 07"}).content.decode()

    assert re.findall(r'class="key" href="[^"]*"><bdi>(.*?)</bdi>', html) == ["Element 07"]


def test_the_side_list_shows_how_each_element_is(viewer):
    builders.element(name="Fine")
    builders.element(name="Failing")
    builders.element(name="Lost")
    now = timezone.now()
    Poll.objects.filter(element__name="Fine").update(succeeded_at=now, counts={"running": 41})
    Poll.objects.filter(element__name="Failing").update(succeeded_at=now, counts={"running": 5, "failing": 2})
    Poll.objects.filter(element__name="Lost").update(succeeded_at=now, counts={"running": 3}, refused=True)

    links = re.findall(r'<a class="side__link" href="/e/(.*?)</a>', page(viewer), re.DOTALL)
    told = {
        link.partition("/")[0]: re.sub(r"\s+", " ", re.sub("<[^>]+>", "", link.partition(">")[2])) for link in links
    }

    assert "Connected: " in told["fine"] and "41 running" in told["fine"]
    assert "2 impaired" in told["failing"]
    assert "Not connected: " in told["lost"] and re.search(r"eu-central-1, \d+ s old", told["lost"])
    assert "<title>(3) Overview" in page(viewer)


def test_the_side_list_costs_one_query_and_loads_neither_keys_nor_results_of_polls(
    viewer, django_assert_max_num_queries
):
    for number in range(3):
        builders.element(name=f"Element {number}")

    with django_assert_max_num_queries(9) as queries:
        viewer.get(reverse("elements:activity"))

    shell = [query["sql"] for query in queries.captured_queries if '"elements_poll"' in query["sql"]]
    assert len(shell) == 1
    assert not re.search(r"secret_access_key|session_token|\"recent\"", shell[0])


def test_the_account_menu_holds_what_the_user_may_do(viewer, administrator):
    menu = re.compile(r'id="pop-user".*?</div>', re.DOTALL)
    of_viewer, of_administrator = menu.search(page(viewer))[0], menu.search(page(administrator))[0]

    assert "Set up elements" not in of_viewer
    assert "Set up elements" in of_administrator
    for text in ("vera", "Activity", "Change password", "Sign out"):
        assert text in of_viewer
    assert 'method="post" action="/logout/"' in of_viewer


def test_the_clock_shows_the_server_s_time_and_its_zone(viewer):
    clock = re.search(r"<button[^>]*data-tz-toggle.*?</button>", page(viewer))[0]

    assert re.search(r"<time data-clock>\d\d:\d\d:\d\d</time> <span data-tz-name>UTC</span>", clock)


def sign_in(**fields):
    builders.user("maria.k")
    values = {"username": "maria.k", "password": "only-for-tests-1", **fields}
    return Client().post(reverse("login"), values)


def test_a_wrong_password_and_a_wrong_name_are_told_with_the_same_words():
    banner = re.compile(r'<div class="banner.*?</div></div>', re.DOTALL)

    wrong = banner.search(sign_in(password="planted-wrong").content.decode())[0]
    unknown = banner.search(Client().post(reverse("login"), {"username": "x", "password": "x"}).content.decode())[0]

    assert "User name or password is wrong" in wrong
    assert wrong == unknown


def test_a_refused_password_does_not_come_back():
    assert "planted-wrong" not in sign_in(password="planted-wrong").content.decode()


def test_sign_in_leads_back_to_where_one_was_but_never_to_another_site():
    assert sign_in(next="/activity/").headers["Location"] == "/activity/"
    assert (
        Client()
        .post(
            reverse("login"), {"username": "maria.k", "password": "only-for-tests-1", "next": "https://evil.example/"}
        )
        .headers["Location"]
        == "/"
    )


def test_the_sign_in_page_tells_strangers_nothing_of_what_is_inside():
    builders.element(name="Frankfurt – Playout")

    html = Client().get(reverse("login"), {"next": "/e/frankfurt-playout/instances/"}).content.decode()

    assert "You are signed out" in html
    assert "Frankfurt" not in html


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ({"counts": {"running": 42}}, "41 running", "42 running"),
        ({"counts": {"running": 41, "failing": 1}}, "41 running", "1 impaired"),
        ({"refused": True}, "Connected: ", "Not connected: "),
        ({"succeeded_at": None}, "41 running", "eu-central-1"),
        ({"element__name": "Other"}, ">Frankfurt<", ">Other<"),
        ({"element__region": "eu-west-1"}, "eu-central-1", "eu-west-1"),
        ({"element__paused": True}, "Connected: ", "Polling paused: "),
    ],
)
def test_the_side_list_tells_of_each_change_at_once(viewer, change, before, after):
    element = builders.element()
    Poll.objects.update(succeeded_at=timezone.now(), counts={"running": 41})
    told = [side_link(page(viewer))]

    for name, value in change.items():
        if name.startswith("element__"):
            Element.objects.filter(pk=element.pk).update(**{name.removeprefix("element__"): value})
        else:
            Poll.objects.update(**{name: value})
    told.append(side_link(page(viewer)))

    assert before in told[0] and before not in told[1].replace("Not connected", "")
    assert after in told[1]


def side_link(html):
    link = re.search(r'<a class="side__link" href="/e/.*?</a>', html, re.DOTALL)[0]
    return re.sub("<(?!/?bdi)[^>]+>", "", link)


def test_only_the_element_of_the_page_is_marked_as_current(viewer):
    first, second = builders.element(name="First"), builders.element(name="Second")

    for element in (first, second, first):
        html = viewer.get(reverse("elements:general", args=[element.slug])).content.decode()
        assert re.findall(r'href="/e/(\w+)/instances/"[^>]*aria-current="true"', html) == [element.slug]
    assert not re.findall(r'href="/e/\w+/instances/"[^>]*aria-current', page(viewer))

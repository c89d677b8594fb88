import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import Activity
from elements.views import activity
from tests import builders

pytestmark = pytest.mark.django_db
URL = reverse("elements:activity")


def note(text="Polling paused", *, by="maria.k", kind="setting", ago_s=0, **fields):
    now = timezone.now() - timedelta(seconds=ago_s)
    return Activity.objects.note(by=by, kind=kind, text=text, now=now, **fields)


def show(client, **query):
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return answer.content.decode()


def texts(html):
    return re.findall(r'class="c"><bdi>(.*?)</bdi>', html)


@pytest.fixture(autouse=True)
def _quiet(viewer):
    """Leave out the sign-in of the test's own user."""
    Activity.objects.forget_before(timezone.now() + timedelta(days=1), at_most=100)


def test_what_was_set_is_shown_with_old_and_new_value(viewer):
    element = builders.element()
    note("Interval changed", element=element, changes={"Polling Interval": [30, 60], "Paused": [False, True]})

    html = show(viewer)

    for words in ("maria.k", "Interval changed", "Frankfurt"):
        assert f"<bdi>{words}</bdi>" in html
    assert "Polling Interval: <bdi>30</bdi> → <bdi>60</bdi>" in html
    assert "Paused: <bdi>off</bdi> → <bdi>on</bdi>" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"user": "olga"}, "Stop of playout-a requested"),
        ({"kind": "action"}, "Stop of playout-a requested"),
        ({"element": "frankfurt"}, "Stop of playout-a requested"),
        ({"q": "i-0ABC"}, "Stop of playout-a requested"),
        ({"q": "ireland"}, "Element removed"),
        ({"t": "1h"}, "Stop of playout-a requested"),
    ],
)
def test_each_filter_leaves_what_it_names(viewer, query, found):
    note("Signed in", kind="sign-in", ago_s=7200)
    gone = builders.element(name="Ireland")
    note("Element removed", ago_s=7000, element=gone)
    gone.delete()
    note("Stop of playout-a requested", by="olga", kind="action", element=builders.element(), instance_id="i-0abc")

    assert texts(show(viewer, **query)) == [found]


def test_entries_about_a_removed_element_stay_and_say_so(viewer):
    element = builders.element()
    note("Element removed", element=element)
    element.delete()

    html = show(viewer)

    assert "<bdi>Frankfurt</bdi> (removed)" in html


def test_older_pages_follow_by_number_and_leave_nothing_out(viewer, monkeypatch):
    monkeypatch.setattr(activity, "PAGE_SIZE", 2)
    for number in range(5):
        note(f"entry {number}")
    seen, query = [], ""

    while True:
        answer = viewer.get(URL + query)
        seen += texts(answer.content.decode())
        query = answer.context["older"]
        if not query:
            break

    assert seen == [f"entry {number}" for number in (4, 3, 2, 1, 0)]


def test_the_page_costs_the_same_queries_for_one_entry_and_for_many(
    viewer, django_assert_max_num_queries, django_assert_num_queries
):
    element = builders.element()
    note(element=element)
    with django_assert_max_num_queries(9) as one:
        show(viewer)
    for number in range(60):
        note(element=builders.element(name=f"E{number}"))

    with django_assert_num_queries(len(one.captured_queries)) as many:
        show(viewer)

    assert not [query for query in many.captured_queries if "secret_access_key" in query["sql"]]


def test_without_entries_it_says_what_is_kept(viewer):
    assert "Nothing has been done yet." in show(viewer)


def test_a_filter_without_a_match_says_so(viewer):
    note()

    assert "No entry matches this filter." in show(viewer, q="none like it")


@pytest.mark.parametrize(
    "query",
    [
        {"before": "9" * 50},
        {"before": "-1"},
        {"q": "\0"},
        {"q": "x" * 100_000},
        {"user": "\ud800".encode("utf-8", "surrogatepass")},
        {"kind": "\0", "element": "\0", "t": "between", "from": "0001-01-01", "to": "9999-12-31"},
    ],
)
def test_wild_addresses_are_no_error(viewer, query):
    note()

    assert viewer.get(URL, query).status_code == 200


def test_texts_are_text(viewer):
    note("<script>alert(1)</script>", by="<b>eve</b>", changes={"<i>x</i>": ["<u>", "</u>"]})

    assert not re.search(r"<script>alert|<b>eve|<i>x|<u>", show(viewer))


def test_whoever_lacks_the_right_sees_neither_page_nor_link(viewer):
    outsider = builders.user("outsider")
    outsider.user_permissions.add(Permission.objects.get(codename="view_element"))
    client = Client()
    client.force_login(outsider)

    assert client.get(URL).status_code == 403
    assert URL not in client.get("/").content.decode()
    assert f'href="{URL}"' in viewer.get("/").content.decode()


def test_nobody_signed_out_sees_it(db):
    assert Client().get(URL).status_code == 302


def test_entries_can_only_be_read(administrator):
    assert {administrator.post(URL).status_code, administrator.delete(URL).status_code} == {405}

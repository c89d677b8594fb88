import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import DebugRecord
from elements.tables import debug as table
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db
REQUEST_ID = "54d368fb-dcab-0ec0-dddc-4b594281f6ee"


@pytest.fixture
def element():
    return builders.element()


def record(element, *, ago_s=0.0, **fields):
    values = {
        "at": timezone.now() - timedelta(seconds=ago_s),
        "service": "ec2",
        "operation": "DescribeInstances",
        "caller": "poll",
        "outcome": "ok",
        "http_status": 200,
        **fields,
    }
    return DebugRecord.objects.create(element=element, **values)


def address(element, **query):
    return reverse("elements:debug", args=[element.slug], query=query)


def page(client, element, **query):
    answer = client.get(address(element, **query))
    assert answer.status_code == 200
    return answer.content.decode()


def keys(html):
    return [int(key) for key in re.findall(r'<tr role="row" data-key="(\d+)"', html)]


def live(client, element, since="", **query):
    url = address(element, **query, **({"since": since} if since else {}))
    return client.get(url, headers={"X-Fragment": "live"})


def token(html):
    return re.search(r'data-revision="([^"]+)"', html)[1]


def test_the_page_shows_the_newest_record_first(viewer, element):
    older, newer = record(element), record(element)

    assert keys(page(viewer, element)) == [newer.pk, older.pk]


def test_records_of_another_element_are_not_shown(viewer, element):
    other = builders.element(name="Ireland", region="eu-west-1")
    foreign = record(other, request_id=REQUEST_ID)
    record(element)

    html = page(viewer, element) + page(viewer, element, q=REQUEST_ID) + page(viewer, element, record=foreign.pk)

    assert foreign.pk not in keys(html)


def test_an_element_without_records_says_when_there_will_be_some(viewer, element):
    html = page(viewer, element)

    assert "No records yet." in html
    assert "Every request to AWS is recorded here from the first poll on." in html


def test_a_filter_without_a_match_says_so_and_can_be_cleared(viewer, element):
    record(element)

    html = page(viewer, element, q="nothing like it")

    assert "No record matches this filter." in html
    assert "Clear the filter" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "UnauthorizedOperation"}, "refused"),
        ({"q": "i-0abc"}, "refused"),
        ({"q": "54d368fb"}, "refused"),
        ({"op": "StopInstances"}, "refused"),
        ({"by": "users"}, "refused"),
        ({"by": "maria.k"}, "refused"),
        ({"by": "polling", "result": "ok"}, "polled"),
        ({"by": "command"}, "commanded"),
        ({"instance": "i-0abc"}, "refused"),
        ({"result": "failed"}, "refused"),
        ({"result": "throttled"}, "throttled"),
        ({"result": "retried"}, "commanded"),
        ({"t": "between", "from": "2026-03-17 10:00", "to": "2026-03-17T11:00"}, "old"),
    ],
)
def test_each_filter_leaves_what_it_names(viewer, element, query, found):
    rows = {
        "old": record(element, at="2026-03-17T10:30:00Z", caller="follow-up", outcome="ok", error_code=""),
        "polled": record(element),
        "throttled": record(element, outcome="error", error_code="RequestLimitExceeded", http_status=503),
        "commanded": record(element, caller="command", attempt=3),
        "refused": record(
            element,
            operation="StopInstances",
            caller="maria.k",
            outcome="error",
            error_code="UnauthorizedOperation",
            http_status=403,
            request_id=REQUEST_ID,
            instance_ids="i-0abc i-0def",
        ),
    }
    if found == "polled":
        rows["old"].delete()

    assert keys(page(viewer, element, **query)) == [rows[found].pk]


def test_a_dry_run_that_worked_is_no_failure(viewer, element):
    worked = record(element, operation="StopInstances", outcome="error", error_code="DryRunOperation", http_status=412)

    assert keys(page(viewer, element, result="ok")) == [worked.pk]
    assert keys(page(viewer, element, result="failed")) == []


def test_succeeded_failed_and_throttled_make_up_the_requests_of_the_last_hour(viewer, element):
    for duration in (100, 200, 300, 4000):
        record(element, duration_ms=duration)
    record(element, outcome="error", error_code="RequestLimitExceeded", duration_ms=50, attempt=1)
    record(element, outcome="no-answer", error_code="ConnectTimeoutError", duration_ms=60, attempt=2)
    record(element, outcome="error", error_code="DryRunOperation", duration_ms=70)
    record(element, ago_s=3700, duration_ms=9000, outcome="error", error_code="AuthFailure")

    tiles = viewer.get(address(element)).context["tiles"]

    assert (tiles.requests, tiles.failed, tiles.throttled, tiles.retried) == (7, 1, 1, 1)
    assert (tiles.median_ms, tiles.slowest_ms) == (100, 4000)


def test_a_record_shows_request_and_answer_each_with_a_copy_button(viewer, element):
    shown = record(
        element,
        operation="StopInstances",
        parameters={"InstanceIds": ["i-0abc"], "UserData": "removed"},
        outcome="error",
        http_status=403,
        error_code="UnauthorizedOperation",
        error_message="You are not authorized.",
        request_id=REQUEST_ID,
        size_bytes=1234,
        attempt=2,
        duration_ms=2210,
    )

    html = page(viewer, element)

    assert '&quot;UserData&quot;: "<span class="redact">removed</span>"' in html
    for place in (f"rq{shown.pk}", f"rs{shown.pk}"):
        assert f'data-copy-from="{place}"' in html
        assert f'<pre class="code" id="{place}"' in html
    for text in ("You are not authorized.", "403 in 2\u00a0210\u00a0ms", "1\u00a0234 bytes", "try 2", REQUEST_ID):
        assert text in html


def test_records_are_folded_until_the_address_names_one(viewer, element):
    first, second = record(element), record(element)

    html = page(viewer, element, record=first.pk)

    assert re.search(rf'id="r{second.pk}" hidden', html)
    assert re.search(rf'id="r{first.pk}">', html)


def test_an_old_record_that_the_address_names_is_on_the_page(viewer, element, monkeypatch):
    monkeypatch.setattr(table, "PAGE_SIZE", 2)
    rows = [record(element) for _ in range(6)]

    assert keys(page(viewer, element, record=rows[1].pk)) == [rows[1].pk, rows[0].pk]


def test_the_row_of_a_request_can_be_addressed_by_its_id(viewer, element):
    record(element, request_id=REQUEST_ID)

    assert f'id="{REQUEST_ID}"' in page(viewer, element)


@pytest.mark.parametrize("hostile", ["main", "", 'x" onclick="alert(1)', "a b-c d"])
def test_what_is_no_request_id_takes_no_place_in_the_page(viewer, element, hostile):
    row = record(element, request_id=hostile)

    assert f'data-key="{row.pk}" id="record-{row.pk}"' in page(viewer, element)


def test_a_request_id_finds_its_record_unfolded_whatever_else_is_chosen(viewer, element, monkeypatch):
    monkeypatch.setattr(table, "PAGE_SIZE", 2)
    wanted = record(element, ago_s=90_000, request_id=REQUEST_ID)
    for _ in range(5):
        record(element)

    html = page(viewer, element, q=REQUEST_ID, t="1h", result="failed")

    assert keys(html) == [wanted.pk]
    assert f'id="r{wanted.pk}">' in html


def test_older_pages_follow_by_number_and_leave_nothing_out(viewer, element, monkeypatch):
    monkeypatch.setattr(table, "PAGE_SIZE", 2)
    rows = [record(element).pk for _ in range(5)]
    seen, query = [], {}

    while True:
        answer = viewer.get(address(element, **query))
        seen += keys(answer.content.decode())
        if not answer.context["older"]:
            break
        query = {"before": re.search(r"before=(\d+)", answer.context["older"])[1]}

    assert seen == rows[::-1]


@pytest.mark.parametrize("newer", [3, 4, 5])
def test_a_rare_filter_looks_through_so_many_records_and_then_asks(viewer, element, monkeypatch, newer):
    monkeypatch.setattr(table, "SEARCH_DEPTH", 3)
    rare = record(element, caller="maria.k")
    for _ in range(newer):
        record(element)

    answer = viewer.get(address(element, by="maria.k"))
    older = answer.context["older"]

    assert keys(answer.content.decode()) == []
    assert "Search older records" in answer.content.decode()
    assert keys(viewer.get(address(element) + older).content.decode()) == [rare.pk]


def test_the_page_costs_the_same_queries_for_one_record_and_for_many(
    viewer, element, django_assert_num_queries, django_assert_max_num_queries
):
    record(element)
    with django_assert_max_num_queries(14) as one:
        page(viewer, element, by="polling")
    for _ in range(120):
        record(element, parameters={"InstanceIds": ["i-1"]})

    with django_assert_num_queries(len(one.captured_queries)) as many:
        page(viewer, element, by="polling")

    assert not [query for query in many.captured_queries if "COUNT(" in query["sql"].upper()]


def test_a_live_page_gets_only_the_records_it_does_not_have(viewer, element):
    kept = record(element)
    since = token(page(viewer, element))
    fresh = record(element)

    html = live(viewer, element, since).content.decode()

    assert keys(html) == [fresh.pk]
    assert f'data-order="{fresh.pk} {kept.pk}"' in html
    assert token(html) != since


def test_a_live_page_with_a_filter_gets_only_what_matches(viewer, element):
    kept = record(element, caller="command")
    since = token(page(viewer, element, by="command"))
    record(element)
    fresh = record(element, caller="command")

    html = live(viewer, element, since, by="command").content.decode()

    assert keys(html) == [fresh.pk]
    assert f'data-order="{fresh.pk} {kept.pk}"' in html


def test_a_live_page_that_shows_all_there_is_gets_no_content(viewer, element, monkeypatch):
    now = timezone.now().replace(second=10)
    monkeypatch.setattr("elements.views.pages.timezone.now", lambda: now)
    record(element)
    since = token(page(viewer, element))

    assert live(viewer, element, since).status_code == 204


def test_an_older_page_holds_still(viewer, element, monkeypatch):
    monkeypatch.setattr(table, "PAGE_SIZE", 1)
    record(element)
    newest = record(element)

    html = page(viewer, element, before=newest.pk)

    assert "data-live-table" not in html
    assert ">Newest</a>" in html


def test_retention_is_said_as_the_element_has_it(viewer, element):
    element.debug_retention_days, element.debug_max_rows = 7, 50_000
    element.save(update_fields=["debug_retention_days", "debug_max_rows"])

    assert "Records are kept for 7 days, at most 50\u00a0000 for each element." in page(viewer, element)


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\0'\"<script>%"},
        {"q": "x" * 100_000},
        {"q": "\ud800"},
        {"before": "9" * 40},
        {"before": "-1"},
        {"before": "1'"},
        {"record": "999999999999999999"},
        {"op": "\0", "result": "\0", "by": "\0", "instance": "\0", "t": "\0"},
        {"t": "between", "from": "0001-01-01", "to": "9999-12-31"},
        {"t": "between", "from": "yesterday", "to": "\0"},
        {"since": "9.9.9"},
        {"since": "\0.\0"},
    ],
)
@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "live"}])
def test_wild_addresses_are_no_error(viewer, element, query, headers):
    record(element)
    url = reverse("elements:debug", args=[element.slug])

    answer = viewer.get(url, {k: v.encode("utf-8", "surrogatepass") for k, v in query.items()}, headers=headers)

    assert answer.status_code == 200


def test_a_stretch_of_time_is_kept_to_the_second_also_where_records_were_stored_out_of_order(viewer, element):
    times = ("09:59:59", "10:00:00", "10:30:00", "11:00:00", "11:00:01", "10:15:00", "09:58:00", "11:30:00")
    rows = {time: record(element, at=f"2026-03-17T{time}Z").pk for time in times}

    kept = keys(page(viewer, element, t="between", to="2026-03-17 11:00", **{"from": "2026-03-17 10:00"}))

    assert kept == [rows[time] for time in ("10:15:00", "11:00:00", "10:30:00", "10:00:00")]


def test_a_time_that_cannot_be_read_is_said(viewer, element):
    record(element)

    assert "From: write it as 2026-03-18 14:00, in UTC" in page(viewer, element, t="between", **{"from": "noon"})


def test_texts_of_aws_are_text(viewer, element):
    record(
        element, outcome="error", error_code="<b>x</b>", error_message="<script>alert(1)</script>", caller="<i>eve</i>"
    )

    html = page(viewer, element)

    assert not re.search(r"<script>alert|<b>x</b>|<i>eve", html)


def test_nothing_on_the_page_has_a_style_or_an_event_attribute(viewer, element):
    record(element, duration_ms=700)

    assert not re.search(r'\s(style|on\w+)="', page(viewer, element))


def export(client, element, kind, **query):
    answer = client.get(reverse("elements:debug_export", args=[element.slug, kind], query=query))
    assert answer.status_code == 200
    assert answer.streaming
    return answer, b"".join(answer.streaming_content).decode()


def test_the_csv_holds_what_is_filtered_and_no_formula(viewer, element):
    record(element)
    record(element, caller="=cmd|' /C calc'!A0", error_message="@SUM(1)", parameters={"MaxResults": 1000})

    answer, text = export(viewer, element, "csv", by="users")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))

    assert len(rows) == 1
    assert (rows[0]["Caused by"], rows[0]["Error message"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)")
    assert rows[0]["Parameters"] == '{"MaxResults": 1000}'
    assert f"debug-{element.slug}-" in answer.headers["Content-Disposition"]


def test_the_json_is_a_list_of_what_is_filtered(viewer, element):
    record(element, parameters={"MaxResults": 1000})
    wanted = record(element, caller="maria.k", request_id=REQUEST_ID, response={"a": ["ü"]})

    _, text = export(viewer, element, "json", by="maria.k")
    rows = json.loads(text)

    assert [row["request_id"] for row in rows] == [REQUEST_ID]
    assert rows[0]["response"] == wanted.response


def test_the_json_of_nothing_is_an_empty_list(viewer, element):
    assert json.loads(export(viewer, element, "json")[1]) == []


def test_an_export_holds_every_record_however_many(viewer, element):
    DebugRecord.objects.bulk_create(
        DebugRecord(element=element, at=timezone.now(), operation="DescribeInstances", caller="poll", outcome="ok")
        for _ in range(1203)
    )

    assert len(json.loads(export(viewer, element, "json")[1])) == 1203


@pytest.mark.parametrize("kind", ["xml", "CSV", "csv.exe"])
def test_another_kind_of_export_does_not_exist(viewer, element, kind):
    assert viewer.get(reverse("elements:debug_export", args=[element.slug, kind])).status_code == 404


@pytest.mark.parametrize("name", ["debug", "debug_export"])
def test_strangers_see_no_record(db, element, name):
    url = reverse(f"elements:{name}", args=[element.slug, *(["csv"] if name == "debug_export" else [])])
    outsider = Client()
    outsider.force_login(builders.user("nobody"))

    assert Client().get(url).status_code == 302
    assert outsider.get(url).status_code == 403


@pytest.mark.parametrize("name", ["debug", "debug_export"])
def test_records_can_only_be_read(administrator, element, name):
    url = reverse(f"elements:{name}", args=[element.slug, *(["csv"] if name == "debug_export" else [])])

    assert {administrator.post(url).status_code, administrator.delete(url).status_code} == {405}


def test_an_unknown_element_does_not_exist(viewer):
    assert viewer.get(reverse("elements:debug", args=["none"])).status_code == 404


def test_a_poll_of_the_real_thing_is_shown_with_what_it_returned(aws, viewer):
    aws.add_instances(count=3)
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())

    html = page(viewer, element)

    assert "3 instances, 1 page" in html
    assert "3 statuses, 1 page" in html


def test_what_took_several_tries_says_so_and_what_was_removed_is_marked(viewer, element):
    record(element, attempt=3, parameters={"UserData": "removed"})

    html = viewer.get(f"/e/{element.slug}/debug/").content.decode()

    assert "200 after 3 tries" in html
    assert '"<span class="redact">removed</span>"' in html
    assert '<code>Authorization</code> <span class="redact">removed</span>' in html

"""The Instances page."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.models import Action, Poll, ScheduledEvent, UserSettings
from tests import builders

pytestmark = pytest.mark.django_db
PAGE = "/e/frankfurt/instances/"


@pytest.fixture
def element():
    return builders.element()


@pytest.fixture
def fleet(element):
    for number in range(1, 4):
        builders.instance(element, f"encoder-{number}", tags={"env": "prod"}, private_ip=f"10.20.4.{number}")
    builders.instance(element, "qc-station", state="stopped")
    return builders.polled(element)


def page(client, query="", **headers):
    answer = client.get(PAGE + query, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def names(html):
    return re.findall(r'data-name="([^"]*)"', html)


def heads(html):
    row = html[html.index("<thead") : html.index("</thead>")]
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<th\b.*?</th>", row, re.S)]


def row_of(html, name):
    return next(row for row in re.findall(r"<tr\b.*?</tr>", html, re.S) if f'data-name="{name}"' in row)


def asked(element, name, status, by="olga", verb="stop", **more):
    row, now = element.instances.get(display_name=name), timezone.now()
    return Action.objects.create(
        element=element,
        instance=row,
        instance_id_text=row.instance_id,
        batch="00000000-0000-0000-0000-000000000001",
        verb=verb,
        status=status,
        requested_by=by,
        requested_at=now,
        expires_at=now,
        **more,
    )


def test_the_default_columns_stand_in_their_order(operator, fleet):
    assert heads(page(operator)) == [
        "",
        "Display key",
        "Instance ID",
        "State",
        "Type, zone, IP",
        "Checks",
        "Type",
        "AZ",
        "Private IP",
        "Public IP",
        "Launched",
        "Start and stop",
    ]


def test_gone_instances_are_left_out_until_they_are_asked_for(viewer, fleet):
    builders.instance(fleet, "old-encoder", gone=True)
    builders.polled(fleet)

    plain, encoders = page(viewer), page(viewer, "?q=encoder")

    assert "old-encoder" not in names(plain) + names(encoders)
    assert "1 no longer listed by AWS" in plain
    assert "?q=encoder+state%3Agone" in encoders
    assert names(page(viewer, "?q=encoder+state:gone")) == ["old-encoder"]


def test_a_wrong_filter_says_why_and_hides_nothing(viewer, fleet):
    html = page(viewer, "?q=colour:red")

    assert "There is no filter colour:. Try state:" in html
    assert 'aria-invalid="true"' in html
    assert len(names(html)) == 4


def test_a_filter_that_meets_nothing_offers_a_way_out(viewer, fleet):
    html = page(viewer, "?q=zzz&sort=-type")

    assert "No instance matches this filter" in html
    assert "4 instances are hidden by it." in html
    assert 'href="?sort=-type">Clear the filter' in html


def test_quick_filters_count_everything_and_keep_the_order(viewer, fleet):
    html = page(viewer, "?q=state:stopped&sort=-id")

    assert names(html) == ["qc-station"]
    assert re.search(r'href="\?q=state%3Arunning&amp;sort=-id"[^>]*>.*?Running <b>3</b>', html)
    assert re.search(r'aria-current="true">.*?Stopped <b>1</b>', html)
    assert "1 of 4 instances" in html


def test_the_filter_form_carries_order_columns_and_rows(viewer, fleet):
    html = page(viewer, "?sort=-id&col=state&col=tag:env&per_page=25&page=1")
    form = html[html.index('role="search"') : html.index("</form>", html.index('role="search"'))]

    assert re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form) == [
        ("sort", "-id"),
        ("per_page", "25"),
        ("col", "state"),
        ("col", "tag:env"),
    ]


def test_pages_are_clamped_and_their_links_keep_everything(viewer, element):
    for number in range(60):
        builders.instance(element, f"node-{number:02}")
    builders.polled(element)

    first, last = page(viewer, "?per_page=25&q=node"), page(viewer, "?per_page=25&q=node&page=99999999999999999999")

    assert len(names(first)) == 25
    assert names(last) == [f"node-{number}" for number in range(50, 60)]
    assert 'rel="next" href="?per_page=25&amp;q=node&amp;page=2"' in first
    assert 'rel="prev" href="?per_page=25&amp;q=node&amp;page=2"' in last


HOSTILE = ["\0", "9" * 5000, "-1", "é", "\ud800", "%", "x" * 1_000_000, "'; drop table x", "<script>", "a\nb", "٣"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["page", "per_page", "sort", "q", "col", "since"])
def test_no_parameter_breaks_the_page(viewer, fleet, name, value):
    value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if value == "\ud800" else value

    for headers in ({}, {"X-Fragment": "live"}):
        html = viewer.get(PAGE, {name: value, "sort": "-name"} if name != "sort" else {name: value}, headers=headers)
        assert html.status_code == 200
        assert b"<script>x" not in html.content


def test_a_raw_surrogate_in_the_address_is_no_error(viewer, fleet):
    assert viewer.get(PAGE + "?q=%ED%A0%80&col=tag:%ED%A0%80&sort=tag:%00").status_code == 200


def test_names_from_outside_are_text(operator, element):
    builders.instance(element, "<img src=x>", tags={"<b>": '"><script>'})
    builders.polled(element)

    html = page(operator, "?col=tags&col=tag:%3Cb%3E")

    assert "<img src=x>" not in html
    assert '"><script>' not in html
    assert "<bdi>&lt;img src=x&gt;</bdi>" in html


def test_control_characters_of_tags_are_seen(viewer, element):
    row = builders.instance(element, "x", tags={"no\x07te": "one\ntwo\t\x85"})
    builders.polled(element)

    html = page(viewer, "?col=tags&col=tag:no%07te")

    assert "<bdi>no·te</bdi>=<b><bdi>one·two··</bdi></b>" in html
    assert re.search(r"<td[^>]*>one·two··</td>", html)
    assert "<bdi>one·two··</bdi>" in page(viewer, f"{row.instance_id}/")
    assert "<bdi>no·te=one</bdi>" in viewer.get("/find/?q=te").content.decode()


def test_viewers_see_no_control_at_all(viewer, fleet):
    html = page(viewer)

    for control in ("data-bulk", "data-act", 'id="sel"', "data-can", 'name="id"', "data-select", "Start selected"):
        assert control not in html
    assert len(names(html)) == 4


def test_operators_get_the_control_that_applies_and_the_reason_of_the_other(operator, fleet):
    running, stopped = row_of(page(operator), "encoder-1"), row_of(page(operator), "qc-station")

    assert 'data-can="stop reboot"' in running
    assert 'data-can="start"' in stopped
    assert re.search(r'data-act="start"[^>]*aria-disabled="true" tabindex="-1" title="Start: running"', running)
    assert re.search(r'action=stop&amp;id=i-0+1" data-act="stop" aria-label="Stop encoder-1" title="Stop"', running)


@pytest.mark.parametrize(
    ("state", "says"), [({"refused": True}, "not connected"), ({"paused": True}, "Polling of this element is paused")]
)
def test_while_states_are_old_all_controls_are_off_and_the_head_says_how_old(operator, fleet, state, says):
    if "paused" in state:
        fleet.set_paused(True, by="x", now=timezone.now())
    else:
        Poll.objects.update(
            refused=True, failed_since=timezone.now(), succeeded_at=timezone.now() - timedelta(minutes=42)
        )

    html = page(operator)

    assert 'data-can=""' in row_of(html, "encoder-1")
    assert says in row_of(html, "encoder-1")
    assert "t--inst is-stale" in html
    assert re.search(r"State, <time[^>]*>.*? ago", html)


def test_what_is_asked_shows_in_the_row_and_no_second_request_is_offered(operator, fleet):
    asked(fleet, "encoder-1", "requested")
    asked(fleet, "encoder-2", "accepted", by="maria", answered_at=timezone.now())

    html = page(operator)
    mine, hers = row_of(html, "encoder-1"), row_of(html, "encoder-2")

    assert "Stop requested" in mine and "you," in mine and 'class="is-busy' in mine
    assert "Stopping" in hers and "by maria" in hers
    assert 'data-can=""' in hers
    assert "already asked for by maria" in hers
    assert " data-busy" in html


def test_a_failure_links_to_its_debug_record(operator, fleet):
    asked(
        fleet,
        "encoder-1",
        "refused",
        settled_at=timezone.now(),
        request_id="req-1",
        error_code="UnauthorizedOperation",
        message="Not allowed.",
    )

    row = row_of(page(operator), "encoder-1")

    assert 'href="/e/frankfurt/debug/#req-1" title="UnauthorizedOperation. Not allowed">Stop failed</a>' in row
    assert "still running" in row
    assert 'class="is-attn' in row


def test_what_takes_long_says_so_with_its_time_and_the_checks_of_what_is_stopped_are_said_in_words(operator, fleet):
    since = timezone.now() - timedelta(minutes=6, seconds=3)
    fleet.instances.filter(display_name="encoder-1").update(state="stopping", state_since_at=since)

    html = page(operator)
    slow, stopped = row_of(html, "encoder-1"), row_of(html, "qc-station")

    assert re.search(
        r'class="st st--warn">.*?<span>Still stopping, after <time[^>]*>6\xa0min</time></span>', slow, re.S
    )
    assert '<span class="vh">not checked while stopped</span>' in stopped
    assert '<span class="subtle" aria-hidden="true">–</span>' in stopped


def test_only_rows_that_fail_or_are_under_way_are_tinted(operator, fleet):
    builders.instance(fleet, "bad", checks=("ok", "impaired", "ok"))
    builders.instance(fleet, "moving", state="stopping")
    builders.polled(fleet)
    asked(fleet, "encoder-2", "accepted", answered_at=timezone.now())

    html = page(operator)
    tinted = {name: re.search(r"is-(attn|busy)", row_of(html, name)) for name in names(html)}

    assert {name: found[1] for name, found in tinted.items() if found} == {"bad": "attn", "encoder-2": "busy"}
    assert len(tinted) == 6


def test_a_scheduled_event_shows_with_its_countdown(viewer, fleet):
    row = fleet.instances.get(display_name="encoder-1")
    for number, hours in enumerate((50, 3)):
        ScheduledEvent.objects.create(
            element=fleet,
            instance=row,
            instance_id_text=row.instance_id,
            event_id=f"e-{number}",
            code="instance-stop",
            not_before=timezone.now() + timedelta(hours=hours),
            first_seen_at=timezone.now(),
        )
    builders.polled(fleet)

    html = row_of(page(viewer), "encoder-1")

    assert "pill--crit" in html
    assert "2 scheduled events, next: Stop" in html
    assert re.search(r"<time[^>]*>2\xa0h 59\xa0min</time>", html)
    assert "Events <b>1</b>" in page(viewer)


def test_before_the_first_poll_the_page_waits(viewer, element):
    html = page(viewer)

    assert html.count("Waiting for the first poll") == 1
    assert "at most one polling cycle (30" in html
    assert "<table" not in html


def test_an_empty_region_says_that_aws_answered(viewer, element):
    builders.polled(element)

    html = page(viewer)

    assert "No instances in this region" in html
    assert "AWS answered, and eu-central-1 has no instance this key can see." in html
    assert "<table" not in html


def test_whoever_may_not_see_elements_is_refused_and_strangers_sign_in(client, fleet):
    assert client.get(PAGE).status_code == 302

    client.force_login(builders.user("nobody"))

    assert [client.get(PAGE + path).status_code for path in ("", "export.csv", "selection.json")] == [403] * 3
    assert client.post(PAGE + "settings/", {"per_page": "25"}).status_code == 403


def test_an_unknown_element_is_not_found(viewer):
    assert viewer.get("/e/nowhere/instances/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_rows(operator, element, django_assert_max_num_queries):
    counts = []
    for size in (10, 190):
        start = element.instances.count()
        for number in range(start, start + size):
            row = builders.instance(element, f"node-{number}", tags={"env": "prod"})
            ScheduledEvent.objects.create(
                element=element,
                instance=row,
                instance_id_text=row.instance_id,
                event_id="e",
                code="instance-stop",
                first_seen_at=timezone.now(),
            )
        builders.polled(element)
        with django_assert_max_num_queries(6) as asked_for:
            html = page(operator, "?per_page=250&col=state&col=tags&col=tag:env")
        assert len(names(html)) == start + size
        counts.append(len(asked_for))

    assert counts[0] == counts[1]


def test_no_key_and_no_heavy_column_is_read(operator, aws, django_assert_max_num_queries):
    element = builders.element(aws, aws.add_keys())
    builders.instance(element, "encoder-1")
    builders.polled(element)

    with django_assert_max_num_queries(6) as asked_for:
        page(operator)

    for query in asked_for.captured_queries:
        for column in ("secret_access_key", "session_token", "access_key_id", '"details"', '"tag_lines"'):
            assert column not in query["sql"]


def test_columns_are_kept_for_the_user_and_come_back_with_reset(viewer, operator, fleet):
    viewer.post(PAGE + "settings/", {"columns": "1", "col": ["asg", "state", "nonsense"], "tag": "env"})

    assert heads(page(viewer)) == ["Display key", "State", "Type, zone, IP", "Auto Scaling group", "env"]
    assert "Checks" in heads(page(operator))

    viewer.post(PAGE + "settings/", {"reset": "1"})

    assert "Checks" in heads(page(viewer))


def test_columns_in_the_address_win_over_those_kept(viewer, fleet):
    viewer.post(PAGE + "settings/", {"columns": "1", "col": ["asg"]})

    assert heads(page(viewer, "?col=type&col=tag:env&col=tag:env")) == ["Display key", "Type", "env", "Type, zone, IP"]
    assert heads(page(viewer, "?col=")) == ["Display key", "Type, zone, IP"]


def test_rows_per_page_are_kept_and_only_those_on_offer(viewer, fleet):
    viewer.post(PAGE + "settings/", {"per_page": "100"})
    viewer.post(PAGE + "settings/", {"per_page": "100000"})

    assert UserSettings.objects.get().per_page_of("instances") == 100
    assert '<option value="100" selected>' in page(viewer)


def test_settings_go_back_to_the_list_with_its_filter_and_nowhere_else(viewer, fleet):
    query = "q=state%3Arunning&sort=-id&col=x&per_page=25&page=3&since=1"

    target = urlsplit(viewer.post(PAGE + "settings/", {"per_page": "50", "query": query})["Location"])

    assert target.path == PAGE
    assert parse_qs(target.query) == {"q": ["state:running"], "sort": ["-id"]}
    assert viewer.post(PAGE + "settings/", {"query": "//evil.example"})["Location"].startswith(PAGE + "?")


def test_settings_are_changed_by_post_only(viewer, fleet):
    assert viewer.get(PAGE + "settings/?reset=1").status_code == 405


def test_the_whole_selection_is_named_with_what_may_be_asked(operator, viewer, fleet):
    asked(fleet, "encoder-2", "accepted")

    answer = operator.get(PAGE + "selection.json?q=encoder&per_page=25&sort=name")

    assert [verbs for _, verbs in answer.json()["instances"]] == ["stop reboot", "", "stop reboot"]
    assert viewer.get(PAGE + "selection.json").status_code == 403
    assert operator.get(PAGE + "selection.json?q=colour:red").json() == {"instances": []}


def test_a_page_of_many_offers_to_select_all_that_match(operator, element):
    for number in range(30):
        builders.instance(element, f"node-{number}")
    builders.polled(element)

    assert "Select all 30 that match" in page(operator, "?per_page=25&q=node")
    assert "Select all" not in page(operator, "?per_page=50&q=node").replace("Select all shown", "")


def test_every_sort_link_of_the_page_sorts(viewer, fleet):
    html = page(viewer, "?col=" + "&col=".join(["vpc", "iam_role", "tag:env"]))

    for link in re.findall(r'class="sort" href="([^"]+)"', html):
        assert 'aria-sort="ascending"' in page(viewer, link.replace("&amp;", "&")) or "sort=-name" in link


def test_the_names_of_all_pages_exist():
    for name in ("instances", "instances_export", "instances_selection", "instances_settings"):
        assert reverse(f"elements:{name}", args=["x"])

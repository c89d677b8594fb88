import json
import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import Action, Change, Element, Instance, Poll, ScheduledEvent
from elements.tables import attention
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db
URL = reverse("elements:overview")


def element(name="Frankfurt", *, ago_s=6, counts=None, poll=None, **fields):
    """Make an element that was polled so long ago."""
    row = builders.element(name=name, **fields)
    values = {"succeeded_at": timezone.now() - timedelta(seconds=ago_s), **(poll or {})}
    if counts:
        values["counts"] = {"total": sum(counts.values()), **counts}
    Poll.objects.filter(element=row).update(**values)
    return row


def instance(element, instance_id="i-0001", **fields):
    values = {"display_name": f"name of {instance_id}", "state": "running", **fields}
    now = timezone.now()
    return Instance.objects.create(
        element=element, instance_id=instance_id, first_seen_at=now, observed_at=now, **values
    )


def failing(element, instance_id="i-0001", **fields):
    bad = {"system_status": "ok", "instance_status": "impaired", "ebs_status": "ok", "checks_rank": 0, **fields}
    Poll.objects.filter(element=element).update(counts={"total": 1, "running": 1, "failing": 1})
    return instance(element, instance_id, impaired_since_at=timezone.now() - timedelta(minutes=9), **bad)


def event(instance, code="instance-reboot", *, in_h=3.0, deadline_h=None, **fields):
    now = timezone.now()
    return ScheduledEvent.objects.create(
        element=instance.element,
        instance=instance,
        instance_id_text=instance.instance_id,
        event_id=f"instance-event-{uuid.uuid4().hex[:8]}",
        code=code,
        not_before=now + timedelta(hours=in_h),
        not_before_deadline=now + timedelta(hours=deadline_h) if deadline_h else None,
        first_seen_at=now,
        **fields,
    )


def failed(instance, *, ago_s=11, status="refused", verb="stop", **fields):
    at = timezone.now() - timedelta(seconds=ago_s)
    return Action.objects.create(
        element=instance.element,
        instance=instance,
        instance_id_text=instance.instance_id,
        instance_name=instance.display_name,
        batch=uuid.uuid4(),
        verb=verb,
        status=status,
        requested_by="maria.k",
        requested_at=at,
        expires_at=at,
        settled_at=at,
        message="UnauthorizedOperation: This access key may not call ec2:StopInstances.",
        request_id="54d368fb-dcab-0ec0-dddc-4b594281f6ee",
        **fields,
    )


def changed(instance, *, ago_s=240, kind="state", before="running", after="stopped", **fields):
    at = timezone.now() - timedelta(seconds=ago_s)
    values = {"kind": kind, "at": at, "before": before, "after": after, **fields}
    return Change.objects.create(element=instance.element, instance_id_text=instance.instance_id, **values)


def latest(html):
    """Return what is told of each of the latest changes."""
    part = html[html.index('data-live-part="latest"') :]
    return [text(line).strip() for line in re.findall(r"<li>(.*?)</li>", part[: part.index("</section>")], re.DOTALL)]


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).replace("\u00a0", " ")


def show(client, **query):
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return answer.content.decode()


def facts(html):
    """Return the fact line of each item that needs attention."""
    return [text(fact).strip() for fact in re.findall(r"<strong>(.*?)</strong><p>", html, re.DOTALL)]


def tile(html, label):
    found = re.search(rf'<a class="tile([^"]*)" href="([^"]*)">((?:(?!</a>).)*?{label}.*?)</a>', html, re.DOTALL)
    return found[1].strip(), found[2], text(found[3])


def test_what_needs_somebody_is_listed_worst_first(viewer):
    frankfurt = element()
    element("Ireland", region="eu-west-1", ago_s=90, poll={"throttled": True, "failure_code": "RequestLimitExceeded"})
    element("Virginia", region="us-east-1", poll={"refused": True, "failures": 1, "failure_text": "AuthFailure: no."})
    bad = failing(frankfurt)
    other = instance(frankfurt, "i-0002")
    event(other)
    event(instance(frankfurt, "i-0003"), "instance-stop", in_h=20)
    failed(instance(frankfurt, "i-0004"))

    html = show(viewer)

    assert facts(html) == [
        "Virginia is not connected",
        "AWS will stop name of i-0003",
        f"{bad.display_name} fails its instance status check",
        "Stop failed for name of i-0004",
        "AWS will reboot name of i-0002",
        "Ireland is late",
    ]
    assert "Frankfurt. System 1/1, instance 0/1, attached EBS 1/1." in text(html)
    assert "AWS is throttling requests (RequestLimitExceeded)." in text(html)


def test_nothing_to_report_is_said_with_the_age_of_the_oldest_data(viewer):
    element(ago_s=6)
    element("Ireland", ago_s=21)

    assert "Nothing needs attention. 2 elements polled, the oldest data is 21 s old." in text(show(viewer))


def test_when_all_is_paused_nobody_is_said_to_be_polled(viewer):
    element(paused=True)

    assert "Nothing needs attention. No element is being polled: 1 paused." in text(show(viewer))


def test_an_element_read_with_keys_of_another_account_is_named_and_leads_to_general(viewer):
    changed = element(account_id="111122223333", seen_account_id="444455556666", poll={"refused": True, "failures": 1})

    html = show(viewer)

    assert facts(html) == ["Frankfurt is not connected: its keys belong to another account"]
    assert f'href="{reverse("elements:general", args=[changed.slug])}">Check account' in html


def test_an_unreachable_element_leads_to_its_records_and_says_how_old_its_instances_are(viewer):
    lost = element(ago_s=2520, counts={"running": 40}, poll={"failures": 3, "failure_text": "No answer from x."})

    html = show(viewer)

    assert "No answer from x. 40 instances are shown as they were 42 min ago." in text(html)
    assert f'href="{reverse("elements:debug", args=[lost.slug])}">Debug records' in html


@pytest.mark.parametrize(
    ("in_h", "deadline_h", "code", "words"),
    [
        (3, 100, "instance-reboot", "AWS will reboot name of i-0001"),
        (3, None, "system-reboot", "AWS will reboot the host of name of i-0001"),
        (3, None, "new-kind", "AWS announced new-kind for name of i-0001"),
        (-1, None, "system-maintenance", "AWS is maintaining the host of name of i-0001"),
        (40, None, "instance-retirement", "AWS will retire name of i-0001"),
    ],
)
def test_a_scheduled_event_is_told_in_words(viewer, in_h, deadline_h, code, words):
    event(instance(element()), code, in_h=in_h, deadline_h=deadline_h)

    assert facts(show(viewer)) == [words]


def test_a_stop_that_is_more_than_a_day_ahead_is_less_urgent_than_a_failing_check(viewer):
    frankfurt = element()
    event(instance(frankfurt, "i-1"), "instance-stop", in_h=25)
    failing(frankfurt, "i-2")
    event(instance(frankfurt, "i-3"), "instance-stop", in_h=23)

    assert [fact.split()[-1] if "stop" in fact else "check" for fact in facts(show(viewer))] == ["i-3", "check", "i-1"]


def test_the_advice_for_an_event_says_whether_it_can_be_moved(viewer):
    frankfurt = element()
    movable = event(instance(frankfurt, "i-1"), deadline_h=100)
    event(instance(frankfurt, "i-2"), "instance-stop")
    event(instance(frankfurt, "i-3", root_device_type="instance-store"), "instance-retirement")

    page = text(show(viewer))

    assert f"Can be moved to a later time until {movable.not_before_deadline:%Y-%m-%d %H:%M} UTC." in page
    assert "No deadline, so it cannot be rescheduled. Stop and start it first to move it to new hardware." in page
    assert "Its root volume is an instance store: save its data and replace it." in page


@pytest.mark.parametrize(
    "fields",
    [
        {"in_h": 49},
        {"in_h": -25},
        {"in_h": -3, "not_after": timezone.now() - timedelta(hours=1)},
        {"stage": "completed"},
        {"cleared_at": timezone.now()},
    ],
)
def test_an_event_that_is_far_or_over_needs_nobody(viewer, fields):
    event(instance(element()), **fields)

    assert facts(show(viewer)) == []


def test_a_failed_action_is_told_with_who_asked_and_its_record(viewer):
    frankfurt = element()
    action = failed(instance(frankfurt))

    html = show(viewer)

    assert "may not call ec2:StopInstances. Requested by maria.k." in text(html)
    debug = reverse("elements:debug", args=[frankfurt.slug])
    assert f'href="{debug}?q={action.request_id}#{action.request_id}"' in html


def test_a_failed_action_is_forgotten_when_it_was_asked_again_or_came_about_or_is_old(viewer):
    frankfurt = element()
    again = instance(frankfurt, "i-1")
    failed(again)
    failed(again, status="confirmed")
    failed(instance(frankfurt, "i-2", state="stopped"))
    failed(instance(frankfurt, "i-3"), ago_s=90_000)
    failed(instance(frankfurt, "i-4", gone_at=timezone.now()))

    assert facts(show(viewer)) == []


def test_a_long_list_is_cut_and_says_how_many_more_there_are(viewer, monkeypatch):
    monkeypatch.setattr(attention, "LIMIT", 3)
    frankfurt = element()
    for number in range(8):
        failing(frankfurt, f"i-{number}")

    html = show(viewer)

    assert len(facts(html)) == 4
    assert "and 5 more" in text(html)
    assert 'Needs attention</h2><span class="count">8</span>' in html


def test_the_tiles_sum_up_all_elements(viewer):
    frankfurt = element(counts={"running": 22, "stopped": 6, "changing": 4, "failing": 0})
    Poll.objects.filter(element=frankfurt).update(
        counts={"total": 32, "running": 22, "stopped": 6, "changing": 4, "failing": 2}
    )
    element("Virginia", counts={"running": 33, "stopped": 7}, poll={"refused": True})
    element("Lab", counts={"running": 9}, paused=True)
    event(instance(frankfurt), in_h=2)

    html = show(viewer)

    assert tile(html, "running")[2] == "64running" + "of 81 known, of which 40 are last known"
    assert tile(html, "stopped")[2].startswith("13")
    assert tile(html, "changing state")[2].startswith("4")
    assert tile(html, "failing status checks")[:1] == ("tile--crit",)
    assert tile(html, "in 48 h")[2] == "1event in 48 hnext in 1 h 59 min"
    assert tile(html, "not connected")[2] == "1element not connected1 paused"


def test_a_tile_with_nothing_loses_its_colour(viewer):
    element(counts={"running": 1})

    html = show(viewer)

    assert [tile(html, label)[0] for label in ("stopped", "changing state", "failing", "48 h", "not connected")] == [
        ""
    ] * 5


def test_a_tile_leads_to_the_only_element_that_has_some(viewer):
    only = element(counts={"stopped": 2})
    element("Ireland", counts={"running": 5})

    url = reverse("elements:instances", args=[only.slug])

    assert tile(show(viewer), "stopped")[1] == f"{url}?q=state%3Astopped"


def test_a_tile_of_several_elements_leads_to_those_elements_and_they_to_their_filtered_lists(viewer):
    one, _two, _none = (
        element("A", counts={"stopped": 2}),
        element("B", counts={"stopped": 1}),
        element("C", counts={"running": 5}),
    )

    href = tile(show(viewer), "stopped")[1]
    html = viewer.get(URL + href.partition("#")[0]).content.decode()

    assert href == "?show=stopped#elements"
    assert re.findall(r'class="key" href="[^"]*"><bdi>(\w+)', html) == ["A", "B"]
    assert f"{reverse('elements:instances', args=[one.slug])}?q=state%3Astopped" in html
    assert "Only elements with stopped instances." in text(html)


def test_the_table_shows_each_element_with_its_state_and_its_last_polls(viewer):
    recent = [["2026-03-18T14:00:00+00:00", outcome, 400] for outcome in ["ok"] * 31 + ["slow", "failed"]]
    counts = {"total": 32, "running": 22, "stopped": 6, "changing": 4, "failing": 2}
    counts |= {"next_event_at": (timezone.now() + timedelta(hours=3, seconds=30)).isoformat()}
    counts |= {"next_event_code": "instance-reboot"}
    element(account_id="482109375516", poll={"recent": recent, "counts": counts})

    html = show(viewer)

    row = html[html.index("<tbody") : html.index("</tbody>")]
    assert "22 of 32" in text(row)
    assert "2 failing" in text(row)
    assert "4821 0937 5516" in text(row)
    assert "Reboot in 3 h" in text(row)
    assert 'aria-label="Last 30 polls: 28 succeeded, 1 slow or throttled, 1 failed"' in row
    assert re.findall(r'<rect class="(p-\w+)" x="([\d.]+)%"', row) == [
        ("p-run", "0.0"),
        ("p-bad", "62.5"),
        ("p-busy", "68.75"),
        ("p-stop", "81.25"),
    ]


def test_an_element_without_a_poll_says_that_there_is_no_data(viewer):
    row = builders.element()
    Poll.objects.filter(element=row).delete()

    assert "No data yet" in show(viewer)


def test_the_page_costs_the_same_queries_for_one_element_and_for_many(
    viewer, django_assert_max_num_queries, django_assert_num_queries
):
    changed(failed(failing(element())).instance)
    with django_assert_max_num_queries(12) as few:
        show(viewer)
    Element.objects.bulk_create(
        Element(name=f"E{n}", slug=f"e{n}", region="eu-central-1", account_id="111122223333") for n in range(150)
    )
    Poll.objects.bulk_create(
        Poll(element=row, due_at=timezone.now(), counts={"total": 1, "failing": 1})
        for row in Element.objects.filter(poll=None)
    )
    for number, row in enumerate(Element.objects.all()[:30]):
        event(failed(instance(row, f"i-x{number}")).instance)

    with django_assert_num_queries(len(few.captured_queries)) as many:
        show(viewer)

    assert not [query for query in many.captured_queries if "secret_access_key" in query["sql"]]


def test_many_elements_come_in_pages_and_can_be_searched(viewer):
    Element.objects.bulk_create(
        Element(name=f"Element {n:03}", slug=f"e{n}", region="eu-central-1", account_id="111122223333")
        for n in range(120)
    )

    first, second, found = show(viewer), show(viewer, page=2), show(viewer, q="element 11")

    assert first.count('class="key"') == 100
    assert second.count('class="key"') == 20
    assert found.count('class="key"') == 10


@pytest.mark.parametrize(
    "query", [{"page": "-1"}, {"page": "9" * 99}, {"page": "x"}, {"show": "\0"}, {"q": "\0" * 9}, {"q": "x" * 100_000}]
)
def test_wild_addresses_are_no_error(viewer, query):
    element()

    assert viewer.get(URL, query).status_code == 200


def test_without_elements_an_administrator_is_led_to_the_first_one(administrator):
    html = show(administrator)

    assert "Add your first element" in html
    assert html.count("btn--primary") == 1
    assert html.count("<h3>") == 5
    policy = re.search(r'<pre class="code" id="policy" tabindex="0">(.*?)</pre>', html, re.DOTALL)[1]
    statements = json.loads(policy.replace("&quot;", '"'))["Statement"]
    assert statements[0]["Resource"] == "*"
    assert "Condition" not in statements[0]


def test_without_elements_others_are_told_whom_to_ask(viewer):
    html = show(viewer)

    assert "Only an administrator of ec2mon may add elements." in html
    assert "btn--primary" not in html
    assert "/admin/" not in html


def live(client, since):
    return client.get(URL, {"since": since}, headers={"X-Fragment": "live"})


def test_a_live_page_gets_its_parts_when_something_changed_and_nothing_otherwise(viewer):
    row = element(counts={"running": 1})
    since = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    unchanged = live(viewer, since)
    Poll.objects.filter(element=row).update(counts={"total": 1, "running": 0, "stopped": 1})

    changed = live(viewer, since)

    assert unchanged.status_code == 204
    html = changed.content.decode()
    parts = re.findall(r'data-live-part="([\w-]+)"', html)
    assert parts == ["side", "standstill", "tiles", "attention", "elements-count", "latest"]
    assert f'data-key="{row.pk}"' in html
    assert "<html" not in html


def test_a_new_failed_action_reaches_open_pages(viewer):
    row = instance(element())
    since = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    failed(row)

    assert "Stop failed for" in live(viewer, since).content.decode()


def test_names_from_outside_are_isolated_and_text(viewer):
    failing(element("<b>Ω</b>"), display_name="<img src=x onerror=alert(1)>")

    html = show(viewer)

    assert "<img" not in html
    assert "<bdi>&lt;b&gt;Ω&lt;/b&gt;</bdi>" in html
    assert "<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>" in html


def test_strangers_are_sent_away(db):
    outsider = Client()
    outsider.force_login(builders.user("nobody"))

    assert Client().get(URL).status_code == 302
    assert outsider.get(URL).status_code == 403
    assert outsider.post(URL).status_code in (403, 405)


def test_after_a_poll_of_the_real_thing_its_numbers_are_shown(aws, viewer):
    aws.add_instances(count=2)
    aws.add_instances(state="stopped")
    row = builders.element(aws, aws.add_keys())
    poll_once(row.pk, caller="poll", now=timezone.now())

    assert tile(show(viewer), "running")[2] == "2runningof 3 known"


def test_the_latest_changes_of_all_elements_are_told_with_whoever_made_them(viewer):
    frankfurt, ireland = element(), element("Ireland")
    changed(instance(frankfurt, "i-1"), ago_s=3 * 3600, by="maria.k")
    changed(instance(ireland, "i-2"), ago_s=2 * 3600)
    changed(instance(frankfurt, "i-3"), ago_s=3600, kind="check", before="ok", after="impaired", what="system_status")

    told = latest(show(viewer))

    assert told == [
        "System status check failedname of i-3, Frankfurt1 h ago",
        "Stopped, not by ec2monname of i-2, Ireland2 h ago",
        "Stopped, asked for by maria.kname of i-1, Frankfurt3 h ago",
    ]


def test_the_same_of_several_instances_is_one_line(viewer):
    frankfurt = element()
    for number in range(12):
        changed(instance(frankfurt, f"i-{number}"), by="maria.k")
    changed(frankfurt.instances.first(), by="maria.k")

    told = latest(show(viewer))

    assert len(told) == 1
    assert "name of i-0 and 11 more, Frankfurt" in told[0]


def test_the_way_to_a_state_and_what_is_longer_ago_than_a_day_are_not_told(viewer):
    one = instance(element())
    changed(one, after="stopping")
    changed(one, ago_s=90_000)

    html = show(viewer)

    assert latest(html) == []
    assert "Nothing changed." in text(html)


def test_a_time_without_observation_is_told_of_its_element(viewer):
    now, row = timezone.now(), element()
    ended = now - timedelta(hours=1)
    Change.objects.create(element=row, kind="gap", at=ended, from_at=ended - timedelta(minutes=6), to_at=ended)

    assert latest(show(viewer)) == ["Not observed for 6 minFrankfurt1 h ago"]


def test_a_change_that_only_the_look_after_an_action_saw_reaches_open_pages(viewer):
    row = instance(element())
    since = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    changed(row)
    Poll.objects.update(revision=2)

    assert "name of i-0001, Frankfurt" in text(live(viewer, since).content.decode())


@pytest.mark.parametrize(("ago_s", "look"), [(6, "num mute"), (94, "num")])
def test_the_age_of_data_stands_out_only_when_it_is_old(viewer, ago_s, look):
    element(ago_s=ago_s)

    row = show(viewer).partition("data-live-table")[2].partition("</tbody>")[0]

    assert re.search(r'<td role="cell" class="(num[^"]*)"', row)[1] == look

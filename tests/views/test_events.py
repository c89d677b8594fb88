import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.models import Activity, DebugRecord, Element, Poll, ScheduledEvent
from elements.usecases.run_polls import poll_once
from tests import builders

HOUR, DAY = 3600, 86_400


@pytest.fixture
def keys(aws):
    return aws.add_keys()


@pytest.fixture
def element(aws, keys, db):
    aws.add_instances(names=["playout-a", "بث-مباشر", "bastion"])
    row = builders.element(aws, keys)
    poll(row)
    return Element.objects.get()


def poll(element):
    report = poll_once(element.pk, caller="poll", now=timezone.now())
    assert report.ok


def announce(aws, element, name="playout-a", code="instance-reboot", **times):
    """Let AWS announce an event for the instance of that name and poll it."""
    instance_id = element.instances.get(tags__Name=name).instance_id
    event = aws.instance(instance_id).schedule_event(code, **times)
    poll(element)
    return ScheduledEvent.objects.get(event_id=event.event_id)


def address(element, name="events", *args):
    return reverse(f"elements:{name}", args=[element.slug, *args])


def shown(response):
    """Return the page's text without its markup."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\xa0", " ")
    return re.sub(r" ([.,])", r"\1", " ".join(text.split())).replace("&#x27;", "'")


def move(client, element, event, start, seen=""):
    fields = {"start": start, "seen": seen}
    return client.post(address(element, "event_reschedule", event.pk), fields, follow=True)


def in_utc(**later):
    return (timezone.now() + timedelta(**later)).strftime("%Y-%m-%d %H:%M")


# The page


def test_an_event_is_shown_with_all_that_aws_says(viewer, element, aws):
    event = announce(aws, element, in_s=30 * HOUR, lasts_s=2 * HOUR, deadline_s=6 * DAY)

    page = shown(viewer.get(address(element)))

    assert f"{event.instance_id_text} / {event.event_id}" in page
    assert f"playout-a Reboot instance-reboot in 1 d 5 h {event.not_before:%a %Y-%m-%d %H:%M} after 2 h" in page
    assert f"in 5 d 23 h {event.not_before_deadline:%Y-%m-%d %H:%M}" in page
    assert event.description in page


def test_an_event_without_end_or_deadline_is_shown_and_offers_no_reschedule(operator, element, aws):
    event = announce(aws, element, code="instance-retirement", in_s=9 * DAY, lasts_s=None)

    page = operator.get(address(element))

    assert "not given none Cannot be moved" in shown(page)
    assert address(element, "event_reschedule", event.pk) not in page.content.decode()
    assert "Cannot be moved" in shown(operator.get(address(element, "event_reschedule", event.pk)))
    move(operator, element, event, in_utc(days=2))
    assert not aws.journal("ModifyInstanceEventStartTime")


@pytest.mark.parametrize(("ending", "word"), [("complete", "Completed"), ("cancel", "Canceled")])
def test_an_event_that_aws_calls_over_is_not_active_whatever_its_code_and_time(viewer, element, aws, ending, word):
    instance = aws.instance(element.instances.get(tags__Name="bastion").instance_id)
    getattr(instance.schedule_event("instance-stop", in_s=2 * HOUR, deadline_s=DAY), ending)()
    poll(element)

    page = viewer.get(address(element))

    assert "No scheduled events. AWS has nothing planned for these instances. Checked" in shown(page)
    assert [row.ending for row in page.context["completed_table"].data] == [word]
    assert page.context["event_count"] == 0


def test_an_event_that_aws_stops_listing_is_kept_as_cleared_for_its_retention(viewer, element, aws):
    event = announce(aws, element)
    aws.instance(event.instance_id_text).events.clear()
    poll(element)

    page = viewer.get(address(element))

    assert [row.ending for row in page.context["cleared_table"].data] == ["Cleared"]
    assert "Kept for 30 days." in shown(page)


@pytest.mark.parametrize(
    ("code", "in_s", "tone"),
    [
        ("instance-reboot", 0.9 * HOUR, "crit"),
        ("instance-reboot", 23 * HOUR, "warn"),
        ("instance-reboot", 25 * HOUR, ""),
        ("instance-stop", 23 * HOUR, "crit"),
        ("instance-retirement", 25 * HOUR, ""),
        ("an-unknown-code", 23 * HOUR, "warn"),
    ],
)
def test_urgency_depends_on_the_time_left_and_on_what_aws_will_do(viewer, element, aws, code, in_s, tone):
    announce(aws, element, code=code, in_s=in_s)

    (row,) = viewer.get(address(element)).context["table"].data

    assert row.tone == tone


def test_an_event_that_has_begun_is_in_progress_and_stands_on_today(operator, element, aws):
    announce(aws, element, in_s=-26 * HOUR, deadline_s=DAY)

    page = operator.get(address(element))

    assert "in progress" in shown(page)
    assert "Already started" in shown(page)
    assert [(row.tone, row.row_class) for row in page.context["table"].data] == [("", "is-busy")]
    assert [len(day.rows) for day in page.context["days"]] == [1] + [0] * 27
    assert [(word, count) for _, word, count, _ in page.context["facets"]] == [
        ("All", 1),
        ("Upcoming", 0),
        ("In progress", 1),
    ]


def test_the_strip_links_each_day_to_its_rows_and_counts_what_does_not_fit(viewer, element, aws):
    for _ in range(7):
        event = announce(aws, element, in_s=5 * DAY)

    page = viewer.get(address(element))
    day = page.context["days"][(event.not_before.date() - timezone.now().date()).days]

    assert (len(day.rows), day.more) == (3, 4)
    assert f'href="#event-{day.rows[0].pk}"' in page.content.decode()
    assert f'id="event-{day.rows[0].pk}"' in page.content.decode()


def test_a_filter_shows_what_is_upcoming_or_in_progress(viewer, element, aws):
    begun = announce(aws, element, in_s=-HOUR)
    ahead = announce(aws, element, "bastion")

    def rows(when):
        return [row.pk for row in viewer.get(address(element), {"when": when}).context["table"].data]

    assert rows("now") == [begun.pk]
    assert rows("upcoming") == [ahead.pk]
    assert rows("") == rows("nonsense\x00") == [begun.pk, ahead.pk]


def test_a_filter_that_hides_every_event_says_so(viewer, element, aws):
    announce(aws, element)

    page = shown(viewer.get(address(element), {"when": "now"}))

    assert "No scheduled event matches this filter. 1 event is hidden by it. Show all" in page


def test_rows_are_sorted_by_their_columns_and_what_aws_does_not_give_comes_last(viewer, element, aws):
    late = announce(aws, element, "bastion", in_s=3 * DAY, deadline_s=4 * DAY)
    soon = announce(aws, element, "playout-a", in_s=DAY)

    def rows(sort):
        return [row.pk for row in viewer.get(address(element), {"sort": sort}).context["table"].data]

    assert rows("starts") == rows("-instance") == [soon.pk, late.pk]
    assert rows("-starts") == rows("instance") == rows("latest") == [late.pk, soon.pk]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "nonsense"},
        {"sort": ""},
        {"sort": "-"},
        {"sort": "\x00"},
        {"sort": "x" * 1_000},
        {"sort": "move"},
        {"page": "9" * 400},
        {"page": "-1"},
        {"page": "\ufffd"},
        {"when": "'\"<script>"},
        {"since": "9" * 99},
    ],
)
def test_a_wild_address_shows_the_page(viewer, element, aws, query):
    announce(aws, element)

    page = viewer.get(address(element), query)

    assert page.status_code == 200
    assert "playout-a" in shown(page)


def test_names_and_descriptions_are_text_and_isolated(viewer, element, aws):
    aws.add_instances(names=["<b>بث</b>"])
    poll(element)
    announce(aws, element, "<b>بث</b>", description="<script>alert(1)</script>")
    Element.objects.update(display_key_format="name/event")

    html = viewer.get(address(element)).content.decode()

    assert "<script>alert" not in html
    assert "<b>" not in html.replace("<b>1</b>", "").replace("<b>0</b>", "")
    assert "<bdi>&lt;b&gt;بث&lt;/b&gt;</bdi>/<bdi>instance-event-" in html


def test_before_the_first_poll_the_page_waits(viewer, aws, db):
    row = builders.element(aws, aws.add_keys())

    assert "Waiting for the first poll." in shown(viewer.get(address(row)))


def test_the_page_asks_for_a_fixed_number_of_queries(viewer, element, aws, django_assert_num_queries):
    announce(aws, element)
    viewer.get(address(element))
    with django_assert_num_queries(6) as before:
        viewer.get(address(element))

    for _ in range(20):
        announce(aws, element, "bastion")

    with django_assert_num_queries(len(before)):
        viewer.get(address(element))


def test_the_live_answer_is_204_until_an_event_changes(viewer, element, aws):
    announce(aws, element)
    token = viewer.get(address(element)).context["live_token"]

    def ask():
        return viewer.get(address(element), {"since": token}, headers={"X-Fragment": "live"})

    assert ask().status_code == 204
    ScheduledEvent.objects.update(not_before=timezone.now() + timedelta(minutes=30))
    answer = ask()
    assert answer.status_code == 200
    assert 'data-live-table="events"' in answer.content.decode()
    assert "is-attn" in answer.content.decode()


# The display key format


@pytest.mark.parametrize(
    ("chosen", "shows"),
    [
        ("id/event", "{id}/{event}"),
        ("name/event", "playout-a/{event}"),
        ("name/code/event", "playout-a/instance-reboot/{event}"),
        ("event", "{event}"),
    ],
)
def test_the_display_key_format_applies_at_once_and_to_everybody(administrator, viewer, element, aws, chosen, shows):
    event = announce(aws, element)

    page = administrator.post(address(element, "events_display_key"), {"display_key_format": chosen}, follow=True)

    key = shows.replace("{id}", event.instance_id_text).replace("{event}", event.event_id)
    assert [row.key for row in page.context["table"].data] == [key]
    assert [row.key for row in viewer.get(address(element)).context["table"].data] == [key]


def test_a_changed_display_key_format_is_noted(administrator, element):
    administrator.post(address(element, "events_display_key"), {"display_key_format": "event"})

    changes = Activity.objects.get(kind="setting").changes
    assert changes == {"Scheduled Events Display Key Format": ["Instance ID/Events ID", "Events ID"]}


def test_a_display_key_format_that_does_not_exist_is_refused(administrator, element):
    page = administrator.post(address(element, "events_display_key"), {"display_key_format": "{0}"}, follow=True)

    assert "There is no such display key format." in shown(page)
    assert Element.objects.get().display_key_format == "id/event"


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_others_see_the_display_key_format_as_a_fact(request, element, who):
    client = request.getfixturevalue(who)

    page = client.get(address(element))

    assert "Scheduled Events Display Key Format: Instance ID/Events ID" in shown(page)
    assert "<select" not in page.content.decode()
    fields = {"display_key_format": "event"}
    assert client.post(address(element, "events_display_key"), fields).status_code == 403


def test_the_display_key_format_is_only_posted(administrator, element):
    assert administrator.get(address(element, "events_display_key")).status_code == 405


# Moving an event


@pytest.fixture
def event(aws, element):
    return announce(aws, element, in_s=30 * HOUR, deadline_s=6 * DAY)


def test_the_form_names_the_limits_and_proposes_starts(operator, element, event):
    page = operator.get(address(element, "event_reschedule", event.pk))

    assert "Reschedule reboot of playout-a" in shown(page)
    assert f"Now {event.not_before:%Y-%m-%d %H:%M} UTC. AWS allows any start from 60 min ahead" in shown(page)
    assert [label for label, _ in page.context["form"].choices][:2] == ["Next 02:00", "Next 04:00"]
    assert "UTC, in" in page.context["form"].echo


def test_the_dialog_gets_the_form_without_the_page(operator, element, event):
    answer = operator.get(address(element, "event_reschedule", event.pk), headers={"X-Fragment": "dialog"})

    assert answer.content.decode().count("data-act-form") == 1
    assert "<main" not in answer.content.decode()


def test_an_event_is_moved_by_one_call_and_shows_it_at_a_later_poll(operator, element, event, aws):
    aws.set(event_lag_s=60)
    start = in_utc(days=2)

    page = move(operator, element, event, start)

    assert f"Reboot of playout-a moved to {start} UTC AWS may take a minute or two to show the new time." in shown(page)
    assert f"{start} asked for by olga, not shown by AWS yet" in shown(page)
    assert len(aws.journal("ModifyInstanceEventStartTime")) == 1
    record = DebugRecord.objects.get(operation="ModifyInstanceEventStartTime")
    assert (record.caller, record.outcome, record.instance_ids) == ("olga", "ok", event.instance_id_text)

    poll(element)
    assert ScheduledEvent.objects.get().requested_start_at is not None

    aws.set(event_lag_s=0)
    aws.world._events_shown.clear()
    poll(element)
    row = ScheduledEvent.objects.get()
    assert f"{row.not_before:%Y-%m-%d %H:%M}" == start
    assert (row.requested_start_at, row.requested_by, row.requested_at) == (None, "", None)
    assert "not shown by AWS yet" not in shown(operator.get(address(element)))


def test_who_moved_what_is_kept(operator, element, event):
    old, start = event.not_before, in_utc(days=2)

    move(operator, element, event, start)

    entry = Activity.objects.get(kind="action")
    assert (entry.username, entry.instance_id_text) == ("olga", event.instance_id_text)
    assert entry.text == f"Reboot of playout-a asked to begin at {start} UTC"
    assert entry.changes == {"Starts": [f"{old:%Y-%m-%d %H:%M}", start]}


def test_a_form_sent_twice_asks_aws_once(operator, element, event, aws):
    start = in_utc(days=2)
    move(operator, element, event, start)

    page = move(operator, element, event, start)

    assert f"was already asked to begin at {start} UTC" in shown(page)
    assert len(aws.journal("ModifyInstanceEventStartTime")) == 1


def test_a_form_that_somebody_else_was_faster_than_asks_nothing(operator, administrator, element, event, aws):
    start = in_utc(days=3)
    move(administrator, element, event, start)

    page = move(operator, element, event, in_utc(days=2))

    assert f"maria has asked for {start} UTC meanwhile. Nothing was done. Look again." in shown(page)
    assert len(aws.journal("ModifyInstanceEventStartTime")) == 1


def test_looking_again_allows_another_start(operator, administrator, element, event, aws):
    move(administrator, element, event, in_utc(days=3))
    page = operator.get(address(element, "event_reschedule", event.pk))

    move(operator, element, event, in_utc(days=2), page.context["form"].seen_token)

    assert len(aws.journal("ModifyInstanceEventStartTime")) == 2


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ({"minutes": 50}, "AWS needs at least 60 min notice:"),
        ({"days": 7}, "After the deadline AWS set:"),
        ({"days": -1}, "AWS needs at least 60 min notice:"),
        ("03/19/2026", "Write it as 2026-03-19 02:00, in UTC."),
        ("2026-02-30 10:00", "There is no such day or time."),
        ("0000-00-00 00:00", "There is no such day or time."),
        ("9999-12-31 23:59", "After the deadline AWS set:"),
        ("", "Write it as 2026-03-19 02:00"),
        ("x" * 100_000, "Write it as 2026-03-19 02:00"),
        ("2026-03-19 02:00\x00", "Null characters are not allowed."),
    ],
)
def test_a_start_that_aws_would_refuse_is_refused_beforehand(operator, element, event, aws, start, sentence):
    page = move(operator, element, event, start if isinstance(start, str) else in_utc(**start))

    assert sentence in shown(page)
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_the_start_it_has_already_is_refused(operator, element, event, aws):
    ScheduledEvent.objects.update(not_before=event.not_before.replace(second=0))

    page = move(operator, element, event, f"{event.not_before:%Y-%m-%d %H:%M}")

    assert "It starts then already." in shown(page)
    assert not aws.journal("ModifyInstanceEventStartTime")


@pytest.mark.parametrize("seen", ["nonsense", "2026-01-01", "2026-13-01T00:00:00Z", "2020-01-01T00:00:00Z", "9" * 5000])
def test_a_form_that_is_out_of_date_asks_nothing(operator, element, event, aws, seen):
    page = move(operator, element, event, in_utc(days=2), seen)

    assert page.status_code == 200
    assert not aws.journal("ModifyInstanceEventStartTime")


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"in_s": 240, "deadline_s": DAY}, "Starts within 5 min"),
        ({"in_s": -60, "deadline_s": DAY}, "Already started"),
        ({"in_s": 600, "deadline_s": 1800}, "Too close to the latest start"),
    ],
)
def test_an_event_that_aws_would_not_move_is_not_asked_for(operator, element, aws, times, sentence):
    event = announce(aws, element, **times)

    assert sentence in shown(operator.get(address(element)))
    assert sentence in shown(move(operator, element, event, in_utc(hours=5)))
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_a_completed_event_cannot_be_moved(operator, element, event, aws):
    aws.instance(event.instance_id_text).events[0].complete()
    poll(element)

    assert "It is over" in shown(move(operator, element, event, in_utc(days=2)))
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_a_paused_element_moves_nothing(operator, element, event, aws):
    element.set_paused(True, by="maria", now=timezone.now())

    assert "Polling paused" in shown(operator.get(address(element)))
    assert "Polling of this element is paused" in shown(move(operator, element, event, in_utc(days=2)))
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_an_element_that_is_not_connected_moves_nothing(operator, element, event, aws):
    Poll.objects.update(refused=True)

    assert "This element is not connected" in shown(move(operator, element, event, in_utc(days=2)))
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_a_missing_permission_names_the_iam_action(operator, element, event, aws, keys):
    keys.denied = frozenset({"ModifyInstanceEventStartTime"})

    page = move(operator, element, event, in_utc(days=2))

    assert "Reboot of playout-a was not moved" in shown(page)
    assert "ec2:ModifyInstanceEventStartTime. Add the action to its IAM policy." in shown(page)
    assert ScheduledEvent.objects.get().requested_start_at is None
    assert len(aws.journal("ModifyInstanceEventStartTime")) == 1
    texts = Activity.objects.filter(kind="action").order_by("id").values_list("text", flat=True)
    assert ["asked to begin" in texts[0], "not moved:" in texts[1]] == [True, True]


def test_when_aws_does_not_answer_the_outcome_is_not_known_and_said_so(operator, element, event, aws):
    aws.fault("lost", "ModifyInstanceEventStartTime", times=1)
    start = in_utc(days=2)

    page = move(operator, element, event, start)

    assert "It is not known whether Reboot of playout-a was moved" in shown(page)
    assert "AWS did not answer when olga asked for" in shown(page)
    assert len(aws.journal("ModifyInstanceEventStartTime")) == 1
    poll(element)
    assert f"{ScheduledEvent.objects.get().not_before:%Y-%m-%d %H:%M}" == start
    assert ScheduledEvent.objects.get().request_error == ""


def test_keys_that_are_missing_are_said_and_nothing_stays_requested(operator, element, event):
    Element.objects.with_keys().update(access_key_id="", secret_access_key="")

    assert "No keys are stored." in shown(move(operator, element, event, in_utc(days=2)))
    assert ScheduledEvent.objects.get().requested_start_at is None


def test_a_start_that_aws_does_not_show_for_long_is_said(viewer, element, event):
    ScheduledEvent.objects.update(
        requested_start_at=timezone.now() + timedelta(days=2),
        requested_by="olga",
        requested_at=timezone.now() - timedelta(minutes=11),
    )

    assert "which olga asked for 11 min ago" in shown(viewer.get(address(element)))


def test_a_moved_event_is_read_again_soon_even_when_polls_are_rare(operator, element, event):
    Poll.objects.update(due_at=timezone.now() + timedelta(hours=5))

    move(operator, element, event, in_utc(days=2))

    assert Poll.objects.get().due_at < timezone.now() + timedelta(minutes=3)


def test_a_viewer_sees_no_reschedule_and_is_refused(viewer, element, event, aws):
    page = viewer.get(address(element))

    assert "Reschedule" not in shown(page)
    assert viewer.get(address(element, "event_reschedule", event.pk)).status_code == 403
    fields = {"start": in_utc(days=2), "seen": ""}
    assert viewer.post(address(element, "event_reschedule", event.pk), fields).status_code == 403
    assert not aws.journal("ModifyInstanceEventStartTime")


def test_an_event_of_another_element_is_not_found(operator, element, event, aws, keys):
    other = builders.element(aws, keys, name="Other", region="us-east-1")

    assert operator.get(address(other, "event_reschedule", event.pk)).status_code == 404
    assert operator.post(address(other, "event_reschedule", event.pk), {"start": in_utc(days=2)}).status_code == 404


def test_an_event_number_beyond_every_database_is_not_found(operator, element):
    assert operator.get(f"/e/{element.slug}/events/{'9' * 30}/reschedule/").status_code == 404


def test_strangers_are_asked_to_sign_in(client, element, event):
    for path in (address(element), address(element, "event_reschedule", event.pk)):
        assert client.get(path).status_code == 302


def test_the_strip_has_28_days_with_today_and_weekends_marked(viewer, element):
    html = viewer.get(address(element)).content.decode()

    days = re.findall(r'<li class="([^"]*)"><span class="wd">(\w\w)</span>', html)
    assert len(days) == 28
    assert ["is-today" in look for look, _ in days] == [True] + [False] * 27
    assert sorted(name for look, name in days if " we" in look) == ["Sa"] * 4 + ["Su"] * 4


def test_an_event_without_a_deadline_cannot_be_moved_and_one_that_has_begun_has_started(operator, element, aws):
    announce(aws, element, in_s=30 * HOUR)
    announce(aws, element, name="bastion", in_s=-HOUR, deadline_s=DAY)

    page = shown(operator.get(address(element)))

    assert "Cannot be moved" in page
    assert "Already started" in page

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.models import Activity, Element, Instance, Poll
from elements.usecases.run_polls import poll_once
from tests import builders

NAMES = ["playout-a", "encoder-" + "long-" * 12, "بث-مباشر", "web", "web", None]


@pytest.fixture
def element(aws, db):
    aws.add_instances(names=NAMES)
    row = builders.element(aws, aws.add_keys())
    poll(row)
    return Element.objects.get()


def poll(element):
    report = poll_once(element.pk, caller="poll", now=timezone.now())
    assert report.ok


def address(element, name="configuration"):
    return reverse(f"elements:{name}", args=[element.slug])


def save_format(client, element, text):
    return client.post(address(element), {"save": "naming", "naming_format": text}, follow=True)


def setting():
    return Activity.objects.get(kind="setting")


def shown(response):
    """Return the page's text without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def preview_of(client, element, text):
    answer = client.get(address(element, "naming_preview"), {"naming_format": text}, headers={"X-Fragment": "preview"})
    assert answer.status_code == 200
    return answer


def polling(element, **changed):
    first = {"interval_s": element.interval_s, "polled": "" if element.paused else "on"}
    fields = {"save": "polling", **first, **{f"initial-{name}": value for name, value in first.items()}, **changed}
    if element.paused:
        fields["initial-polled"] = "False"
    return {name: value for name, value in fields.items() if value != ""}


def test_the_page_offers_the_elements_own_tags_first_and_previews_five_instances_that_show_trouble(
    administrator, element
):
    page = administrator.get(address(element))

    rows = page.context["preview"].rows
    assert [row.old[:12] for row in rows] == [
        "playout-a",
        "encoder-long",
        "بث-مباشر",
        rows[3].old[:12],
        rows[4].old[:12],
    ]
    assert rows[3].old.startswith("web [")
    assert rows[4].old.startswith("i-")
    assert page.context["chips"][0].text == "{tag:Name}"
    assert "5 of 6 instances; 0 of these 5 change. 2 instances share a name, so the short ID is added." in shown(page)
    assert "Shared by 2 instances, so the short ID is added" in shown(page)


def test_a_saved_format_waits_for_the_next_poll_and_then_holds_for_all_instances(administrator, element):
    page = save_format(administrator, element, "{tag:Name|short_id}/{instance_id}")

    assert "Saved. Takes effect after the next polling cycle, in" in shown(page)
    assert "Until then the table keeps the old display keys." in shown(page)
    assert not Instance.objects.filter(display_name__contains="/").exists()

    poll(element)

    assert Instance.objects.filter(display_name__contains="/").count() == len(NAMES)
    assert "In effect since" in shown(administrator.get(address(element)))
    entry = setting()
    assert (entry.username, entry.changes) == (
        "maria",
        {"Naming Format": ["{tag:Name|instance_id}", "{tag:Name|short_id}/{instance_id}"]},
    )


def test_in_effect_is_said_for_a_minute(administrator, element):
    Element.objects.update(naming_saved_at=timezone.now(), naming_effective_at=timezone.now() - timedelta(seconds=61))

    assert "In effect since" not in shown(administrator.get(address(element)))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"refused": True}, "Takes effect after the next successful poll; this element is not connected."),
        ({}, "Takes effect after the next polling cycle, in"),
    ],
)
def test_when_a_saved_format_takes_effect_depends_on_the_connection(administrator, element, facts, sentence):
    Poll.objects.update(**facts)

    assert sentence in shown(save_format(administrator, element, "{instance_id}"))


def test_a_format_saved_while_paused_says_that_it_waits_for_polling(administrator, element):
    element.set_paused(True, by="maria", now=timezone.now())

    assert "polling of this element is paused" in shown(save_format(administrator, element, "{instance_id}"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{tag:Name} {pivate_ip}", "There is no placeholder {pivate_ip}, at character 12. Did you mean {private_ip}?"),
        ("a {tag:Name", "The placeholder that begins at character 3 is not closed. Add a }."),
        ("{0.__class__}", "There is no placeholder {0.__class__}, at character 1."),
        ("", "Enter a format"),
        ("x" * 201, "at most 200 are possible"),
        ("a\x07b", "at character 2"),
        ("x" * 1_000_000, "at most 200 are possible"),
    ],
)
def test_a_wrong_format_is_refused_with_its_position_and_what_was_entered_stays(administrator, element, text, sentence):
    page = save_format(administrator, element, text)

    assert page.status_code == 200
    assert sentence in shown(page).replace("&#x27;", "'")
    assert "The format has an error, so this still shows the last good one." in shown(page)
    assert Element.objects.get().naming_format == "{tag:Name|instance_id}"
    assert Element.objects.get().naming_saved_at is None


def test_a_null_character_is_refused(administrator, element):
    assert "Null characters are not allowed" in shown(save_format(administrator, element, "a\x00b"))


def test_without_script_the_preview_is_asked_for_with_the_form_and_saves_nothing(administrator, element):
    page = administrator.post(address(element), {"save": "preview", "naming_format": "{short_id}"})

    assert page.context["preview"].changing == 5
    assert Element.objects.get().naming_format == "{tag:Name|instance_id}"


def test_the_preview_follows_what_is_typed(viewer, element):
    answer = preview_of(viewer, element, "{tag:Name}-{public_ip}{lifecycle}")

    assert "5 of 6 instances; 5 of these 5 change" in shown(answer)
    assert "2 placeholders are empty here" in shown(answer)
    assert '<p id="fmt-e" hidden>' in answer.content.decode()


def test_the_preview_of_an_error_leaves_the_last_good_one_standing(viewer, element):
    answer = preview_of(viewer, element, "{pivate_ip}")

    assert "Did you mean {private_ip}?" in shown(answer)
    assert 'id="preview"' not in answer.content.decode()


def test_the_preview_knows_only_this_elements_instances(viewer, element, aws):
    other = builders.element(aws, aws.add_keys(), name="Other", region="us-east-1")
    aws.add_instances("us-east-1", names=["secret-of-another"])
    poll(other)

    answer = preview_of(viewer, element, "{tag:Name}")

    assert "6 instances" in shown(answer)
    assert "secret-of-another" not in shown(answer)


def test_names_in_the_preview_are_text(viewer, element, aws):
    aws.add_instances(names=["<script>alert(1)</script>" + "x" * 100])
    poll(element)

    html = preview_of(viewer, element, "<i>{tag:Name}</i>").content.decode()

    assert "<script>" not in html
    assert "&lt;i&gt;&lt;script&gt;" in html


def test_the_preview_without_its_header_leads_to_the_page(viewer, element):
    assert viewer.get(address(element, "naming_preview")).url == address(element)
    assert viewer.post(address(element, "naming_preview")).status_code == 405


def test_a_shorter_interval_takes_effect_at_once(administrator, element):
    Element.objects.update(interval_s=86_400)
    Poll.objects.update(due_at=timezone.now() + timedelta(days=1))

    page = administrator.post(address(element), polling(Element.objects.get(), interval_s="10"), follow=True)

    assert Element.objects.get().interval_s == 10
    assert Poll.objects.get().due_at <= timezone.now() + timedelta(seconds=10)
    assert "Polling saved Every 10 s, next" in shown(page).replace("\xa0", " ")
    assert setting().changes == {"Polling Interval": [86_400, 10]}


def test_a_longer_interval_moves_the_next_poll_away(administrator, element):
    administrator.post(address(element), polling(element, interval_s="3600"))

    assert Poll.objects.get().due_at > timezone.now() + timedelta(seconds=3500)


@pytest.mark.parametrize("value", ["9", "86401", "", "ten", "9" * 5000, "1e3", "-30", "30.5"])
def test_an_interval_beyond_its_limits_is_refused(administrator, element, value):
    fields = {**polling(element), "interval_s": value}

    page = administrator.post(address(element), fields)

    assert "Enter a whole number from 10 to 86 400." in shown(page).replace("\xa0", " ")
    assert Element.objects.get().interval_s == 30


def test_polling_is_paused_and_resumed_with_who_and_when(administrator, element):
    administrator.post(address(element), polling(element, polled=""))

    row = Element.objects.get()
    assert (row.paused, row.paused_by) == (True, "maria")
    assert "Paused since" in shown(administrator.get(address(element)))

    Poll.objects.update(due_at=timezone.now() + timedelta(hours=5))
    administrator.post(address(element), polling(row, polled="on"))

    assert not Element.objects.get().paused
    assert Poll.objects.get().due_at <= timezone.now()
    assert [entry.changes for entry in Activity.objects.filter(kind="setting").order_by("id")] == [
        {"Polling": ["on", "off"]},
        {"Polling": ["off", "on"]},
    ]


def test_a_page_left_open_takes_nothing_back_that_others_changed(administrator, element):
    stale = polling(element, interval_s="60")
    element.set_paused(True, by="olga", now=timezone.now())

    administrator.post(address(element), stale)

    row = Element.objects.get()
    assert (row.interval_s, row.paused, row.paused_by) == (60, True, "olga")


def retention(**changed):
    days = {"gone": 7, "event": 30, "history": 90, "debug": 7}
    first = {**{f"{kind}_retention_days": number for kind, number in days.items()}, "debug_max_rows": 50_000}
    return {"save": "retention", **first, **{f"initial-{name}": value for name, value in first.items()}, **changed}


def test_retention_is_saved_with_old_and_new_values(administrator, element):
    administrator.post(address(element), retention(gone_retention_days="14", debug_max_rows="1000"))

    row = Element.objects.get()
    assert (row.gone_retention_days, row.debug_max_rows, row.event_retention_days) == (14, 1000, 30)
    assert setting().changes == {"Keep Gone Instances": [7, 14], "Debug Records at Most": [50_000, 1000]}


def test_how_long_history_is_kept_is_saved_and_noted(administrator, element):
    administrator.post(address(element), retention(history_retention_days="30"))

    assert Element.objects.get().history_retention_days == 30
    assert setting().changes == {"Keep History": [90, 30]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gone_retention_days", "0"),
        ("event_retention_days", "366"),
        ("history_retention_days", "0"),
        ("debug_max_rows", "999"),
    ],
)
def test_retention_has_limits(administrator, element, name, value):
    page = administrator.post(address(element), retention(**{name: value}))

    assert "Enter a whole number from" in shown(page)
    assert not Activity.objects.filter(kind="setting").exists()


def test_saving_what_is_there_already_changes_nothing(administrator, element):
    for fields in (polling(element), retention(), {"save": "naming", "naming_format": "{tag:Name|instance_id}"}):
        assert "Nothing to save" in shown(administrator.post(address(element), fields, follow=True))

    assert not Activity.objects.filter(kind="setting").exists()
    assert Element.objects.get().naming_saved_at is None


def test_a_form_of_no_name_saves_nothing(administrator, element):
    assert "Nothing was saved" in shown(administrator.post(address(element), {"save": "\x00"}, follow=True))


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_whoever_may_not_change_elements_sees_facts_and_is_refused(request, element, who):
    client = request.getfixturevalue(who)

    page = client.get(address(element))

    assert 'name="naming_format"' not in page.content.decode()
    assert "every 30 s" in shown(page).replace("\xa0", " ")
    for fields in (polling(element, interval_s="60"), {"save": "naming", "naming_format": "x"}):
        assert client.post(address(element), fields).status_code == 403
    assert Element.objects.get().interval_s == 30


def test_strangers_are_asked_to_sign_in_and_people_without_a_group_see_nothing(client, element):
    assert client.get(address(element)).status_code == 302
    client.force_login(builders.user("nobody"))
    assert client.get(address(element)).status_code == 403
    assert client.get(address(element, "naming_preview")).status_code == 403


def test_the_live_answer_is_204_until_something_shown_changes(administrator, element):
    token = administrator.get(address(element)).context["live_token"]

    def ask(since):
        return administrator.get(address(element), {"since": since}, headers={"X-Fragment": "live"})

    assert ask(token).status_code == 204
    save_format(administrator, element, "{instance_id}")
    answer = ask(token)
    assert answer.status_code == 200
    assert "Saved. Takes effect" in shown(answer)
    assert 'name="naming_format"' not in answer.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_instances(administrator, element, aws, django_assert_num_queries):
    administrator.get(address(element))
    with django_assert_num_queries(4) as before:
        administrator.get(address(element))

    aws.add_instances(count=40)
    poll(element)

    with django_assert_num_queries(len(before)):
        administrator.get(address(element))


def test_a_view_decrypts_no_key(administrator, element, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as queries:
        administrator.get(address(element))

    assert not [query for query in queries.captured_queries if "secret_access_key" in query["sql"]]


def test_what_a_poll_costs_is_said_beside_its_interval_and_that_nothing_is_saved_beside_the_preview(
    administrator, element
):
    Poll.objects.update(aws_calls=2, duration_ms=600)

    html = administrator.get(f"/e/{element.slug}/configuration/").content.decode()

    page = " ".join(re.sub(r"<[^>]+>", "", html).replace("\u00a0", " ").split())
    assert "Each poll of this element takes 2 AWS requests and 600 ms." in page
    assert re.search(r"5 of 6 instances; 0 of these 5 change\. .*Nothing is saved yet\.", page)

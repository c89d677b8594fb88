"""What a user chose for all pages: written into the first HTML, kept with the user, with and without script."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from elements.models import UserSettings

pytestmark = pytest.mark.django_db

SETTINGS, OVERVIEW = "/settings/", "/"


def html_tag(client, address=OVERVIEW, **headers):
    return re.search(r"<html[^>]*>", client.get(address, headers=headers).content.decode())[0]


def test_the_first_html_says_how_its_reader_likes_it(viewer):
    delivered = html_tag(viewer)

    viewer.post(SETTINGS, {"theme": "dark", "density": "roomy", "time_zone": "local", "keys": "off"})

    assert 'data-theme="auto" data-density="normal" data-tz="utc" data-keys="on"' in delivered
    assert 'data-theme="dark" data-density="roomy" data-tz="local" data-keys="off"' in html_tag(viewer)


def test_a_choice_follows_its_user_to_another_computer_and_touches_nobody_else(viewer, operator):
    viewer.post(SETTINGS, {"theme": "light"})
    elsewhere = Client()
    elsewhere.post(reverse("login"), {"username": "vera", "password": "only-for-tests-1"})

    assert 'data-theme="light"' in html_tag(elsewhere)
    assert 'data-theme="auto"' in html_tag(operator)


def test_the_script_only_hears_that_it_is_kept(viewer):
    answer = viewer.post(SETTINGS, {"density": "dense"}, headers={"X-Fragment": "settings"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert UserSettings.objects.get().density == "dense"


def test_without_script_the_menu_is_a_form_with_a_button_that_leads_back(viewer):
    page = viewer.get("/activity/?kind=poll").content.decode()
    form = re.search(r'<form[^>]*id="pop-theme".*?</form>', page, re.DOTALL)[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))

    answer = viewer.post(re.search(r'action="([^"]*)"', form)[1], {"theme": "dark", "next": fields["next"]})

    assert re.search(r"<noscript><button[^>]*>Save</button></noscript>", form)
    assert re.findall(r'value="(\w+)" checked', form) == ["auto", "normal"]
    assert answer.headers["Location"] == "/activity/?kind=poll"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "", "javascript:alert(1)", "\0"])
def test_a_form_leads_to_no_other_site(viewer, target):
    assert viewer.post(SETTINGS, {"theme": "dark", "next": target}).headers["Location"] == OVERVIEW


@pytest.mark.parametrize("wild", ["\0", "x" * 200_000, '"><script>', "\ud800".encode("utf-8", "surrogatepass")])
def test_wild_choices_are_left_out(viewer, wild):
    answer = viewer.post(SETTINGS, {"theme": wild, "density": wild, "time_zone": wild, "keys": wild})

    assert answer.status_code == 302
    assert not UserSettings.objects.exists()


def test_knowing_the_reader_costs_no_query_on_any_page(viewer, django_assert_max_num_queries):
    viewer.post(SETTINGS, {"theme": "dark"})

    with django_assert_max_num_queries(20) as asked:
        viewer.get(OVERVIEW)

    mentioning = [query["sql"] for query in asked.captured_queries if "elements_usersettings" in query["sql"]]
    assert len(mentioning) == 1
    assert 'FROM "auth_user"' in mentioning[0]


def test_a_stranger_and_a_page_of_an_error_follow_the_system_until_it_is_known_who_reads(viewer):
    viewer.post(SETTINGS, {"theme": "dark"})

    assert 'data-theme="auto"' in html_tag(Client(), reverse("login"))
    assert 'data-theme="dark"' in html_tag(viewer, "/nowhere/")


def test_an_account_that_is_switched_off_is_out_at_once(viewer):
    user = User.objects.get(username="vera")
    user.is_active = False
    user.save()

    assert viewer.get(OVERVIEW).status_code == 302

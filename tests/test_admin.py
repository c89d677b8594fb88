"""The admin site: set-up, without a way to see a key."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from elements.models import Activity, Element, Instance, Poll
from elements.usecases.run_polls import poll_once
from simulator.world import Keys
from tests import builders

pytestmark = pytest.mark.django_db

PLANTED = "planted-secret-never-to-be-seen"
LIST = "/admin/elements/element/"


@pytest.fixture
def administrator():
    return signed_in(builders.user("maria", "administrators"))


@pytest.fixture
def root():
    user = builders.user("root")
    user.is_staff = user.is_superuser = True
    user.save()
    return signed_in(user)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def change(element):
    return f"{LIST}{element.pk}/change/"


def fields(element=None, **more):
    stored = {"name": "New", "region": "eu-central-1", "endpoint_url": "", "sts_endpoint_url": "", "interval_s": 30}
    if element is not None:
        stored = {name: getattr(element, name) for name in stored} | {"account_id": element.account_id}
    return {**stored, **more}


def entered(keys):
    return {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}


def secret(element):
    return Element.objects.with_keys().get(pk=element.pk).secret_access_key


@pytest.mark.parametrize(
    ("group", "status"), [("", 403), ("viewers", 403), ("operators", 403), ("administrators", 200)]
)
def test_the_right_to_change_elements_opens_the_site(group, status):
    assert signed_in(builders.user("someone", group)).get("/admin/", follow=True).status_code == status


def test_strangers_go_to_the_sign_in_of_the_pages(client):
    answer = client.get(LIST, follow=True)

    assert answer.redirect_chain[-1][0] == f"/login/?next={LIST}"


def test_staff_without_the_right_to_change_see_no_element(aws):
    """A page of fields to read would show the keys."""
    user = builders.user("vera", "viewers")
    user.is_staff = True
    user.save()
    element = builders.element(aws, Keys("AKIADEMO", PLANTED))

    answers = [signed_in(user).get(address) for address in (LIST, change(element))]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_the_list_shows_how_each_element_is(aws, administrator, django_assert_max_num_queries):
    aws.add_instances()
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())

    with django_assert_max_num_queries(12):
        page = administrator.get(LIST).content.decode()

    assert "Connected" in page
    assert "1111\u00a02222\u00a03333" in page


def test_adding_tests_the_keys_and_says_what_it_found(aws, administrator):
    wanted = fields(endpoint_url=aws.url, sts_endpoint_url=aws.url, **entered(aws.add_keys()))

    page = administrator.post(f"{LIST}add/", wanted, follow=True).content.decode()

    element = Element.objects.get()
    assert (element.name, element.slug, element.has_keys) == ("New", "new", True)
    assert "Connected in" in page
    assert element.last_test["outcome"] == "ok"
    assert Activity.objects.filter(text="Element added", username="maria").exists()


def test_an_empty_secret_keeps_the_stored_one(aws, administrator):
    keys = aws.add_keys()
    element = builders.element(aws, keys)

    administrator.post(change(element), fields(element, name="Renamed", interval_s=60, paused="on"))

    renamed = Element.objects.get()
    assert (renamed.name, renamed.slug, renamed.interval_s, renamed.paused) == ("Renamed", "frankfurt", 60, True)
    assert secret(element) == keys.secret_access_key
    assert aws.journal() == []


def test_a_save_writes_none_of_the_columns_that_polls_write(aws, administrator):
    element = builders.element(aws, aws.add_keys())
    administrator.get(change(element))
    Element.objects.update(duplicate_names=7, account_arn="arn:new", seen_account_id="111122223333")

    administrator.post(change(element), fields(element, name="Renamed"))

    row = Element.objects.get()
    assert (row.name, row.duplicate_names, row.account_arn) == ("Renamed", 7, "arn:new")


def test_new_keys_are_tried_before_the_old_ones_are_dropped(aws, administrator):
    good = aws.add_keys()
    element = builders.element(aws, good)
    wrong = Keys(good.access_key_id, PLANTED)

    page = administrator.post(change(element), fields(element, **entered(wrong))).content.decode()
    kept = secret(element)
    other = aws.add_keys()
    administrator.post(change(element), fields(element, **entered(other)))

    assert "AWS refused the new keys" in page
    assert PLANTED not in page
    assert (kept, secret(element)) == (good.secret_access_key, other.secret_access_key)


def test_another_endpoint_needs_the_keys_anew(aws, administrator):
    element = builders.element(aws, aws.add_keys())

    page = administrator.post(change(element), fields(element, endpoint_url="https://evil.example")).content.decode()

    assert "the keys are needed anew" in page
    assert Element.objects.get().endpoint_url == aws.url
    assert aws.journal() == []


def test_another_region_asks_before_it_clears(aws, administrator):
    aws.add_instances(count=2)
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    poll_once(element.pk, caller="poll", now=timezone.now())
    element.refresh_from_db()
    wanted = fields(element, region="eu-west-1", **entered(keys))

    page = administrator.post(change(element), wanted).content.decode()
    kept = Instance.objects.count()
    administrator.post(change(element), {**wanted, "clear_instances": "on"})

    assert "2 instances" in page
    assert (kept, Instance.objects.count(), Element.objects.get().region) == (2, 0, "eu-west-1")


def test_no_page_of_the_site_ever_holds_a_key(aws, root):
    element = builders.element(aws, Keys("AKIAPLANTED0123456789", PLANTED, session_token="planted-token"))
    element.account_arn = "arn:aws:iam::1:user/x"
    element.save(update_fields=["account_arn"])
    with_error = fields(element, region="nowhere", **entered(Keys("AKIATYPED0123456789", "typed-secret")))

    pages = [
        root.get(LIST),
        root.get(change(element)),
        root.get(f"{LIST}add/"),
        root.post(change(element), with_error),
        root.post(f"{LIST}add/", with_error),
        root.post(change(element), fields(element, **entered(Keys("AKIATYPED0123456789", "typed-secret")))),
        root.get(f"{LIST}{element.pk}/history/"),
        root.get(f"{LIST}{element.pk}/delete/"),
        root.get("/admin/"),
    ]

    for page in pages:
        html = page.content.decode()
        assert page.status_code == 200
        for planted in (PLANTED, "AKIAPLANTED0123456789", "planted-token", "AKIATYPED0123456789", "typed-secret"):
            assert planted not in html, page.request["PATH_INFO"]
        assert "gAAAA" not in html


def test_the_history_names_fields_and_no_values(aws, root):
    element = builders.element(aws, aws.add_keys())
    keys = aws.add_keys()

    root.post(change(element), fields(element, **entered(keys)))

    entry = LogEntry.objects.get()
    assert "Secret Access Key" in entry.get_change_message()
    assert keys.secret_access_key not in entry.change_message


def test_actions_pause_resume_and_test_many(aws, administrator):
    elements = [builders.element(aws, aws.add_keys(), name=name) for name in ("One", "Two")]
    chosen = {"_selected_action": [element.pk for element in elements]}

    administrator.post(LIST, {"action": "pause_polling", **chosen})
    paused = list(Element.objects.values_list("paused", flat=True))
    administrator.post(LIST, {"action": "resume_polling", **chosen})
    resumed = list(Element.objects.values_list("paused", flat=True))
    page = administrator.post(LIST, {"action": "test_connection", **chosen}, follow=True).content.decode()

    assert (paused, resumed) == ([True, True], [False, False])
    assert "One tested" in page
    assert "Two tested" in page
    assert Activity.objects.filter(username="maria", kind="setting").count() == 4


def test_deleting_says_how_much_goes_and_keeps_who_did_it(aws, administrator):
    aws.add_instances(count=3)
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())

    page = administrator.get(f"{LIST}{element.pk}/delete/").content.decode()
    administrator.post(f"{LIST}{element.pk}/delete/", {"post": "yes"})

    assert "Instances: 3" in page
    assert "Debug records: 3" in page
    assert not Element.objects.exists()
    assert Activity.objects.get(text="Element removed").element_name == "Frankfurt"


def test_deleting_several_at_once_is_noted_for_each(administrator):
    elements = [builders.element(name=name) for name in ("One", "Two")]

    administrator.post(
        LIST,
        {"action": "delete_selected", "post": "yes", "_selected_action": [element.pk for element in elements]},
    )

    assert not Element.objects.exists()
    assert Activity.objects.filter(text="Element removed").count() == 2


def test_nothing_of_the_queue_and_no_record_can_be_edited():
    names = {model._meta.label for model in admin.site._registry}

    assert names == {"elements.Element", "auth.User", "auth.Group"}
    with pytest.raises(NoReverseMatch):
        reverse("admin:django_q_schedule_changelist")


def test_changes_of_users_and_groups_are_noted(root):
    someone = builders.user("someone")
    page = f"/admin/auth/user/{someone.pk}/change/"
    form = root.get(page).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value not in (None, False, "")}
    joined = {**values, "last_login_0": "", "last_login_1": "", "groups": [1], "user_permissions": []}
    joined |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    root.post(page, joined)
    root.post(f"/admin/auth/user/{someone.pk}/delete/", {"post": "yes"})

    texts = list(Activity.objects.filter(kind="setting").values_list("text", flat=True))
    assert any("Groups" in text for text in texts)
    assert "User someone deleted" in texts


def test_an_administrator_of_elements_may_not_change_users(administrator):
    assert administrator.get("/admin/auth/user/").status_code == 403


@pytest.mark.parametrize("wild", ["\0", "x" * 100_000, "9" * 400, "<script>alert(1)</script>"])
@pytest.mark.parametrize("parameter", ["q", "o", "p", "paused__exact", "nonsense", "all"])
def test_wild_parameters_are_no_server_error(administrator, wild, parameter):
    builders.element()

    answer = administrator.get(LIST, {parameter: wild}, follow=True)

    assert answer.status_code < 500
    assert b"<script>alert" not in answer.content


def test_a_poll_is_due_at_once_after_new_keys(aws, administrator):
    element = builders.element(aws, Keys("AKIANOTKNOWN", "wrong"))
    poll_once(element.pk, caller="poll", now=timezone.now())

    administrator.post(change(element), fields(element, **entered(aws.add_keys())))

    assert Poll.objects.get().due_at <= timezone.now()
    assert Poll.objects.get().failures == 0


def test_every_page_of_the_site_leads_back_and_the_key_fields_say_that_empty_keeps(aws, administrator):
    element = builders.element(aws, aws.add_keys())

    pages = [administrator.get(path).content.decode() for path in ("/admin/", LIST, change(element))]

    assert all('<a href="/">Back to ec2mon</a>' in page for page in pages)
    assert "leave them empty to keep what is stored" in pages[-1]

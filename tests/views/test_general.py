"""General: facts for all, a form for administrators, and keys that nobody gets to see."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from elements.models import Activity, DebugRecord, Element, Instance, Poll
from elements.usecases.run_polls import poll_once
from simulator.world import Keys
from tests import builders

pytestmark = pytest.mark.django_db

PLANTED = "planted-secret-never-to-be-seen"


def address(element):
    return reverse("elements:general", args=[element.slug])


def form(element, **fields):
    stored = {
        "region": element.region,
        "endpoint_url": element.endpoint_url,
        "sts_endpoint_url": element.sts_endpoint_url,
        "account_id": element.account_id,
    }
    return {**stored, **fields}


def entered(keys):
    return {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}


def stored_secret(element):
    return Element.objects.with_keys().get(pk=element.pk).secret_access_key


def titles(response):
    return [str(message).splitlines()[0] for message in response.context["messages"]]


def text(response):
    return response.content.decode()


def words(response):
    """Return what the page says, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text(response))).replace("\u00a0", " ")


def test_everybody_sees_the_facts_and_only_administrators_the_form(aws, viewer, operator, administrator):
    element = builders.element(aws, aws.add_keys("AKIADEMO12345678ABCD"))
    poll_once(element.pk, caller="poll", now=timezone.now())

    pages = {client: text(client.get(address(element))) for client in (viewer, operator, administrator)}

    for page in pages.values():
        assert "AKIA••••••••••••ABCD" in page
        assert "1111\u00a02222\u00a03333" in page
        assert "arn:aws:iam::111122223333:user/ec2mon" in page
        assert "Stored encrypted" in page
        assert aws.url in page
        assert "AKIADEMO12345678ABCD" not in page
    assert ["Save and test" in page for page in pages.values()] == [False, False, True]
    assert ["Check again" in page or "Test connection" in page for page in pages.values()] == [False, True, True]


def test_the_page_reads_a_fixed_number_of_rows_and_no_key(aws, administrator, django_assert_max_num_queries):
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())

    with django_assert_max_num_queries(9) as queries:
        administrator.get(address(element))

    assert not [query for query in queries.captured_queries if "secret_access_key" in query["sql"]]


def test_only_an_administrator_may_save(aws, viewer, operator):
    element = builders.element(aws, aws.add_keys())

    answers = [client.post(address(element), form(element)).status_code for client in (viewer, operator)]

    assert answers == [403, 403]
    assert aws.journal() == []


def test_new_keys_that_pass_the_test_are_stored_and_tried_at_once(aws, administrator):
    element = builders.element(aws, Keys("AKIANOTKNOWN", "wrong"))
    poll_once(element.pk, caller="poll", now=timezone.now())
    keys = aws.add_keys()

    answer = administrator.post(address(element), form(element, **entered(keys)), follow=True)

    poll = Poll.objects.get(element=element)
    assert titles(answer) == ["Saved."]
    assert "Connected in" in text(answer)
    assert stored_secret(element) == keys.secret_access_key
    assert (poll.failures, poll.refused, poll.due_at <= timezone.now()) == (0, False, True)
    note = Activity.objects.get(kind="keys")
    assert note.username == "maria"
    assert keys.secret_access_key not in str(vars(note))


def test_new_keys_that_aws_refuses_leave_the_old_ones_in_place(aws, administrator):
    good = aws.add_keys()
    element = builders.element(aws, good)

    answer = administrator.post(
        address(element), form(element, **entered(Keys(good.access_key_id, PLANTED)), save_anyway="on")
    )

    assert stored_secret(element) == good.secret_access_key
    assert "AWS refused the new keys" in text(answer)
    assert "The keys stored before stay in use." in text(answer)
    assert PLANTED not in text(answer)
    assert "save_anyway" not in text(answer) or "Save Anyway" in text(answer)


def test_when_aws_does_not_answer_an_administrator_may_save_anyway(aws, administrator):
    element = builders.element(aws, aws.add_keys())
    aws.fault("reset")
    new = entered(Keys("AKIANEWNEWNEW", PLANTED))

    first = administrator.post(address(element), form(element, **new))
    before = stored_secret(element)
    second = administrator.post(address(element), form(element, **new, save_anyway="on"), follow=True)

    assert "Save Anyway" in text(first)
    assert before != PLANTED
    assert PLANTED not in text(first)
    assert titles(second) == ["Saved, but the test did not pass."]
    assert stored_secret(element) == PLANTED


def test_an_empty_secret_keeps_the_stored_one(aws, administrator):
    keys = aws.add_keys()
    element = builders.element(aws, keys)

    administrator.post(address(element), form(element))

    assert stored_secret(element) == keys.secret_access_key


@pytest.mark.parametrize("one", ["access_key_id", "secret_access_key", "session_token"])
def test_id_and_secret_are_replaced_together_or_not_at_all(aws, administrator, one):
    keys = aws.add_keys()
    element = builders.element(aws, keys)

    answer = administrator.post(address(element), form(element, **{one: PLANTED}))

    assert "all keys are replaced together" in text(answer)
    assert PLANTED not in text(answer)
    assert stored_secret(element) == keys.secret_access_key
    assert aws.journal() == []


@pytest.mark.parametrize("field", ["access_key_id", "secret_access_key", "session_token"])
def test_pasted_ciphertext_is_refused(aws, administrator, field):
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    pasted = "gAAAAABnSomethingOutOfADatabase"

    answer = administrator.post(address(element), form(element, **{**entered(keys), field: pasted}))

    assert "This is encrypted text, not a key." in text(answer)
    assert pasted not in text(answer)
    assert aws.journal() == []


def test_a_test_without_saving_writes_nothing_but_debug_records(aws, administrator):
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    other = aws.add_keys()

    answer = administrator.post(address(element), form(element, **entered(other), test="1"))

    assert "The test passed. Nothing was saved." in text(answer)
    assert other.secret_access_key not in text(answer)
    assert stored_secret(element) == keys.secret_access_key
    assert Element.objects.get().last_test == {}
    assert DebugRecord.objects.filter(caller="maria").exists()
    assert Activity.objects.filter(kind__in=("keys", "setting")).count() == 0


@pytest.mark.parametrize("field", ["region", "endpoint_url", "sts_endpoint_url"])
@pytest.mark.parametrize("button", [{}, {"test": "1"}])
def test_another_region_or_endpoint_needs_the_keys_anew(aws, administrator, field, button):
    element = builders.element(aws, aws.add_keys())
    there = {"region": "eu-west-1"}.get(field, "https://evil.example")

    answer = administrator.post(address(element), form(element, **{field: there}, **button))

    element.refresh_from_db()
    assert "the keys are needed anew" in text(answer)
    assert (element.region, element.endpoint_url) == ("eu-central-1", aws.url)
    assert aws.journal() == []


def test_another_region_asks_before_it_clears_the_instances(aws, administrator):
    aws.add_instances(count=2)
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    poll_once(element.pk, caller="poll", now=timezone.now())
    element.refresh_from_db()
    moved = form(element, region="eu-west-1", **entered(keys))

    asked = administrator.post(address(element), moved)
    kept = Instance.objects.count()
    administrator.post(address(element), {**moved, "clear_instances": "on"})

    element.refresh_from_db()
    poll = Poll.objects.get(element=element)
    assert "It clears this element&#x27;s 2 instances" in text(asked)
    assert (kept, Instance.objects.count()) == (2, 0)
    assert (element.region, poll.succeeded_at, poll.counts) == ("eu-west-1", None, {})
    assert Activity.objects.filter(changes__has_key="Region Endpoint").exists()


def test_keys_of_another_account_are_pointed_out_and_clear_the_instances_only_when_told(aws, administrator):
    aws.add_instances(count=2)
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())
    element.refresh_from_db()
    other = entered(aws.add_keys(account="444455556666"))

    first = administrator.post(address(element), form(element, **other))
    second = administrator.post(address(element), form(element, **other, **{"account_id": ""}))
    kept = Instance.objects.count()
    administrator.post(address(element), form(element, **other) | {"account_id": "", "clear_instances": "on"})

    element.refresh_from_db()
    assert "The keys belong to account 4444\u00a05555\u00a06666" in text(first)
    assert "the account from 1111\u00a02222\u00a03333 to 4444\u00a05555\u00a06666" in text(second)
    assert (kept, Instance.objects.count(), element.account_id) == (2, 0, "444455556666")


def test_a_changed_account_is_accepted_by_an_administrator_alone(aws, operator, administrator):
    aws.add_instances(count=2)
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    poll_once(element.pk, caller="poll", now=timezone.now())
    keys.account = "444455556666"
    Element.objects.update(identified_at=None)
    poll_once(element.pk, caller="poll", now=timezone.now())
    seen = {"accept_account": "444455556666"}

    page = text(administrator.get(address(element)))
    refused = operator.post(address(element), seen).status_code
    stale = administrator.post(address(element), {"accept_account": "999999999999"}, follow=True)
    unchanged = Element.objects.get().account_id
    administrator.post(address(element), seen)

    assert "Accept account 4444" in page
    assert "Accept account" not in text(operator.get(address(element)))
    assert refused == 403
    assert titles(stale) == ["Nothing was changed."]
    assert (unchanged, Element.objects.get().account_id) == ("111122223333", "444455556666")
    assert Instance.objects.count() == 0


def test_an_unknown_region_is_taken_when_told_to_use_it_anyway(aws, administrator):
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    there = form(element, region="eu-future-9", **entered(keys))

    first = administrator.post(address(element), there)
    administrator.post(address(element), {**there, "use_it_anyway": "on", "clear_instances": "on"})

    element.refresh_from_db()
    assert "Use It Anyway" in text(first)
    assert element.region == "eu-future-9"


@pytest.mark.parametrize(
    "written",
    ["ec2.eu-central-1.amazonaws.com", "https://ec2.eu-central-1.amazonaws.com", "EU-Central-1", "eu-central-1"],
)
def test_the_region_is_read_in_all_its_forms(aws, administrator, written):
    element = builders.element(aws, aws.add_keys())

    administrator.post(address(element), form(element, region=written))

    element.refresh_from_db()
    assert (element.region, element.endpoint_url) == ("eu-central-1", aws.url)


def test_refused_keys_are_explained_with_awss_own_words(aws, viewer):
    element = builders.element(aws, Keys("AKIANOTKNOWN", "wrong"))
    poll_once(element.pk, caller="poll", now=timezone.now())

    page = words(viewer.get(address(element)))

    assert "AWS answered AuthFailure: “AWS was not able to validate the provided access credentials”." in page
    assert "AuthFailure: AWS does not know the access key, or it was disabled or deleted." in page
    assert re.search(r"Not connected since [-\d]+ [:\d]+ UTC \(\d+ s\)\.", page)
    assert "1 try so far; next in" in page
    assert "not accepted by AWS" in page
    assert page.count("AWS was not able to validate") == 1


def test_the_first_failures_are_told_before_the_element_counts_as_not_connected(viewer):
    element = builders.element(name="Ireland")
    at = timezone.now() - timedelta(seconds=20)
    failed = {"failures": 1, "failed_since": at, "failure_code": "RequestTimeout", "failure_text": "No answer in time."}
    Poll.objects.filter(element=element).update(succeeded_at=at, attempted_at=at, **failed)

    page = words(viewer.get(address(element)))

    assert "Tries so far1 since" in page
    assert "It meansNo answer in time." in page
    assert "Not connected since" not in page


def test_an_element_without_keys_says_what_to_do(viewer, administrator):
    element = builders.element()

    assert "Enter region and access key to connect this element." in text(viewer.get(address(element)))
    assert "<details open><summary>Enter the access key" in text(administrator.get(address(element)))


def test_checking_again_keeps_what_was_found(aws, operator, viewer):
    element = builders.element(aws, aws.add_keys(denied=["StopInstances"]))
    aws.add_instances()

    answer = operator.post(reverse("elements:general_test", args=[element.slug]), follow=True)

    assert titles(answer) == ["Tested, with limits."]
    assert "ec2:StopInstances" in text(viewer.get(address(element)))
    assert Element.objects.get().last_test["outcome"] == "ok"


def test_a_viewer_may_not_test_and_a_get_tests_nothing(aws, viewer, operator):
    element = builders.element(aws, aws.add_keys())
    there = reverse("elements:general_test", args=[element.slug])

    assert (viewer.post(there).status_code, operator.get(there).status_code) == (403, 405)
    assert aws.journal() == []


def test_testing_without_keys_says_so(operator):
    element = builders.element()

    answer = operator.post(reverse("elements:general_test", args=[element.slug]), follow=True)

    assert titles(answer) == ["AWS was not asked."]


@pytest.mark.parametrize(
    "field", ["region", "endpoint_url", "sts_endpoint_url", "account_id", "access_key_id", "secret_access_key"]
)
@pytest.mark.parametrize(
    "wild", ["\0", "x" * 1_000_000, "\ud800".encode("utf-8", "surrogatepass"), "<script>", "\u202e"]
)
def test_wild_input_is_an_error_beside_its_field(aws, administrator, field, wild):
    element = builders.element(aws, aws.add_keys())

    answer = administrator.post(address(element), form(element, **{field: wild}))

    assert answer.status_code == 200
    assert "Nothing was saved" in text(answer)
    assert b"<script>" not in answer.content
    assert aws.journal() == []


def test_the_live_question_is_answered_with_the_panels_when_something_changed(aws, viewer):
    element = builders.element(aws, aws.add_keys())
    token = viewer.get(address(element)).context["live_token"]

    same = viewer.get(address(element), {"since": token}, headers={"X-Fragment": "live"})
    poll_once(element.pk, caller="poll", now=timezone.now())
    changed = viewer.get(address(element), {"since": token}, headers={"X-Fragment": "live"})

    assert (same.status_code, changed.status_code) == (204, 200)
    assert "general-connection" in text(changed)
    assert "<html" not in text(changed)


def test_the_endpoint_in_use_is_the_one_that_requests_go_to(aws, viewer, monkeypatch):
    element = builders.element(aws, aws.add_keys(), region="eu-central-1", endpoint_url="")
    settings = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9001", "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:9002"}
    for name in (*settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)

    of_region = text(viewer.get(address(element)))
    pages = []
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
        pages.append(text(viewer.get(address(element))))
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    ignored = text(viewer.get(address(element)))

    assert "https://ec2.eu-central-1.amazonaws.com</span>" in of_region
    assert [value in page for value, page in zip(settings.values(), pages, strict=True)] == [True, True]
    assert "https://ec2.eu-central-1.amazonaws.com</span>" in ignored


def test_regions_are_suggested_and_of_the_secret_it_is_said_that_nobody_reads_it_again(aws, administrator):
    element = builders.element(aws, aws.add_keys())

    page = administrator.get(address(element))

    assert '<option value="eu-central-1">Europe (Frankfurt)</option>' in text(page)
    assert 'list="regions"' in text(page)
    assert re.search(r"Stored encrypted [-\d]+ [:\d]+ UTC by test\. It can be replaced, never read back\.", words(page))
    assert "Changing region or account clears this element’s instances, and asks first." in words(page)


def test_the_connection_panel_says_what_the_last_polls_were(aws, viewer):
    element = builders.element(aws, aws.add_keys(), interval_s=60)
    poll_once(element.pk, caller="poll", now=timezone.now())

    page = words(viewer.get(address(element)))

    assert re.search(r"Last success[-\d]+ [:\d]+ \d+ s ago", page)
    assert re.search(r"Last try[-\d]+ [:\d]+ [\d.]+ m?s", page)
    assert re.search(r"Next tryin \d+ s", page)
    assert "Interval1 min set on Configuration" in page
    assert "ClockAWS's clock is within 1 s of ours" in page.replace("&#x27;", "'")
    assert 'aria-label="Last 1 polls: 1 succeeded, 0 slow or throttled, 0 failed"' in text(viewer.get(address(element)))

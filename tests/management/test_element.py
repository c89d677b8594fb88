"""`manage.py element`: for scripts, and no key is ever an argument."""

import io
import json

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from elements.models import Activity, Element
from simulator.world import Keys
from tests import builders

pytestmark = pytest.mark.django_db

PLANTED = "planted-secret-never-to-be-seen"


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def keys_in_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PLANTED)


def run(*arguments):
    """Return (exit code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("element", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_adding_takes_the_keys_from_the_environment(keys_in_the_environment):
    code, out, _err = run("add", "Frankfurt – Playout", "--region=ec2.eu-central-1.amazonaws.com", "--interval=10")

    element = Element.objects.with_keys().get()
    assert code == 0
    assert (element.name, element.region, element.endpoint_url, element.interval_s) == (
        "Frankfurt – Playout",
        "eu-central-1",
        "",
        10,
    )
    assert (element.access_key_id, element.secret_access_key) == ("AKIAFROMENVIRONMENT1", PLANTED)
    assert PLANTED not in out
    assert Activity.objects.filter(text="Element added").exists()


def test_adding_takes_the_keys_from_stdin(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"ASIAFROMSTDIN\n{PLANTED}\ntoken-1\n"))

    code, _out, _err = run("add", "Frankfurt", "--region=eu-central-1", "--keys-from-stdin", "--paused")

    element = Element.objects.with_keys().get()
    assert (code, element.paused) == (0, True)
    assert (element.access_key_id, element.secret_access_key, element.session_token) == (
        "ASIAFROMSTDIN",
        PLANTED,
        "token-1",
    )


def test_there_is_no_argument_for_a_secret():
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("element", "add", "Frankfurt", "--region=eu-central-1", f"--secret-access-key={PLANTED}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Frankfurt", "--region=eu-centrl-1"], "Did you mean eu-central-1?"),
        (["Frankfurt", "--region=eu-future-9"], "Use It Anyway"),
        (["Frankfurt", "--region=eu-central-1", "--interval=5"], "Polling Interval"),
        (["Frankfurt", "--region=eu-central-1", "--interval=often"], "Polling Interval"),
        (["Frankfurt", "--region=eu-central-1", "--endpoint-url=ftp://x"], "Endpoint URL"),
        (["Frankfurt", "--region=eu-central-1", "--account-id=12"], "12 digits"),
        (["Old", "--region=eu-central-1"], "Name"),
        (["x" * 101, "--region=eu-central-1"], "Name"),
        (["bad\udcffname", "--region=eu-central-1"], "Name"),
    ],
)
def test_what_cannot_be_is_said_and_adds_nothing(keys_in_the_environment, arguments, sentence):
    builders.element(name="Old")

    code, _out, err = run("add", *arguments)

    assert code == 2
    assert sentence in err
    assert PLANTED not in err
    assert Element.objects.count() == 1


def test_an_unknown_region_is_taken_when_told_to(keys_in_the_environment):
    assert run("add", "Future", "--region=eu-future-9", "--use-it-anyway")[0] == 0
    assert Element.objects.get().region == "eu-future-9"


def test_half_of_the_keys_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PLANTED)

    code, _out, err = run("add", "Frankfurt", "--region=eu-central-1")

    assert code == 2
    assert "Access Key ID" in err
    assert PLANTED not in err


def test_the_list_is_one_json_object_without_a_key(aws):
    keys = aws.add_keys()
    builders.element(aws, keys)

    code, out, _err = run("list", "--json")

    (element,) = json.loads(out)["elements"]
    assert code == 0
    assert (element["name"], element["region"], element["connection"]) == ("Frankfurt", "eu-central-1", "new")
    assert keys.secret_access_key not in out
    assert keys.access_key_id not in out


def test_an_empty_list_says_how_to_add_one():
    code, out, err = run("list")

    assert (code, out) == (0, "")
    assert "element add" in err


def test_pausing_and_resuming_are_noted():
    builders.element()

    paused = run("pause", "frankfurt"), Element.objects.get().paused
    resumed = run("resume", "Frankfurt"), Element.objects.get().paused

    assert (paused[0][0], paused[1]) == (0, True)
    assert (resumed[0][0], resumed[1]) == (0, False)
    assert Activity.objects.count() == 2


def test_testing_prints_a_line_for_each_finding_and_fails_when_the_keys_do(aws):
    aws.add_instances()
    builders.element(aws, aws.add_keys(denied=["StopInstances"]), name="Good")
    builders.element(aws, Keys("AKIANOTKNOWN", PLANTED), name="Bad")
    builders.element(name="Without")

    good, bad, without = run("test", "Good"), run("test", "Good", "Bad"), run("test", "Without")

    assert good[0] == 0
    assert "Denied       ec2:StopInstances" in good[1]
    assert bad[0] == 1
    assert "AWS does not know the access key" in bad[2]
    assert PLANTED not in bad[1] + bad[2]
    assert (without[0], "No keys are stored" in without[2]) == (1, True)


def test_testing_points_out_keys_of_another_account_and_fails(aws):
    element = builders.element(aws, aws.add_keys(account="999988887777"), name="Moved", account_id="111122223333")

    code, out, err = run("test", "Moved")

    assert code == 1
    assert "Accepted     Identity" in out
    assert "belong to AWS account 999988887777, but this element is for account 111122223333" in err
    element.refresh_from_db()
    assert element.account_id == "111122223333"


def test_removing_asks_for_the_name(monkeypatch):
    builders.element()
    monkeypatch.setattr("sys.stdin", io.StringIO("something else\n"))
    kept = run("remove", "Frankfurt")
    monkeypatch.setattr("sys.stdin", io.StringIO("Frankfurt\n"))

    removed = run("remove", "Frankfurt")

    assert (kept[0], removed[0]) == (1, 0)
    assert not Element.objects.exists()


def test_removing_with_yes_does_not_ask():
    builders.element()

    code, out, _err = run("remove", "Frankfurt", "--yes")

    assert (code, Element.objects.count()) == (0, 0)
    assert "Removed Frankfurt" in out


@pytest.mark.parametrize("verb", ["pause", "resume", "test", "remove"])
def test_an_unknown_element_is_a_usage_error(verb):
    assert run(verb, "Nowhere")[0] == 2


def test_who_sees_an_element_is_said_when_it_is_added_and_later(keys_in_the_environment):
    for name in ("eu", "us"):
        Group.objects.create(name=name)

    run("add", "Frankfurt", "--region=eu-central-1", "--group=eu", "--group=us")
    added = json.loads(run("list", "--json")[1])["elements"][0]["groups"]
    told = [run("access", "frankfurt", *more)[1] for more in ((), ("us",), (), ("--everybody",))]

    assert added == ["eu", "us"]
    assert told == [f"Frankfurt is seen by {who}\n" for who in ("eu, us", "us", "us", "everybody")]
    assert Activity.objects.filter(text="Element changed").first().changes == {"Seen By": ["us", "everybody"]}


@pytest.mark.parametrize("arguments", [("nobody",), ("viewers", "nobody"), ("viewers", "--everybody")])
def test_access_for_a_group_that_is_not_there_changes_nothing(arguments):
    builders.element()

    code, _out, err = run("access", "Frankfurt", *arguments)

    assert (code, bool(err)) == (2, True)
    assert not Element.objects.get().groups.exists()


def test_the_list_reads_the_groups_of_all_elements_at_once(django_assert_num_queries):
    for name in ("One", "Two", "Three"):
        builders.element(name=name)

    with django_assert_num_queries(2):
        run("list")

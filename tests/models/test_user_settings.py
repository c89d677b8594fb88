import pytest

from elements.models import UserSettings
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def maria():
    return builders.user("maria")


def test_who_chose_nothing_has_the_defaults(maria):
    settings = UserSettings.objects.of(maria)

    assert settings.columns_of("instances") is None
    assert settings.per_page_of("instances") is None
    assert not UserSettings.objects.exists()


def test_each_kind_of_table_is_kept_apart(maria):
    UserSettings.objects.keep_columns(maria, "instances", ["state"])
    UserSettings.objects.keep_columns(maria, "events", [])
    UserSettings.objects.keep_per_page(maria, "instances", 100)

    settings = UserSettings.objects.of(maria)
    assert settings.columns_of("instances") == ["state"]
    assert settings.columns_of("events") == []
    assert (settings.per_page_of("instances"), settings.per_page_of("events")) == (100, None)


def test_the_default_comes_back_for_that_kind_only(maria):
    UserSettings.objects.keep_columns(maria, "instances", ["state"])
    UserSettings.objects.keep_columns(maria, "events", ["starts"])

    UserSettings.objects.keep_columns(maria, "instances", None)

    settings = UserSettings.objects.of(maria)
    assert (settings.columns_of("instances"), settings.columns_of("events")) == (None, ["starts"])


def test_nobody_gets_what_somebody_else_chose(maria):
    UserSettings.objects.keep_columns(maria, "instances", ["state"])

    assert UserSettings.objects.of(builders.user("olga")).columns_of("instances") is None


def test_the_look_of_all_pages_starts_as_delivered(maria):
    settings = UserSettings.objects.of(maria)

    assert (settings.theme, settings.density, settings.time_zone, settings.keys) == ("auto", "normal", "utc", "on")


def test_one_choice_leaves_the_others_and_the_tables_alone(maria):
    UserSettings.objects.keep_columns(maria, "instances", ["state"])
    UserSettings.objects.keep(maria, theme="dark")

    UserSettings.objects.keep(maria, time_zone="local", keys="off")

    settings = UserSettings.objects.of(maria)
    assert (settings.theme, settings.time_zone, settings.keys) == ("dark", "local", "off")
    assert settings.columns_of("instances") == ["state"]


@pytest.mark.parametrize("wild", ["", "DARK", "dark\0", "x" * 1_000_000, None, ["dark"]])
def test_what_no_page_offers_is_not_kept(maria, wild):
    UserSettings.objects.keep(maria, theme=wild, columns={"instances": ["state"]}, pk=7)

    assert not UserSettings.objects.exists()

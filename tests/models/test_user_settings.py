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

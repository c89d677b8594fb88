import pytest

from elements.domain.display_keys import DEFAULT_DISPLAY_KEY_FORMAT, DISPLAY_KEY_FORMATS, display_key_values


def display_key(key_format, **facts):
    return "/".join(display_key_values(key_format, **facts))


@pytest.mark.parametrize(
    ("key_format", "key"),
    [
        ("id/event", "i-1/event-1"),
        ("name/event", "web/event-1"),
        ("name/code/event", "web/system-reboot/event-1"),
        ("event", "event-1"),
        ("no such format", "i-1/event-1"),
    ],
)
def test_a_format_makes_the_key(key_format, key):
    assert (
        display_key(key_format, instance_id="i-1", instance_name="web", code="system-reboot", event_id="event-1") == key
    )


def test_an_instance_without_a_name_is_called_by_its_id():
    assert display_key("name/event", instance_id="i-1", instance_name="", code="x", event_id="e") == "i-1/e"


def test_the_four_formats_are_offered_and_the_default_is_the_first():
    assert [word for _, word in DISPLAY_KEY_FORMATS] == [
        "Instance ID/Events ID",
        "Instance Name/Events ID",
        "Instance Name/Event Code/Events ID",
        "Events ID",
    ]
    assert DISPLAY_KEY_FORMATS[0][0] == DEFAULT_DISPLAY_KEY_FORMAT

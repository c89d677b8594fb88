import pytest
from hypothesis import given
from hypothesis import strategies as st

from elements.domain.naming import MAX_NAME, InvalidFormat, make_unique, parse

VALUES = {"instance_id": "i-0607e57a467f7a206", "private_ip": "10.0.0.1"}


@pytest.mark.parametrize(
    ("text", "tags", "name"),
    [
        ("{tag:Name|instance_id}", {"Name": "web"}, "web"),
        ("{tag:Name|instance_id}", {}, "i-0607e57a467f7a206"),
        ("{{{private_ip}}}", {}, "{10.0.0.1}"),
        ("{tag:Any key: odd}", {"Any key: odd": "x"}, "x"),
        ("{tag:Name}", {}, "i-0607e57a467f7a206"),
        ("{tag:Name}", {"Name": "a\x00b\nc"}, "a·b·c"),
    ],
)
def test_a_format_gives_the_name(text, tags, name):
    assert parse(text).render(VALUES, tags).text == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{tag:Name}-{pivate_ip}",
            "There is no placeholder {pivate_ip}, at character 13. Did you mean {private_ip}?",
        ),
        ("a {tag", "The placeholder that begins at character 3 is not closed. Add a }."),
        ("{0.__class__}", "There is no placeholder {0.__class__}, at character 2."),
    ],
)
def test_an_error_names_the_position(text, message):
    with pytest.raises(InvalidFormat) as error:
        parse(text)

    assert error.value.message.startswith(message)


@given(st.text(max_size=250), st.text(max_size=300))
def test_no_text_does_more_than_be_refused(text, value):
    try:
        name = parse(text).render(VALUES, {"Name": value}).text
    except InvalidFormat:
        return
    assert 0 < len(name) <= MAX_NAME


def test_shared_names_become_unique_even_against_a_name_that_looks_so_already():
    names, shared = make_unique({"i-aaaaaa": "web", "i-bbbbbb": "web", "i-cccccc": "web [aaaaaa]"})

    assert len(set(names.values())) == 3
    assert shared == 2

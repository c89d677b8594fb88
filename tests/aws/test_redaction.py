import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elements.aws.redaction import Redactor

KEY, SECRET, TOKEN = "AKIADEMO0000KEY00001", "Planted/secret+with=odd&signs<000000000000", "planted//token+" + "x" * 300
redactor = Redactor(KEY, [SECRET, TOKEN])


@pytest.mark.parametrize("secret", [SECRET, TOKEN])
@pytest.mark.parametrize(
    "disguise",
    [str, quote, lambda text: quote(text, safe=""), html.escape, lambda text: json.dumps(text)[1:-1], repr],
    ids=["plain", "quoted", "wholly quoted", "in XML", "in JSON", "in Python"],
)
def test_a_secret_is_taken_out_however_it_is_written(secret, disguise):
    text = redactor.text(f"AWS echoes {disguise(secret)} here")

    assert disguise(secret) not in text
    assert text.startswith("AWS echoes ")
    assert text.endswith(" here")


def test_a_secret_at_the_cut_is_taken_out_before_the_cut():
    assert SECRET[:8] not in redactor.text("x" * 95 + SECRET, 100)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAX/20260101, Signature=deadbeefcafe",
        "https://ec2?X-Amz-Signature=deadbeefcafe&X-Amz-Security-Token=deadbeefcafe",
        "SignedHeaders=host, Signature=deadbeefcafe",
        "x-amz-security-token:deadbeefcafe",
        "X-Amz-Security-Token: deadbeefcafe",
    ],
)
def test_signatures_and_tokens_of_anybody_are_taken_out(text):
    assert "deadbeefcafe" not in redactor.text(text)


def test_values_under_secret_names_are_removed_whole():
    stored = redactor.structure(
        {"Password": "abc123", "a": [{"UserData": "abc123", "SessionToken": "abc123", "KeyName": "kept"}]}
    )

    assert "abc123" not in json.dumps(stored)
    assert "kept" in json.dumps(stored)


def test_the_access_key_is_shown_by_its_last_four_only():
    assert redactor.text(f"key {KEY}") == "key …0001"


def test_what_an_element_without_a_token_says_stays_readable():
    assert Redactor(KEY, [SECRET, ""]).text("nothing to hide") == "nothing to hide"


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_surrounds_it_the_secret_goes_and_the_text_can_be_stored(before, after):
    text = redactor.text(before + SECRET + after)

    assert SECRET not in text
    assert "\x00" not in text
    text.encode()

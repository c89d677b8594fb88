import random
from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet

from ec2mon.strength import complaint

# The same in each process that collects the tests, for a test is named by what it is given.
DICE = random.Random(20261125)
GOOD, KEY = urlsafe_b64encode(DICE.randbytes(51)).decode(), Fernet.generate_key().decode()


@pytest.mark.parametrize("secret_key", [GOOD, DICE.randbytes(32).hex(), "only-for-tests-" + "x" * 40])
def test_secrets_that_nobody_guesses_are_taken(secret_key):
    assert complaint(secret_key, [KEY]) == ""
    assert complaint(secret_key, [KEY, Fernet.generate_key().decode()]) == ""


@pytest.mark.parametrize(
    "secret_key",
    [
        "secret",
        "x" * 60,
        "abab" * 20,
        GOOD[:49],
        "django-insecure-" + GOOD,
        "please-change-me-" + GOOD,
        "changeme" * 10,
        "your-secret-key-" * 5,
    ],
)
def test_a_weak_secret_key_is_refused_and_not_repeated(secret_key):
    said = complaint(secret_key, [KEY])

    assert said.startswith("SECRET_KEY is too weak")
    assert secret_key not in said


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], "no Fernet key"),
        (["secret"], "no Fernet key"),
        ([KEY[:-2]], "no Fernet key"),
        ([KEY, "schlüssel"], "no Fernet key"),
        (["A" * 43 + "="], "too weak"),
        (["MDEyMzAxMjMwMTIzMDEyMzAxMjMwMTIzMDEyMzAxMjM="], "too weak"),
    ],
)
def test_an_encryption_key_that_is_none_or_weak_is_refused(keys, said):
    assert said in complaint(GOOD, keys)


def test_a_weak_encryption_key_can_be_changed():
    assert complaint(GOOD, [KEY, "A" * 43 + "="]) == ""


def test_one_secret_for_both_is_refused():
    assert "must not hold" in complaint(KEY, [Fernet.generate_key().decode(), KEY])

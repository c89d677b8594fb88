"""Passkeys: what is not a proof is refused; the whole way with a browser stands in test_with_a_browser.py."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests import builders
from tests.sign_in_option.test_second_factor import is_in, sign_in

pytestmark = pytest.mark.django_db

PROOFS = [
    None,
    [],
    {},
    7,
    "x",
    {"response": {}},
    {"response": []},
    {"id": "a", "rawId": "a", "type": "public-key", "response": {"userHandle": "MQ"}},
    {"response": {"userHandle": "\0"}},
    {"response": {"userHandle": "MQ", "clientDataJSON": "e30", "attestationObject": "e30"}, "id": "YQ", "rawId": "YQ"},
    {"response": {"userHandle": "MQ", "clientDataJSON": "!", "authenticatorData": "", "signature": ""}, "rawId": "YQ"},
]


@pytest.mark.parametrize("proof", [*map(json.dumps, PROOFS), "", "{", "\0", "[" * 5000])
@pytest.mark.parametrize("asked", [True, False])
def test_what_is_no_proof_signs_nobody_in_and_is_no_error(proof, asked):
    builders.user("maria", "viewers")
    client = Client()
    if asked:
        assert client.get("/login/passkey/", headers={"accept": "application/json"}).json()["request_options"]

    answer = client.post("/login/passkey/", {"credential": proof})

    assert answer.headers["Location"] == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize("proof", [*map(json.dumps, PROOFS), "", "{"])
def test_what_is_no_proof_is_no_passkey(proof):
    builders.user("maria", "viewers")
    client = sign_in()
    client.get("/second-factor/passkeys/add/")

    answer = client.post("/second-factor/passkeys/add/", {"name": "x" * 500, "credential": proof})

    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_the_passkey_of_somebody_else_cannot_be_removed():
    olga = builders.user("olga", "viewers")
    other = Authenticator.objects.create(user=olga, type="webauthn", data={"name": "of Olga", "credential": {}})
    builders.user("maria", "viewers")

    assert sign_in().post(f"/second-factor/passkeys/{other.pk}/remove/").status_code == 404
    assert Authenticator.objects.exists()


def test_the_pages_load_no_script_but_files_of_ours_and_only_where_one_is_asked_for():
    builders.user("maria", "viewers")
    client = sign_in()
    page = client.get("/second-factor/passkeys/add/")

    scripts = re.findall(r"<script ([^>]*)>", page.content.decode())
    assert [re.search(r'src="/static/([\w/.-]+)"', one)[1] for one in scripts if "src" in one] == [
        "ec2mon/js/main.js",
        "mfa/js/webauthn-json.js",
        "mfa/js/webauthn.js",
        "passkeys/passkeys.js",
    ]
    assert [one for one in scripts if "src" not in one] == ['id="js_data" type="application/json"']
    assert "passkeys.js" not in client.get("/").content.decode()

"""Keys are planted wherever AWS could echo them; nothing that is kept, printed or logged may hold them."""

import io
import json
import logging
import uuid

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from elements.models import Element
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import follow
from elements.usecases.run_polls import poll_once
from elements.usecases.test_connection import examine, remember
from tests import builders

pytestmark = pytest.mark.django_db

SECRET = "planted/secret+access<key>000000000000000"
TOKEN = "planted//session+token==" + "0" * 60
SIGNATURE = "feedfacedeadbeef"
SIGNED = f"Authorization: AWS4-HMAC-SHA256 Credential=x, Signature={SIGNATURE}"
WORDS = f"{SECRET} {TOKEN} {SIGNED} X-Amz-Security-Token={TOKEN}"
ECHOES = {
    "no": None,
    "in an error": {"kind": "error", "message": WORDS, "code": "Strange", "status": 400},
    "in a refusal": {"kind": "error", "message": WORDS, "code": "AuthFailure", "status": 401},
    "in a code": {"kind": "error", "message": "x", "code": SECRET, "status": 400},
    "in an error inside AWS": {"kind": "error", "message": WORDS, "code": "InternalError", "status": 500},
    "without an answer": {"kind": "lost"},
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=[f"echoed {word}" for word in ECHOES])
def test_a_planted_secret_is_nowhere_in_the_database_or_the_logs(aws, echo, caplog):
    caplog.set_level(logging.DEBUG)
    for name, logger in settings.LOGGING["loggers"].items():
        caplog.set_level(logger.get("level", "DEBUG"), name)
    keys = aws.add_keys(secret_access_key=SECRET, session_token=TOKEN)
    element = builders.element(aws, keys)
    (instance_id,) = aws.add_instances()
    poll_once(element.pk, caller="poll", now=timezone.now())
    if echo:
        aws.fault(**echo)

    printed = _do_everything(element, instance_id)

    kept = "\n".join(_rows())
    for secret in (SECRET, TOKEN, SIGNATURE, keys.access_key_id):
        assert secret not in kept
        assert secret not in json.dumps(kept)
        assert secret not in caplog.text
        assert secret not in printed


def _do_everything(element, instance_id):
    """Ask AWS in every way there is, and return what a command prints of it."""
    row = Element.objects.with_poll().get(pk=element.pk)
    asked = request(row, "stop", [instance_id], batch=uuid.uuid4(), by="maria", now=timezone.now())
    perform(row, [action.pk for action in asked.actions], clock=timezone.now)
    follow(row, now=timezone.now())
    remember(row, examine(row, caller="maria", now=timezone.now()))
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("poll", "--all", "--json", stdout=out, stderr=err)
    except SystemExit as ended:
        assert ended.code == 1
    return out.getvalue() + err.getvalue()


def _rows():
    """Yield every row of every table as text, the keys of an element as they are stored."""
    for model in apps.get_models():
        if model is not Element:
            yield from map(str, model._default_manager.values())
    plain = [
        field.name for field in Element._meta.concrete_fields if "key" not in field.name and "token" not in field.name
    ]
    yield from map(str, Element.objects.values(*plain))


def test_the_sdk_logs_warnings_only_because_at_info_it_logs_every_client_it_builds():
    for name in ("boto3", "botocore", "urllib3"):
        assert settings.LOGGING["loggers"][name]["level"] == "WARNING"

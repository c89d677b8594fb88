"""How a line of the log is written: one for each thing that happened, with whose it is, without secrets."""

import json
import logging
import re
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

from elements.aws.redaction import Redactor
from elements.domain.traces import current

_LONGEST = 20_000
# A request that Django refuses for what it brings, as a wrong Host, says so; where in Django is no news.
_REFUSED = "django.security."
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
# What ends a line, hides text from a reader, or steers his terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_formatter = logging.Formatter()
_process = "-"


def name_process(name: str) -> None:
    """Name this process in each line from now on: one log tells all of `manage.py up` apart."""
    global _process
    _process = name


class LineFilter(logging.Filter):
    """Makes of each record plain text in one line, and adds whose it is: which process's, which request's or poll's."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, once: what it says is settled then."""
        if hasattr(record, "trace_id"):
            return True
        try:
            text = record.getMessage()
        except Exception:  # a wrong number of arguments; raised, it would hide what was to be said
            text = str(record.msg)
        request = getattr(record, "request", None)
        if said := getattr(request, "database_said", ""):  # that needs no trace
            text, record.exc_info, record.exc_text = f"{text}: {said}", None, None
        if record.name.startswith(_REFUSED):
            record.exc_info = record.exc_text = None
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.stack_info:
            text = f"{text}\n{record.stack_info}"
        if record.exc_text:
            text = f"{text}\n{record.exc_text}"
        record.msg, record.args = _plain(text), None
        record.exc_info = record.exc_text = record.stack_info = None
        record.part = _process
        record.trace_id = getattr(request, "trace_id", "") or current() or "-"
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": getattr(record, "part", "-"),
            "id": getattr(record, "trace_id", "-"),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line)


def _plain(text: str) -> str:
    """Take secrets out, and write what is no letter as Python does: a line break becomes \\n."""
    text = _KEY_ID.sub(lambda found: f"…{found[0][-4:]}", text)
    text = _redactor().written(text)[:_LONGEST]
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


@cache
def _redactor() -> Redactor:
    """Return what knows the secrets of this installation; those of an element never get here."""
    urls = (getattr(settings, "REDIS_URL", ""), str(settings.DATABASES["default"].get("PASSWORD") or ""))
    others = [urlsplit(urls[0]).password or "", urls[1], settings.METRICS_TOKEN, settings.OIDC.get("secret", "")]
    return Redactor("", [settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEY, *others])

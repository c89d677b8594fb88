"""What a person is told when ec2mon itself failed: a reference, which the log knows too."""

import logging
import secrets

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template import loader
from django.utils import timezone


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that needs neither database nor session, for they may be what failed."""
    reference = f"{timezone.now():%Y-%m-%d}-{secrets.token_hex(3).upper()}"
    request.reference = reference  # type: ignore[attr-defined]
    return HttpResponseServerError(loader.get_template("500.html").render({"reference": reference}))


class ReferenceFilter(logging.Filter):
    """Puts the reference into the line that Django logs for the same request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through; add the reference to those of a request that has one."""
        reference = getattr(getattr(record, "request", None), "reference", "")
        if reference and reference not in str(record.msg):
            record.msg = f"{record.msg} (reference {reference})"
        return True

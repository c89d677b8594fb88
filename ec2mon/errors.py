"""What a person is told when ec2mon itself failed: a reference, which the log knows too, or that the database did."""

import logging
import secrets
import sys
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template import loader
from django.utils import timezone
from django.views.debug import SafeExceptionReporterFilter

from ec2mon import without_database


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that needs neither database nor session, for they may be what failed."""
    error = sys.exception()
    if without_database.is_meant(error):
        return without_database.answer(request, str(error))
    reference = f"{timezone.now():%Y-%m-%d}-{secrets.token_hex(3).upper()}"
    request.reference = reference  # type: ignore[attr-defined]
    return HttpResponseServerError(loader.get_template("500.html").render({"reference": reference}))


class ReferenceFilter(logging.Filter):
    """Puts the reference into the line that Django logs for the same request; what a database said needs no trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through; add to those of a request what is known of its failure."""
        request = getattr(record, "request", None)
        reference = getattr(request, "reference", "")
        if reference and reference not in str(record.msg):
            record.msg = f"{record.msg} (reference {reference})"
        if (said := getattr(request, "database_said", "")) and record.exc_info:
            record.msg, record.args, record.exc_info = f"{record.getMessage()}: {said}", (), None
        return True


class NoValues(SafeExceptionReporterFilter):
    """Shows where an error arose and in what, but no value: a form or a variable there may hold AWS keys.

    Django shows them all with DEBUG, and without it what nobody marked as sensitive.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        """Filter with DEBUG too."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, str]:
        """Name the fields of the form that was sent."""
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request is not None else {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Name the variables of a function."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()

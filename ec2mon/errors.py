"""What a person is told when ec2mon itself failed: a reference, which the log knows too, or that the database did."""

import sys
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template import loader
from django.views.debug import SafeExceptionReporterFilter

from ec2mon import without_database
from elements.domain.traces import current


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that needs neither database nor session, for they may be what failed."""
    error = sys.exception()
    if without_database.is_meant(error):
        return without_database.answer(request, str(error))
    reference = getattr(request, "trace_id", "") or current()
    return HttpResponseServerError(loader.get_template("500.html").render({"reference": reference}))


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

"""`/healthz`: is the database reachable."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when a query works, 503 otherwise; without words to HEAD, which pages ask every few seconds."""
    is_head = request.method == "HEAD"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("" if is_head else "database not reachable\n", status=503, content_type="text/plain")
    return HttpResponse("" if is_head else "ok\n", content_type="text/plain")

"""What a person is told while the database cannot be used: why, and what became of a form."""

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

RETRY_AFTER_S = 10
# Nothing of what these are sent for has happened, until the view says otherwise by `request.may_be_recorded`.
_STORED_FIRST = ("elements:action_confirm", "elements:action_submit")
_UNWRITABLE = ("readonly", "read-only", "full", "disk i/o error", "no space left")
_BUSY = ("locked", "lock timeout")


def is_meant(error: BaseException | None) -> bool:
    """Tell whether the database failed, and not we; PostgreSQL's error for read-only is not among the usual ones."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, DatabaseError) and "read-only transaction" in str(error)


def answer(request: HttpRequest, why: str) -> HttpResponse:
    """Answer with a page that needs no database."""
    request.database_said = why.strip().partition("\n")[0]  # type: ignore[attr-defined]
    fate = _fate(request)
    again = "/" if fate else request.get_full_path()
    page = loader.get_template("503.html").render({"trouble": _trouble(why.lower()), "fate": fate, "again": again})
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


def _trouble(why: str) -> str:
    if any(word in why for word in _UNWRITABLE):
        return "unwritable"
    return "busy" if any(word in why for word in _BUSY) else "away"


def _fate(request: HttpRequest) -> str:
    """Return what became of a form: nothing or unknown; "" when it was none that matters."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    if request.method in ("GET", "HEAD") or name == "login":
        return ""
    is_sure = name in _STORED_FIRST and not getattr(request, "may_be_recorded", False)
    return "nothing" if is_sure else "unknown"

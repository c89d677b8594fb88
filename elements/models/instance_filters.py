"""From the words of a filter to the rows they mean."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from elements.domain import filters
from elements.domain.filters import GONE, Term
from elements.domain.instance_rows import CHECK_RANKS, UNCHECKED_RANK
from elements.domain.instance_states import CHANGING
from elements.models.lookups import LineLike  # noqa: F401  (registers the lookups)
from elements.models.scheduled_events import ScheduledEvent


def condition(terms: Sequence[Term], now: datetime) -> Q:
    """Return the condition that all terms together make; raises InvalidFilter."""
    result = Q()
    for term in terms:
        found = _READERS[term.key](term, now)
        result &= ~found if term.excluded else found
    return result


def with_scheduled_events() -> Q:
    """Return the condition for instances with a scheduled event ahead or going on."""
    active = ScheduledEvent.objects.active().filter(instance__isnull=False)
    return Q(pk__in=active.order_by().values("instance_id"))


def _text(term: Term, now: datetime) -> Q:
    return _like("search__line_like", f"*{term.value}*") if term.has_wildcard else Q(search__contains=term.value)


def _name(term: Term, now: datetime) -> Q:
    # The first line of `search` is the display name in lower case: databases differ in what lower case is.
    return _like("search__first_line_like", term.anywhere)


def _id(term: Term, now: datetime) -> Q:
    return Q(instance_id__line_like=term.value) if term.has_wildcard else Q(instance_id__contains=term.value)


def _type(term: Term, now: datetime) -> Q:
    return _whole("instance_type", term)


def _zone(term: Term, now: datetime) -> Q:
    if term.has_wildcard:
        return Q(availability_zone__line_like=term.value) | Q(availability_zone__line_like=f"*-{term.value}")
    return Q(availability_zone=term.value) | Q(availability_zone__endswith=f"-{term.value}")


def _ip(term: Term, now: datetime) -> Q:
    block = filters.network(term.value)
    if block:
        return Q(private_ip_number__range=block) | Q(public_ip_number__range=block)
    return _whole("private_ip", term) | _whole("public_ip", term)


def _tag(term: Term, now: datetime) -> Q:
    pattern = term.value if "=" in term.value else f"{term.value}=*"
    if term.has_wildcard:
        return _like("tag_lines__line_like", pattern)
    end = "\n" if "=" in term.value else "="
    return Q(tag_lines__contains=f"\n{term.value}{end}")


def _state(term: Term, now: datetime) -> Q:
    names = set(filters.states(term))
    found = Q(state__in=(names | set(CHANGING)) if "changing" in names else names)
    return found | Q(gone_at__isnull=False) if GONE in names else found


def _checks(term: Term, now: datetime) -> Q:
    ranks = [CHECK_RANKS.get(name, UNCHECKED_RANK) for name in filters.checks(term)]
    return Q(checks_rank__in=ranks)


def _event(term: Term, now: datetime) -> Q:
    if term.value in ("any", "*"):
        return with_scheduled_events()
    if term.value == "none":
        return ~with_scheduled_events()
    kind = Q(code__line_like=term.anywhere)
    active = ScheduledEvent.objects.active().filter(kind, instance__isnull=False)
    return Q(pk__in=active.order_by().values("instance_id"))


def _launched(term: Term, now: datetime) -> Q:
    limit = filters.age(term.value)
    moment = now - timedelta(seconds=limit.seconds)
    return Q(launched_at__gt=moment) if limit.younger else Q(launched_at__lte=moment)


def _like(lookup: str, pattern: str) -> Q:
    """Return the condition that a text meets a pattern; those without its longest piece are passed over sooner."""
    column, piece = lookup.partition("__")[0], max(pattern.split("*"), key=len)
    return Q(**{f"{column}__contains": piece}) & Q(**{lookup: pattern})


def _whole(column: str, term: Term) -> Q:
    return Q(**{f"{column}__line_like" if term.has_wildcard else column: term.value})


_READERS: Mapping[str, Callable[[Term, datetime], Q]] = {
    "": _text,
    "name": _name,
    "id": _id,
    "type": _type,
    "az": _zone,
    "ip": _ip,
    "tag": _tag,
    "state": _state,
    "checks": _checks,
    "event": _event,
    "launched": _launched,
}

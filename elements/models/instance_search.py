"""Find instances of all elements by name, ID, IP address or tag, the best first."""

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Case, Q, Value, When

from elements.models.instances import Instance

# A search reads no more rows than this, the newest ones, so that it stays quick whatever is stored.
MOST_READ = 200_000
COLUMNS = (
    "element_id",
    "instance_id",
    "display_name",
    "state",
    "checks_rank",
    "private_ip",
    "public_ip",
    "gone_at",
    "tag_lines",
)


def find_instances(words: Sequence[str], limit: int, user: User | AnonymousUser) -> list[Instance]:
    """Return instances that a user may see and that hold every word, given in lower case; two queries.

    A line of `search` is the name, the ID, an address or a tag. Whole lines come first, then names that begin so, then
    other lines that do, then the rest; instances that AWS no longer lists come last.
    """
    if not words:
        return []
    met = Q()
    for word in words:
        met &= Q(search__contains=word)
    found = Instance.objects.visible_to(user).filter(met, pk__gt=_unread()).annotate(rank=_rank(" ".join(words)))
    is_gone = Case(When(gone_at__isnull=True, then=Value(0)), default=Value(1))
    return list(found.only(*COLUMNS).order_by(is_gone, "rank", "display_name", "pk")[:limit])


def _rank(whole: str) -> Case:
    is_line = Q(search__startswith=f"{whole}\n") | Q(search__contains=f"\n{whole}\n")
    return Case(
        When(is_line, then=Value(0)),
        When(search__startswith=whole, then=Value(1)),
        When(search__contains=f"\n{whole}", then=Value(2)),
        default=Value(3),
    )


def _unread() -> int:
    """Return the number below which rows are too old to be read, 0 when all may be."""
    newest = Instance.objects.order_by("-pk").values_list("pk", flat=True)
    return newest[MOST_READ : MOST_READ + 1].first() or 0

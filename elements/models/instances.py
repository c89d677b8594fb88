"""Instance: what AWS last said about one EC2 instance, and the name we show for it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.db import models
from django.db.models import F, Value
from django.db.models.expressions import Expression
from django.db.models.functions import Lower, NullIf

from elements.domain.actions import InstanceFacts
from elements.domain.instance_states import CHANGING, StateView, state_view
from elements.models.access import KeptManager, OfElements
from elements.models.elements import Element
from elements.models.lookups import StateRank, TagValue
from elements.models.statements import Given, Statement

CHECKS = ("system_status", "instance_status", "ebs_status")
# Not needed for a row of a table, and large.
HEAVY_FIELDS = ("search", "tag_lines", "raw_digest", "status_raw_digest")
DEFAULT_SORT = "name"
# So many rows are sorted sooner than they are searched for in their order.
FEW = 500
TAG_PREFIX = "tag:"


def _text(column: str) -> Expression:
    """Return a column whose empty texts sort with the absent ones."""
    return NullIf(F(column), Value(""))


# What a table may be sorted by. Ascending, the checks come worst first and the launches youngest first.
SORTS: Mapping[str, Expression | F] = {
    "name": Lower("display_name"),
    "id": F("instance_id"),
    "state": StateRank(),
    "checks": F("checks_rank"),
    "type": F("instance_type"),
    "az": F("availability_zone"),
    "private_ip": F("private_ip_number"),
    "public_ip": F("public_ip_number"),
    "launched": F("launched_at"),
    "platform": _text("platform"),
    "architecture": _text("architecture"),
    "vpc": _text("vpc_id"),
    "subnet": _text("subnet_id"),
    "image": _text("image_id"),
    "key_pair": _text("key_name"),
    "iam_role": _text("iam_role"),
    "lifecycle": _text("lifecycle"),
    "asg": _text("auto_scaling_group"),
}
# What AWS says of every instance. One index serves both directions of these; PostgreSQL would need two where what is
# absent is to come last either way.
_NEVER_ABSENT = ("name", "id", "state", "checks", "type", "az", "launched")


class Window(NamedTuple):
    """The rows of a page, counted from one end of the list."""

    first: int
    last: int
    from_end: bool


def window(start: int, stop: int, count: int) -> Window:
    """Return the rows from `start` to before `stop` among `count`, counted from the end that is nearer."""
    stop = min(stop, count)
    return Window(count - stop, count - start, True) if start > count - stop else Window(start, stop, False)


class InstanceQuerySet(OfElements, models.QuerySet["Instance"]):
    """Ways to read instances."""

    def listed(self) -> "InstanceQuerySet":
        """Keep those AWS listed at the last complete read."""
        return self.filter(gone_at__isnull=True)

    def gone(self) -> "InstanceQuerySet":
        """Keep those AWS no longer lists."""
        return self.filter(gone_at__isnull=False)

    def running(self) -> "InstanceQuerySet":
        """Keep the running ones."""
        return self.filter(state="running")

    def changing(self) -> "InstanceQuerySet":
        """Keep those on their way to another state."""
        return self.filter(state__in=CHANGING)

    def failing(self) -> "InstanceQuerySet":
        """Keep those with an impaired status check."""
        return self.filter(checks_rank=0)

    def sorted_by(self, sort: str) -> "InstanceQuerySet":
        """Sort by a name of SORTS or `tag:key`, with a leading - the other way round; anything else is the default.

        What has no value comes last either way. Equal rows are in the order of their names, or all in the opposite one:
        so an index that ends in it is read from either end.
        """
        name = sort.removeprefix("-")
        if not is_sort(name):
            sort = name = DEFAULT_SORT
        by = SORTS[name] if name in SORTS else TagValue(name.removeprefix(TAG_PREFIX))
        downwards, absent_last = sort.startswith("-"), None if name in _NEVER_ABSENT else True
        first = by.desc(nulls_last=absent_last) if downwards != (name == "launched") else by.asc(nulls_last=absent_last)
        rest = (Lower("display_name"), F("id"))
        return self.order_by(first, *(each.desc() if downwards else each.asc() for each in rest))

    def rows(self, cut: "Window") -> "InstanceQuerySet":
        """Keep the rows of a page.

        Which they are is found first, in an index where there is one: what is stepped over is never read whole.
        """
        ordered = self.reverse() if cut.from_end else self
        of_page = Instance.objects.filter(pk__in=ordered.values("pk")[cut.first : cut.last])
        return of_page.order_by(*self.query.order_by)

    def counted(self) -> tuple[list[int] | None, int]:
        """Return the keys of the rows, None when there are more than FEW, and how many there are.

        A search reads every row of the element: so it reads them once, and not a second time in the order of the page.
        """
        few = list(self.order_by().values_list("pk", flat=True)[: FEW + 1])
        return (None, self.order_by().count()) if len(few) > FEW else (few, len(few))

    def known(self, element_id: int) -> "Iterator[tuple[str, bytes, bytes]]":
        """Yield the ID and the raw digests of each instance that AWS listed at an element's last complete read."""
        return _KNOWN.each(2000, element=element_id)

    def untyped_spots(self) -> "InstanceQuerySet":
        """Keep the listed Spot Instances of whose request the type is not known."""
        return self.listed().filter(lifecycle="spot", spot_type="")

    def light(self) -> "InstanceQuerySet":
        """Leave the columns out that no table row shows."""
        return self.defer(*HEAVY_FIELDS)


def is_sort(name: str) -> bool:
    """Tell whether rows can be sorted by a name, given without a leading -."""
    return name in SORTS or (name.startswith(TAG_PREFIX) and name != TAG_PREFIX and "\0" not in name)


def _sorted(name: str, *by: Expression | F) -> models.Index:
    """Return the index of a column that the list of instances is sorted by, in the order of `sorted_by`.

    It holds listed instances only: PostgreSQL reads none in order whose first part is asked to be NULL. The NULL at its
    end spares SQLite a look at each row that a page steps over.
    """
    listed = models.Q(gone_at__isnull=True)
    return models.Index(F("element"), *by, Lower("display_name"), F("id"), F("gone_at"), name=name, condition=listed)


class Instance(models.Model):
    """One EC2 instance of an element."""

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="instances")
    instance_id = models.CharField("Instance ID", max_length=40)
    display_name = models.CharField("Display key", max_length=255)
    name_is_shared = models.BooleanField(default=False)
    plain_name = models.CharField(max_length=255, blank=True)
    state = models.CharField("State", max_length=20)
    state_reason_code = models.CharField(max_length=100, blank=True)
    state_reason = models.CharField(max_length=255, blank=True)
    state_transition_reason = models.CharField(max_length=255, blank=True)
    state_since_at = models.DateTimeField(null=True)
    instance_type = models.CharField("Type", max_length=60, blank=True)
    availability_zone = models.CharField("AZ", max_length=60, blank=True)
    private_ip = models.CharField("Private IP", max_length=45, blank=True)
    private_ip_number = models.BigIntegerField(null=True)
    public_ip = models.CharField("Public IP", max_length=45, blank=True)
    public_ip_number = models.BigIntegerField(null=True)
    private_dns = models.CharField(max_length=255, blank=True)
    public_dns = models.CharField(max_length=255, blank=True)
    launched_at = models.DateTimeField("Launched", null=True)
    platform = models.CharField(max_length=100, blank=True)
    architecture = models.CharField(max_length=40, blank=True)
    vpc_id = models.CharField("VPC", max_length=60, blank=True)
    subnet_id = models.CharField("Subnet", max_length=60, blank=True)
    image_id = models.CharField("Image", max_length=60, blank=True)
    key_name = models.CharField("Key pair", max_length=255, blank=True)
    iam_role = models.CharField("IAM role", max_length=255, blank=True)
    lifecycle = models.CharField(max_length=40, blank=True)
    root_device_type = models.CharField(max_length=40, blank=True)
    managed_by = models.CharField(max_length=255, blank=True)
    auto_scaling_group = models.CharField("Auto Scaling group", max_length=255, blank=True)
    account_id = models.CharField(max_length=12, blank=True)
    tags = models.JSONField(default=dict)
    tag_lines = models.TextField(blank=True)
    search = models.TextField(blank=True)
    digest = models.CharField(max_length=32)
    status_digest = models.CharField(max_length=32, blank=True)
    raw_digest = models.BinaryField(default=b"")
    status_raw_digest = models.BinaryField(default=b"")
    spot_request_id = models.CharField(max_length=60, blank=True)
    spot_type = models.CharField(max_length=12, blank=True)
    system_status = models.CharField(max_length=20, blank=True)
    instance_status = models.CharField(max_length=20, blank=True)
    ebs_status = models.CharField(max_length=20, blank=True)
    impaired_since_at = models.DateTimeField(null=True)
    checks_rank = models.PositiveSmallIntegerField(default=9)
    protected_seen_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    observed_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField(default=0)

    objects = KeptManager.from_queryset(InstanceQuerySet)()

    class Meta:
        ordering = ("display_name", "id")
        constraints = [
            models.UniqueConstraint(fields=("element", "instance_id"), name="one_row_per_instance_of_an_element")
        ]
        indexes = [
            _sorted("instance_by_name"),
            _sorted("instance_by_state_rank", StateRank()),
            _sorted("instance_by_checks", F("checks_rank")),
            _sorted("instance_by_launch", F("launched_at").desc()),
            _sorted("instance_by_type", F("instance_type")),
            _sorted("instance_by_zone", F("availability_zone")),
            _sorted("instance_by_private_ip", F("private_ip_number")),
            _sorted("instance_by_public_ip", F("public_ip_number")),
            # Counts instances by state.
            models.Index(fields=("element", "gone_at", "state", "id"), name="instance_by_state"),
            models.Index(fields=("element", "revision"), name="instance_by_revision"),
            # As many columns as can be: SQLite would take another index that matches more of the question.
            models.Index(
                fields=("element", "gone_at", "lifecycle"),
                condition=models.Q(lifecycle="spot", spot_type="", gone_at__isnull=True),
                name="instance_spot_untyped",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def view(self) -> StateView:
        """Return the look of the state, or of having gone."""
        return state_view("gone" if self.gone_at else self.state)

    def facts(self, open_verb: str = "", open_by: str = "") -> InstanceFacts:
        """Return what decides whether the instance may be asked for something."""
        return InstanceFacts(
            state=self.state,
            is_gone=self.gone_at is not None,
            root_device_type=self.root_device_type,
            lifecycle=self.lifecycle,
            spot_type=self.spot_type,
            protected_seen_at=self.protected_seen_at,
            managed_by=self.managed_by,
            open_verb=open_verb,
            open_by=open_by,
        )

    @property
    def checks_passed(self) -> int:
        """Return how many of the status checks passed."""
        return sum(getattr(self, field) == "ok" for field in CHECKS)

    @property
    def checks_made(self) -> int:
        """Return how many status checks AWS makes on this instance."""
        return sum(getattr(self, field) not in ("", "not-applicable") for field in CHECKS)


_KNOWN = Statement(
    lambda: (
        Instance.objects.filter(element=Given("element"))
        .listed()
        .order_by()
        .values_list("instance_id", "raw_digest", "status_raw_digest")
    )
)

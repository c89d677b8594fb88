"""Element: one AWS region and the keys to read it."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import models
from django.utils.text import slugify

from elements.domain.connections import NEW, PAUSED, Connection
from elements.domain.display_keys import DEFAULT_DISPLAY_KEY_FORMAT, DISPLAY_KEY_FORMATS
from elements.domain.naming import DEFAULT_FORMAT
from elements.models.access import ElementAccess, hidden_from
from elements.models.fields import SecretCharField
from elements.models.statements import Given, Statement
from elements.models.worker_beats import LastBeat

if TYPE_CHECKING:
    from elements.models.polls import Poll

KEY_FIELDS = ("access_key_id", "secret_access_key", "session_token")


class ElementQuerySet(models.QuerySet["Element"]):
    """Ways to read elements."""

    def active(self) -> "ElementQuerySet":
        """Keep those that are polled."""
        return self.filter(paused=False)

    def visible_to(self, user: User | AnonymousUser) -> "ElementQuerySet":
        """Keep those that a user may know of; whether he may see elements at all is told by his rights."""
        return self.exclude(pk__in=hidden_from(user))

    def locked(self) -> "ElementQuerySet":
        """Let nobody else change the rows until the end of the transaction; others may still store what refers to them.

        Comes before the lock of the element's Poll row: in one order nobody waits for each other in a circle.
        """
        return self.select_for_update(no_key=True)

    def named(self, text: str) -> "Element | None":
        """Return the element of a name, else of an address, None when there is neither."""
        return self.filter(name=text).first() or self.filter(slug=text).first()

    def with_keys(self) -> "ElementQuerySet":
        """Load the key fields too; only the use cases that open AWS may ask for them."""
        return self.defer(None).defer("last_test")

    def to_poll(self, element_id: int) -> "Element | None":
        """Return an element with its keys and its Poll row, None when there is none; only polls may ask for it."""
        return next(iter(_TO_POLL.rows(element=element_id)), None)

    def sharing_budget(self, account: str, region: str) -> "ElementQuerySet":
        """Keep those whose requests AWS counts together: see `budget_account`."""
        seen, named = models.Q(seen_account_id=account), models.Q(seen_account_id="", account_id=account)
        by_key = models.Q(seen_account_id="", account_id="", key_hint=account.removeprefix("key "))
        return self.filter(seen | named | by_key, region=region)

    def with_beats(self, queues: Iterable[str], soon: datetime | Given) -> "ElementQuerySet":
        """Add to each row, as `beat_QUEUE`, when a queue last proved to work; text, which costs no row anything.

        They are the same in each row: so whoever reads elements learns it without asking twice.
        """
        return self.annotate(**{f"beat_{queue}": LastBeat(queue, soon) for queue in queues})

    def with_poll(self) -> "ElementQuerySet":
        """Join the Poll row, without the keys."""
        return self.select_related("poll").order_by("name")


class ElementManager(models.Manager.from_queryset(ElementQuerySet)):  # type: ignore[misc]
    """Defers the keys, so that no page decrypts one by accident, and what only General shows."""

    def get_queryset(self) -> ElementQuerySet:
        """Return elements without their keys and their last test; those that were removed are not there."""
        queryset: ElementQuerySet = super().get_queryset().filter(removed_at__isnull=True)
        return queryset.defer(*KEY_FIELDS, "last_test")


class Element(models.Model):
    """One region of one AWS account, with the keys to read it."""

    name = models.CharField("Name", max_length=100, unique=True)
    slug = models.SlugField(max_length=120, unique=True, editable=False, allow_unicode=False)
    region = models.CharField("Region Endpoint", max_length=40)
    endpoint_url = models.CharField("Endpoint URL", max_length=255, blank=True)
    sts_endpoint_url = models.CharField("STS Endpoint URL", max_length=255, blank=True)
    access_key_id = SecretCharField("Access Key ID", max_length=128, blank=True, default="")
    secret_access_key = SecretCharField("Secret Access Key", max_length=255, blank=True, default="")
    session_token = SecretCharField("Session Token", max_length=4096, blank=True, default="")
    key_hint = models.CharField(max_length=8, blank=True, editable=False)
    keys_stored_at = models.DateTimeField(null=True, blank=True, editable=False)
    keys_stored_by = models.CharField(max_length=150, blank=True, editable=False)
    account_id = models.CharField("Account ID", max_length=12, blank=True)
    account_arn = models.CharField("ARN", max_length=512, blank=True, editable=False)
    seen_account_id = models.CharField(max_length=12, blank=True, editable=False)
    identified_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_test = models.JSONField(default=dict, blank=True, editable=False)
    paused = models.BooleanField("Polling paused", default=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.CharField(max_length=150, blank=True, editable=False)
    interval_s = models.PositiveIntegerField("Polling Interval", default=30)
    naming_format = models.CharField("Naming Format", max_length=200, default=DEFAULT_FORMAT)
    naming_saved_at = models.DateTimeField(null=True, blank=True, editable=False)
    naming_effective_at = models.DateTimeField(null=True, blank=True, editable=False)
    duplicate_names = models.PositiveIntegerField(default=0, editable=False)
    display_key_format = models.CharField(
        "Scheduled Events Display Key Format",
        max_length=20,
        choices=DISPLAY_KEY_FORMATS,
        default=DEFAULT_DISPLAY_KEY_FORMAT,
    )
    gone_retention_days = models.PositiveIntegerField("Keep Gone Instances", default=7)
    event_retention_days = models.PositiveIntegerField("Keep Ended Scheduled Events", default=30)
    history_retention_days = models.PositiveIntegerField("Keep History", default=90)
    debug_retention_days = models.PositiveIntegerField("Keep Debug Records", default=7)
    debug_max_rows = models.PositiveIntegerField("Debug Records at Most", default=50_000)
    created_at = models.DateTimeField(auto_now_add=True)
    # Hidden from everybody since then; the row goes after all that belonged to it.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Its instances, scheduled events and history are hidden since then, and on their way out.
    cleared_at = models.DateTimeField(null=True, blank=True, editable=False)
    groups: "models.ManyToManyField[Group, ElementAccess]" = models.ManyToManyField(
        Group, through=ElementAccess, related_name="elements", blank=True
    )

    objects = ElementManager()

    if TYPE_CHECKING:
        poll: Poll

    class Meta:
        ordering = ("name",)
        base_manager_name = "objects"
        permissions = [("operate_element", "Can start, stop, reboot, reschedule and poll")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(interval_s__gte=10, interval_s__lte=86_400),
                name="interval_from_10_s_to_24_h",
                violation_error_message="The interval must be from 10 s to 86 400 s (24 h).",
            )
        ]
        indexes = [
            models.Index(fields=("cleared_at",), condition=models.Q(cleared_at__isnull=False), name="element_leaving")
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Give a new element its address; it never changes afterwards, so that links stay good."""
        if not self.slug:
            self.slug = free_slug(self.name)
        super().save(*args, **kwargs)

    @property
    def has_keys(self) -> bool:
        """Tell whether keys are stored, without decrypting them."""
        return self.keys_stored_at is not None

    @property
    def budget_account(self) -> str:
        """Return the account in whose name AWS counts requests; as long as that is not known, the key stands for it."""
        return self.seen_account_id or self.account_id or f"key {self.key_hint}"

    @property
    def account_changed(self) -> bool:
        """Tell whether AWS last named another account than the one this element is for."""
        return bool(self.seen_account_id and self.account_id and self.seen_account_id != self.account_id)

    def connection(self, now: datetime) -> Connection:
        """Return the connection state at a moment; an element without a Poll row is new."""
        poll: Poll | None = getattr(self, "poll", None)
        if poll is None:
            return PAUSED if self.paused else NEW
        return poll.connection(paused=self.paused, interval_s=self.interval_s, now=now)

    def store_keys(
        self, *, access_key_id: str, secret_access_key: str, session_token: str, by: str, now: datetime
    ) -> None:
        """Replace all keys together; whose they are is asked anew before anything read with them counts."""
        values = (access_key_id, secret_access_key, session_token)
        for name, value in zip(KEY_FIELDS, values, strict=True):
            setattr(self, name, value)
        self.key_hint = access_key_id[:4] + access_key_id[-4:]
        self.keys_stored_at, self.keys_stored_by = now, by
        self.identified_at, self.account_arn, self.seen_account_id, self.last_test = None, "", "", {}
        stored = ["key_hint", "keys_stored_at", "keys_stored_by"]
        derived = ["identified_at", "account_arn", "seen_account_id", "last_test"]
        self.save(update_fields=[*KEY_FIELDS, *stored, *derived])

    def set_paused(self, paused: bool, *, by: str, now: datetime) -> None:
        """Switch polling off or on and keep who did it."""
        self.paused, self.paused_at, self.paused_by = paused, now if paused else None, by if paused else ""
        self.save(update_fields=["paused", "paused_at", "paused_by"])


_TO_POLL = Statement(lambda: Element.objects.with_keys().select_related("poll").filter(pk=Given("element")))


def leaving() -> ElementQuerySet:
    """Return the elements whose rows are on their way out, those that were removed too; without their keys."""
    return ElementQuerySet(Element).filter(cleared_at__isnull=False).defer(*KEY_FIELDS, "last_test")


def free_slug(name: str, taken: Iterable[str] | None = None) -> str:
    """Return an address for the name that no element has yet; a name without ASCII letters gives element-2."""
    base = slugify(name)[:100] or "element"
    in_use = (
        set(taken)
        if taken is not None
        else set(Element.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    )
    slug, number = base, 2
    while slug in in_use:
        slug, number = f"{base}-{number}", number + 1
    return slug

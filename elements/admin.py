"""Element set-up: keys are write-only fields; pause, resume and test many at once."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from elements.domain.wording import absolute, account, plural
from elements.forms.admin import AdminElementForm
from elements.forms.elements import ElementForm
from elements.models import Activity, Element
from elements.usecases import removal, set_up, sign_ins
from elements.usecases.configure import save_settings, switch_polling
from elements.usecases.connect import KeysMissing
from elements.usecases.test_connection import examine, remember
from elements.views.general import tell

# Each test takes up to half a minute when AWS is silent.
TESTED_AT_ONCE = 10


class ShortSearch:
    """Searches for the beginning of a text that no name could be."""

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Cut the text: databases refuse patterns without end."""
        found: tuple[Any, bool] = super().get_search_results(request, queryset, search_term[:200])  # type: ignore[misc]
        return found


@admin.register(Element)
class ElementAdmin(ShortSearch, admin.ModelAdmin):
    """Create, rename, point elsewhere, pause and remove elements. No key is ever shown."""

    form = AdminElementForm
    list_display = ("name", "region", "account", "connection", "last_success", "seen_by")
    list_select_related = ("poll",)
    list_filter = ("paused",)
    search_fields = ("name", "region", "account_id")
    readonly_fields = ("stored_keys", "account_arn")
    actions = ("pause_polling", "resume_polling", "test_connection")
    fieldsets = (
        (None, {"fields": ("name", "region", "use_it_anyway", "account_id", "account_arn")}),
        (
            "Access key",
            {
                "fields": ("stored_keys", "access_key_id", "secret_access_key", "session_token"),
                "description": "All are replaced together; leave them empty to keep what is stored. New keys are tried"
                " before the old ones are dropped.",
            },
        ),
        ("Endpoints of your own", {"fields": ("endpoint_url", "sts_endpoint_url"), "classes": ("collapse",)}),
        ("Polling", {"fields": ("interval_s", "paused")}),
        ("Access", {"fields": ("seen_by",)}),
    )
    choices = ("Confirmations", {"fields": ("save_anyway", "clear_instances")})

    def has_view_permission(self, request: HttpRequest, obj: Element | None = None) -> bool:
        """Let only those in who may change: a page of fields to read would show the keys."""
        return self.has_change_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Element]:
        """Leave out what the user must not see: to him it is not there."""
        return Element.objects.visible_to(request.user).prefetch_related("groups").order_by("name")

    def get_fieldsets(self, request: HttpRequest, obj: Element | None = None) -> Any:
        """Offer the choices that a new element does not have."""
        return self.fieldsets if obj is None else (*self.fieldsets, self.choices)

    def get_form(self, request: HttpRequest, obj: Element | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Fill the form from the fields that are no keys, and let its tests run on behalf of the user."""
        form: Any = super().get_form(request, obj, change, **{**kwargs, "fields": ElementForm.Meta.fields})
        form.user, form.now = request.user, timezone.now()
        return form

    @method_decorator(csrf_protect)
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Leave out the transaction that Django puts around it: AWS is asked in here."""
        answer: HttpResponse = self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        return answer

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Leave out the transaction that Django puts around it: all steps would be one."""
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined, no-any-return]

    def save_model(self, request: HttpRequest, obj: Element, form: Any, change: bool) -> None:
        """Store through the use cases, which note what was set and never write a column they do not mean."""
        by, now = request.user.get_username(), timezone.now()
        if not change:
            added = set_up.add(form.set_up, form.keys, by=by, now=now, groups=form.cleaned_data["seen_by"])
            obj.pk, obj.slug = added.pk, added.slug
            obj._state.adding = False
            self._test(request, added)
            return
        element = Element.objects.get(pk=obj.pk)
        set_up.change(element, form.wanted, form.keys, by=by, now=now, report=form.report)
        if "seen_by" in form.changed_data:  # a form that was open for long must not open the element again
            set_up.show_to(element, form.cleaned_data["seen_by"], by=by, now=now)
        save_settings(element, {"interval_s": form.cleaned_data["interval_s"]}, by=by, now=now)
        switch_polling(element, not form.cleaned_data["paused"], by=by, now=now)
        if form.report is not None:
            tell(request, form.report, "Saved")

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Say how much goes with each element instead of listing it all."""
        names, counts = [], dict.fromkeys(("instances", "scheduled events", "Debug records", "actions"), 0)
        for element in objs:
            held = removal.holdings(element)
            numbers = (held.instances, held.scheduled_events, held.debug_records, held.actions)
            for noun, number in zip(counts, numbers, strict=True):
                counts[noun] += number
            names.append(f"{element.name} ({element.region}), with {plural(held.instances, 'instance')}")
        return names, {"elements": len(names), **counts}, set(), []

    def delete_model(self, request: HttpRequest, obj: Element) -> None:
        """Remove one element."""
        removal.remove(obj, by=request.user.get_username(), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Element]) -> None:
        """Remove several elements."""
        removal.remove(*queryset, by=request.user.get_username(), now=timezone.now())

    def view_on_site(self, obj: Element) -> str:
        """Lead to the element's own pages."""
        return reverse("elements:general", args=[obj.slug])

    @admin.display(description="Account", ordering="account_id", empty_value="–")
    def account(self, obj: Element) -> str:
        """Show the account in groups of four."""
        return account(obj.account_id)

    @admin.display(description="Connection")
    def connection(self, obj: Element) -> str:
        """Show the connection in a word."""
        return obj.connection(timezone.now()).word

    @admin.display(description="Last success (UTC)", ordering="poll__succeeded_at", empty_value="–")
    def last_success(self, obj: Element) -> str | None:
        """Show when AWS last answered."""
        at: datetime | None = getattr(getattr(obj, "poll", None), "succeeded_at", None)
        return absolute(at) if at else None

    @admin.display(description="Seen by")
    def seen_by(self, obj: Element) -> str:
        """Show which groups see the element."""
        return ", ".join(sorted(group.name for group in obj.groups.all())) or set_up.EVERYBODY

    @admin.display(description="Stored")
    def stored_keys(self, obj: Element) -> str:
        """Show that keys are stored, and of the ID its end."""
        if not obj.keys_stored_at:
            return "No keys yet"
        since = f"{absolute(obj.keys_stored_at, 'm')} UTC by {obj.keys_stored_by}"
        return f"Access Key ID ending in {obj.key_hint[-4:]}, stored encrypted {since}. It is never shown."

    @admin.action(description="Pause polling", permissions=["change"])
    def pause_polling(self, request: HttpRequest, queryset: QuerySet[Element]) -> None:
        """Stop reading the elements."""
        self._switch(request, queryset, on=False, words="paused")

    @admin.action(description="Resume polling", permissions=["change"])
    def resume_polling(self, request: HttpRequest, queryset: QuerySet[Element]) -> None:
        """Read the elements again, at once."""
        self._switch(request, queryset, on=True, words="resumed")

    @admin.action(description="Test connection", permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[Element]) -> None:
        """Ask AWS what the stored keys may do."""
        if queryset.count() > TESTED_AT_ONCE:
            self.message_user(request, f"Choose at most {TESTED_AT_ONCE} elements to test at once.", messages.ERROR)
            return
        for element in queryset:
            self._test(request, element)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Element], *, on: bool, words: str) -> None:
        by, now = request.user.get_username(), timezone.now()
        done = sum(switch_polling(element, on, by=by, now=now) for element in queryset)
        self.message_user(request, f"Polling {words} for {plural(done, 'element')}.", messages.SUCCESS)

    def _test(self, request: HttpRequest, element: Element) -> None:
        try:
            report = examine(element, caller=request.user.get_username(), now=timezone.now())
        except KeysMissing as missing:
            self.message_user(request, f"{element.name}: {missing}", messages.WARNING)
        else:
            remember(element, report)
            tell(request, report, f"{element.name} tested")


# Whoever sets one of these gives rights that he may not have himself.
_RAISING = {"is_staff", "is_superuser", "user_permissions"}


class NotedAdmin(ShortSearch):
    """Keeps in Activity, too, what Django's admin logs: who changed which user or group, and what of it."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Keep that something was added."""
        return _noted(request, super().log_addition(request, obj, message))  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Keep that something was changed."""
        return _noted(request, super().log_change(request, obj, message))  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep that something was removed."""
        names = [f"{row._meta.verbose_name} {row} deleted" for row in queryset]
        entries = super().log_deletions(request, queryset)  # type: ignore[misc]
        for name in names:
            _note(request, name)
        return entries


admin.site.unregister([User, Group])


@admin.register(User)
class NotedUserAdmin(NotedAdmin, UserAdmin):
    """Django's own page of users. Only superusers meet accounts there that may more, or see more, than they do."""

    actions = ("end_pauses", "end_sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Leave out, for all but superusers, superusers and those with rights of their own or in groups of others."""
        users: QuerySet[User] = super().get_queryset(request)
        if request.user.is_superuser:
            return users
        others = Group.objects.exclude(pk__in=request.user.groups.all())
        return users.filter(is_superuser=False, user_permissions=None).exclude(groups__in=others)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave out, for all but superusers, what raises rights."""
        found = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return found
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in _RAISING]})
            for title, options in found
        ]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Let everybody but superusers hand out no groups but those they are in."""
        if db_field.name == "groups" and not request.user.is_superuser:
            kwargs["queryset"] = request.user.groups.order_by("name")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.action(description="End pause of sign-in", permissions=["change"])
    def end_pauses(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let those sign in again who typed too many wrong passwords, wherever they did."""
        names = queryset.values_list("username", flat=True)
        done = sign_ins.end_pauses(names, by=request.user.get_username(), now=timezone.now())
        self.message_user(request, f"Wrong tries forgotten for {plural(done, 'user')}.", messages.SUCCESS)

    @admin.action(description="End all sessions", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Sign them out wherever they are signed in."""
        done = sign_ins.end_sessions(queryset, by=request.user.get_username(), now=timezone.now())
        self.message_user(request, f"{plural(done, 'session')} ended.", messages.SUCCESS)


@admin.register(Group)
class NotedGroupAdmin(NotedAdmin, GroupAdmin):
    """Django's own page of groups. Whoever changes one changes what all its members may, and who sees elements."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let superusers alone add groups."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Let superusers alone change groups."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Let superusers alone remove groups, and only such as no element is kept for."""
        return request.user.is_superuser


def _noted(request: HttpRequest, entry: LogEntry) -> LogEntry:
    kind = entry.content_type.name if entry.content_type else ""
    _note(request, f"{kind} {entry.object_repr}: {entry.get_change_message()}")
    return entry


def _note(request: HttpRequest, text: str) -> None:
    text = text[:1].upper() + text[1:]
    Activity.objects.note(by=request.user.get_username(), kind="setting", text=text, now=timezone.now())

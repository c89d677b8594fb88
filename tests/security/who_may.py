"""What each kind of reader gets at each address: the rules, as the resolver writes its routes."""

from dataclasses import dataclass

# Who asks. `inactive` still has the session of before he was switched off; `outsider` and `outside_admin` are an
# operator and an administrator in none of the groups named for the element; the three before them are in one.
READERS = (
    "nobody",
    "inactive",
    "without_group",
    "viewer",
    "operator",
    "administrator",
    "outsider",
    "outside_admin",
    "superuser",
)


@dataclass(frozen=True)
class Rule:
    """The status of GET (HEAD gets the same) and of a right form sent by POST, for each reader in their order."""

    get: str
    post: str

    def of(self, method: str, reader: str) -> int:
        """Return the status that a reader gets."""
        return int((self.post if method == "POST" else self.get).split()[READERS.index(reader)])


# What does not exist for a method is 405, but only to those who may use the address at all.
_ADMIN_ALONE = "302 302 302 302 302 {0} 302 {0} {0}"
_SEES = "302 302 403 {0} {0} {0} {1} {1} {0}"
_ACTS = "302 302 403 403 {0} {0} {1} {1} {0}"
_CHANGES = "302 302 403 403 403 {0} {1} {1} {0}"
_SETS_UP = "302 302 403 403 403 {0} 403 {1} {0}"


def _shared(get: int, post: int) -> Rule:
    return Rule(_SEES.format(get, get), _SEES.format(post, post))


def _page() -> Rule:
    """For a page of an element that is only looked at."""
    return Rule(_SEES.format(200, 404), _SEES.format(405, 404))


def _form(post: int = 302) -> Rule:
    """For an action of an element."""
    return Rule(_ACTS.format(405, 404), _ACTS.format(post, 404))


def _admin(get: int, post: int) -> Rule:
    return Rule(_ADMIN_ALONE.format(get), _ADMIN_ALONE.format(post))


def _people(get: int, post: int) -> Rule:
    """For users and groups in the admin site: nobody's but superusers'."""
    return Rule(
        f"302 302 302 302 302 403 302 403 {get}",
        f"302 302 302 302 302 403 302 403 {post}",
    )


_SIGNED_IN = Rule("302 302 200 200 200 200 200 200 200", "302 302 302 302 302 302 302 302 302")
_ANY_FORM = Rule("302 302 405 405 405 405 405 405 405", "302 302 302 302 302 302 302 302 302")
_OPEN = Rule("200 200 200 200 200 200 200 200 200", "405 405 405 405 405 405 405 405 405")
_NOWHERE = Rule("404 404 404 404 404 404 404 404 404", "405 405 405 405 405 405 405 405 405")
_SCREENS = "302 302 403 403 403 {0} 403 {0} {0}"

RULES = {
    "healthz": _OPEN,
    "readyz": Rule(*("503 " * 9, "405 " * 9)),  # no worker beats in a test
    "metrics": _NOWHERE,  # without the token
    "login/": Rule("200 200 302 302 302 302 302 302 302", "302 302 302 302 302 302 302 302 302"),
    "logout/": _ANY_FORM,
    "password/": _SIGNED_IN,
    "password/done/": Rule(_SIGNED_IN.get, "302 302 405 405 405 405 405 405 405"),
    "sessions/end/": _ANY_FORM,
    "settings/": _ANY_FORM,
    "": _shared(200, 405),
    "find/": _shared(200, 405),
    "wall/": _shared(200, 405),
    "wall/<slug:token>/": _OPEN,
    "activity/": _shared(200, 405),
    "wall/screens/": Rule(_SCREENS.format(200), _SCREENS.format(200)),
    "wall/screens/<int:pk>/revoke/": Rule(_SCREENS.format(405), _SCREENS.format(302)),
    "system/": Rule(_SCREENS.format(200), _SCREENS.format(405)),
    "e/<slug:slug>/general/": Rule(_SEES.format(200, 404), _CHANGES.format(302, 404)),
    "e/<slug:slug>/general/test/": _form(),
    "e/<slug:slug>/instances/": _page(),
    "e/<slug:slug>/instances/export.csv": _page(),
    "e/<slug:slug>/instances/selection.json": Rule(_ACTS.format(200, 404), _ACTS.format(405, 404)),
    "e/<slug:slug>/instances/settings/": Rule(_SEES.format(405, 404), _SEES.format(302, 404)),
    "e/<slug:slug>/instances/<str:instance_id>/": _page(),
    "e/<slug:slug>/actions/confirm/": Rule(_ACTS.format(200, 404), _ACTS.format(200, 404)),
    "e/<slug:slug>/actions/": _form(),
    "e/<slug:slug>/configuration/": Rule(_SEES.format(200, 404), _CHANGES.format(302, 404)),
    "e/<slug:slug>/configuration/preview/": Rule(_SEES.format(302, 404), _SEES.format(405, 404)),  # a page only in part
    "e/<slug:slug>/debug/": _page(),
    "e/<slug:slug>/debug/export.<str:kind>": _page(),
    "e/<slug:slug>/events/": _page(),
    "e/<slug:slug>/events/<int:pk>/reschedule/": Rule(_ACTS.format(200, 404), _ACTS.format(302, 404)),
    "e/<slug:slug>/events/display-key/": Rule(_SETS_UP.format(405, 404), _SETS_UP.format(302, 404)),
    "e/<slug:slug>/poll/": _form(),
    "admin/": _admin(200, 200),
    "admin/login/": Rule("302 302 403 403 403 302 403 302 302", "302 302 403 403 403 302 403 302 302"),
    "admin/logout/": Rule(_ADMIN_ALONE.format(405), _ADMIN_ALONE.format(302)),
    "admin/password_change/": _admin(302, 302),
    "admin/password_change/done/": _admin(200, 405),
    "admin/autocomplete/": _admin(403, 405),
    "admin/jsi18n/": _admin(200, 405),
    "admin/r/<path:content_type_id>/<path:object_id>/": _admin(404, 404),
    "admin/^(?P<app_label>elements|auth)/$": _admin(200, 200),
    "admin/(?P<url>.*)$": _admin(404, 404),
    "admin/elements/element/": _admin(200, 302),
    "admin/elements/element/add/": _admin(200, 302),
    # An element that is hidden, or not there, leads to the start of the site with a message, as Django does it.
    "admin/elements/element/<path:object_id>/history/": Rule(
        "302 302 302 302 302 200 302 302 200", "302 302 302 302 302 200 302 302 200"
    ),
    "admin/elements/element/<path:object_id>/delete/": Rule(
        "302 302 302 302 302 200 302 302 200", "302 302 302 302 302 302 302 302 302"
    ),
    "admin/elements/element/<path:object_id>/change/": Rule(
        "302 302 302 302 302 200 302 302 200", "302 302 302 302 302 302 302 302 302"
    ),
    "admin/elements/element/<path:object_id>/": _admin(302, 302),
    "admin/auth/user/": _people(200, 302),
    "admin/auth/user/add/": _people(200, 302),
    "admin/auth/user/<id>/password/": _people(200, 302),
    "admin/auth/user/<path:object_id>/history/": _people(200, 200),
    "admin/auth/user/<path:object_id>/delete/": _people(200, 302),
    "admin/auth/user/<path:object_id>/change/": _people(200, 302),
    "admin/auth/user/<path:object_id>/": _admin(302, 302),
    "admin/auth/group/": _people(200, 302),
    "admin/auth/group/add/": _people(200, 302),
    "admin/auth/group/<path:object_id>/history/": _people(200, 200),
    "admin/auth/group/<path:object_id>/delete/": _people(200, 302),
    "admin/auth/group/<path:object_id>/change/": _people(200, 302),
    "admin/auth/group/<path:object_id>/": _admin(302, 302),
}

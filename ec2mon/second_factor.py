"""Second factors by django-allauth: counted like passwords, encrypted like keys, and asked of whom the settings say."""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ReauthenticateForm as AllauthPasswordAgainForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from axes.handlers.proxy import AxesProxyHandler
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from encrypted_model_fields.fields import decrypt_str, encrypt_str

from elements.forms.sign_in import refusal
from elements.models import Activity

# In a session: the user who showed a second factor in it.
SHOWN_BY = "second_factor_of"
# In the session of a provider's sign-in: when the provider itself last asked who it is, 0 when it did not say.
ASKED_AT = "asked_by_provider_at"
# What is encrypted of an authenticator.
SECRETS = ("secret", "seed")
# For so long after a sign-in second factors are changed without another one; and no code of a minute ago is worth more.
RECENT_S, CODE_LIVES_S = 300, 120
MAY_ENROL = {
    "logout",
    "sessions_end",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "totp_image",
}


class Accounts(DefaultAccountAdapter):
    """Nobody signs up; whoever has just signed in is not asked again."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Ask again some minutes after the sign-in."""
        request = context.request
        shown = get_authentication_records(request, request.user)
        if any(time.time() - _shown_at(request, record) < RECENT_S for record in shown):
            return False
        if _has_only_the_provider(request.user):  # of whom allauth would ask nothing, however old the session
            raise ReauthenticationRequired
        return True

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Lead to the provider whoever has nothing to show here."""
        if _has_only_the_provider(user):
            return [{"id": "provider", "url": reverse("openid_connect_again")}]
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return methods

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Leave out what the pages say themselves."""
        if level >= messages.ERROR:
            super().add_message(request, level, *args, **kwargs)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponseRedirect:
        """Tell whoever is switched off no more than a stranger."""
        return HttpResponseRedirect(reverse("login"))


def _shown_at(request: HttpRequest, record: dict[str, Any]) -> float:
    """Return when somebody showed who it is; a provider lets in again for hours who once did."""
    if record["method"] == "socialaccount":
        return float(request.session.get(ASKED_AT, 0))
    return float(record["at"])


def _has_only_the_provider(user: Any) -> bool:
    """Tell whether somebody has neither password nor second factor, but an account of the provider."""
    if not settings.OIDC or user.has_usable_password() or Authenticator.objects.filter(user_id=user.pk).exists():
        return False
    return bool(user.socialaccount_set.exists())


class SecondFactors(DefaultMFAAdapter):
    """Keeps secrets as AWS keys are kept."""

    def encrypt(self, text: str) -> str:
        """Encrypt with the first key of FIELD_ENCRYPTION_KEY."""
        return encrypt_str(text).decode()  # type: ignore[no-any-return]

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt with any of them; never fall back to something that could be guessed."""
        return decrypt_str(encrypted_text)  # type: ignore[no-any-return]

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """Number the passkeys that get no name of their own."""
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"

    def build_totp_svg(self, url: str) -> str:
        """Draw the code on white: it is read by cameras in both themes."""
        import qrcode
        from qrcode.image.svg import SvgPathFillImage

        drawn: bytes = qrcode.make(url, image_factory=SvgPathFillImage).to_string()
        return drawn.decode()


class CountedCode(BaseAuthenticateForm):
    """Counts wrong codes for a user, from wherever they come: only who knows the password gets here."""

    def clean_code(self) -> str:
        """Take a code once, unless there is a pause."""
        request, credentials = context.request, {"username": self.user.get_username()}
        AxesProxyHandler.update_request(request)
        request.axes_ip_address = None
        if not AxesProxyHandler.is_allowed(request, credentials):
            request.axes_locked_out = True
            raise refusal(request, "")
        try:
            return self._taken_once()
        except InvalidToken:
            raise ValidationError("Codes cannot be checked: FIELD_ENCRYPTION_KEY is another one.") from None
        except ValidationError:
            user_login_failed.send(sender=__name__, credentials=credentials, request=request)
            raise refusal(request, "The code is wrong") from None

    def _taken_once(self) -> str:
        """Check the code while nobody else can check one of the same user."""
        with transaction.atomic():
            list(Authenticator.objects.select_for_update().filter(user=self.user))
            code: str = super().clean_code()
            if self.authenticator.type != Authenticator.Type.TOTP:
                return code
            self.authenticator.refresh_from_db()
            now, typed = time.time(), normalize_user_code(code)
            taken = self.authenticator.data.get("taken", {})
            if now - taken.get(typed, 0) < CODE_LIVES_S:
                raise ValidationError("It was taken already.")
            kept = {old: at for old, at in taken.items() if now - at < CODE_LIVES_S}
            self.authenticator.data["taken"] = {**kept, typed: now}
            self.authenticator.save(update_fields=["data"])
            return code


class CodeForm(CountedCode, AuthenticateForm):
    """The code of a sign-in."""


class CodeAgainForm(CountedCode, ReauthenticateForm):
    """The code of somebody who changes second factors."""


class PasswordAgainForm(AllauthPasswordAgainForm):
    """The password of somebody who changes second factors; wrong ones count like wrong sign-ins."""

    def clean_password(self) -> str:
        """Check it, unless there is a pause."""
        try:
            password: str = super().clean_password()
        except ValidationError:
            raise refusal(context.request, "The password is wrong") from None
        return password


class SecondFactorMiddleware:
    """Leads whoever must have a second factor and has none to where it is set up, and nowhere else."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Do nothing before the address is known."""
        answer: HttpResponse = self.get_response(request)
        return answer

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Let through who showed one, and who needs none."""
        if not getattr(view, "login_required", True) or not is_required_of(request.user):
            return None
        if request.session.get(SHOWN_BY) == str(request.user.pk):
            return None
        if Authenticator.objects.filter(user_id=request.user.pk).exists():  # signed in before it was asked for
            logout(request)
            return redirect_to_login(request.path)
        if request.resolver_match and request.resolver_match.view_name in MAY_ENROL:
            return None
        return HttpResponseRedirect(reverse("mfa_activate_totp"))


def is_required_of(user: Any) -> bool:
    """Tell whether the settings ask somebody for a second factor."""
    who = settings.REQUIRE_SECOND_FACTOR
    if who == "ADMINISTRATORS":
        return bool(user.is_active and (user.is_staff or user.has_perm("elements.change_element")))
    return bool(who == "ALL" and user.is_authenticated)


def connect() -> None:
    """Keep in Activity, and in the session, what becomes of second factors."""
    signals.authenticator_used.connect(_shown)
    signals.authenticator_added.connect(_added)
    signals.authenticator_reset.connect(_changed)
    signals.authenticator_removed.connect(_removed)


def _shown(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    request.session[SHOWN_BY] = str(user.pk)


def _added(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    _shown(request, user)
    _note(user, f"{authenticator.get_type_display()} added")


def _changed(user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    _note(user, f"{authenticator.get_type_display()} made anew")


def _removed(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    if not Authenticator.objects.filter(user_id=user.pk).exists():
        request.session.pop(SHOWN_BY, None)
    _note(user, f"{authenticator.get_type_display()} removed")


def _note(user: Any, what: str) -> None:
    text = f"Second factor: {what}"
    Activity.objects.note(by=user.get_username(), kind="sign-in", text=text, now=timezone.now())


def encrypt_anew() -> int:
    """Encrypt all secrets with the first key of FIELD_ENCRYPTION_KEY; return how many no key opens."""
    unreadable = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            secrets = {name: row.data[name] for name in SECRETS if name in row.data} if row else {}
            try:
                anew = {name: encrypt_str(decrypt_str(token)).decode() for name, token in secrets.items()}
            except InvalidToken:
                unreadable += 1
                continue
            if row and anew:
                row.data.update(anew)
                row.save(update_fields=["data"])
    return unreadable

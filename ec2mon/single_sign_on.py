"""Sign-in by one OpenID Connect provider: what its groups say is what somebody may do here, and without one nothing."""

import secrets
import time
from typing import Any

import jwt
from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.adapter import get_adapter as providers
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from requests import RequestException

from ec2mon.second_factor import ASKED_AT, RECENT_S, SHOWN_BY
from elements.models import Activity
from elements.views.addresses import own_address

PROVIDER = "oidc"
# Signed with a key that only the provider has; nothing that a public key could have made.
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# What a provider that is down, or answers something else than it should, ends in.
BROKEN = (RequestException, OAuth2Error, ValueError, KeyError, TypeError)
TEXT = 150


class Tokens(OpenIDConnectOAuth2Adapter):
    """Believes an ID token that is signed, and nothing that is said beside it about somebody else."""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Read who it is; claims are for this sign-in only and kept nowhere."""
        said = self._decode_id_token(app, kwargs["response"]["id_token"])
        more = self._fetch_user_info(token.token) if "userinfo_endpoint" in self.openid_config else {}
        if more and more.get("sub") != said.get("sub"):
            raise OAuth2Error("The provider speaks of two people.")
        claims = {**more, **said}
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.claims, login.account.extra_data, login.email_addresses = claims, {}, []
        return login

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """Check the signature always, whatever the connection was protected by."""
        if jwt.get_unverified_header(id_token).get("alg") not in SIGNED_BY:
            raise OAuth2Error("The ID token is not signed.")
        found: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=settings.OIDC["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return found


class SingleSignOn(DefaultSocialAccountAdapter):
    """Lets in whoever has a group, and gives the rights of it."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse an answer to somebody else's question, and whoever has no group."""
        nonce = str(sociallogin.state.get("nonce") or "")
        if not nonce or not secrets.compare_digest(nonce, str(sociallogin.claims.get("nonce", ""))):
            raise ImmediateHttpResponse(failed(request))
        if time.time() - asked_at(sociallogin) > RECENT_S and sociallogin.state.get("again"):
            raise ImmediateHttpResponse(failed(request))
        wanted = groups_of(sociallogin.claims)
        if sociallogin.is_existing:
            give(sociallogin.user, wanted)
        if not wanted:
            raise ImmediateHttpResponse(
                render(request, "socialaccount/refused.html", {"provider": settings.OIDC["name"]}, status=403)
            )

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Make an account for somebody with a group; nobody else gets this far."""
        return True

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        """Take names as the database can keep them."""
        text = {name: str(value or "").replace("\0", "")[:TEXT] for name, value in data.items()}
        return super().populate_user(request, sociallogin, text)

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        """Make the account, under another name when somebody here has it already."""
        user = super().save_user(request, sociallogin, form)
        note(user, f"Account made for somebody of {settings.OIDC['name']}")
        give(user, groups_of(sociallogin.claims))
        return user

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        """Say in our words that it came to nothing."""
        raise ImmediateHttpResponse(failed(request))


def asked_at(sociallogin: Any) -> float:
    """Return when the provider asked who it is, 0 if unknown; one that was told to ask and does not say when, did."""
    said, now = sociallogin.claims.get("auth_time"), time.time()
    if isinstance(said, int | float):
        return min(said, now)
    return now if sociallogin.state.get("again") else 0


def groups_of(claims: dict[str, Any]) -> set[str]:
    """Return our groups that the provider's groups stand for; the claim may lie within another, as in a.b."""
    found: Any = claims
    for part in settings.OIDC["claim"].split("."):
        found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    theirs = {one for one in listed if isinstance(one, str)}
    return {ours for name, ours in settings.OIDC["groups"] if name in theirs}


def give(user: Any, wanted: set[str]) -> None:
    """Put somebody into these groups and take him out of the others that the provider decides on."""
    had = set(user.groups.filter(name__in={ours for _, ours in settings.OIDC["groups"]}).values_list("name", flat=True))
    if had == wanted:
        return
    user.groups.remove(*Group.objects.filter(name__in=had - wanted))
    user.groups.add(*Group.objects.filter(name__in=wanted - had))
    note(user, f"Groups by {settings.OIDC['name']}", {"groups": [", ".join(sorted(had)), ", ".join(sorted(wanted))]})


def note(user: Any, text: str, changes: dict[str, Any] | None = None) -> None:
    """Keep what the provider decided."""
    name = user.get_username()
    Activity.objects.note(by=name, kind="sign-in", text=text, now=timezone.now(), changes=changes)


@login_not_required
def begin(request: HttpRequest, again: bool = False) -> HttpResponse:
    """Lead to the provider, from a page of ours only: nobody else begins a sign-in. `again`: it shall ask who it is."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return HttpResponseRedirect(reverse("login"))
    provider, nonce = providers().get_provider(request, PROVIDER), secrets.token_urlsafe(16)
    try:
        answer: HttpResponse = provider.redirect(
            request,
            "login",
            next_url=own_address(request.GET.get("next", "")) or None,
            auth_params={"nonce": nonce} | ({"prompt": "login", "max_age": str(RECENT_S)} if again else {}),
            nonce=nonce,
            again=again,
        )
    except BROKEN:
        return failed(request)
    return answer


@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the provider's answer."""
    try:
        answer: HttpResponse = OAuth2CallbackView.adapter_view(Tokens(request, provider_id))(request)
    except (*BROKEN, jwt.PyJWTError):
        return failed(request)
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """Tell that nobody was signed in, and nothing of why: it may be an attack."""
    return render(request, "socialaccount/failed.html", {"provider": settings.OIDC["name"]}, status=401)


def connect() -> None:
    """Take the provider's word for a second factor: it asks for its own."""
    user_logged_in.connect(_by_provider)


def _by_provider(request: HttpRequest, user: Any, sociallogin: Any = None, **kwargs: Any) -> None:
    if sociallogin is not None:
        request.session[SHOWN_BY] = str(user.pk)
        request.session[ASKED_AT] = asked_at(sociallogin)

"""What SIGN_IN=allauth adds to the settings: second factors, and one OpenID Connect provider."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

APPS = ["allauth", "allauth.account", "allauth.mfa", "ec2mon.apps.SignInOptionConfig"]
# In this order, before what lets nobody in who is not signed in, and after it.
BEFORE, AFTER = "allauth.account.middleware.AccountMiddleware", "ec2mon.second_factor.SecondFactorMiddleware"
BY_PROVIDER = ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
HERE = ("localhost", "127.0.0.1", "::1")


def settings_of(env: environ.Env, middleware: list[str], apps: list[str], required_after: str) -> dict[str, Any]:
    """Return the settings of allauth: no sign-up, no e-mail, and no counter beside the one of all sign-ins."""
    at = middleware.index(required_after)
    provider = _provider(env)
    return {
        **provider,
        "INSTALLED_APPS": [*apps, *APPS, *(BY_PROVIDER if provider else [])],
        "MIDDLEWARE": [*middleware[:at], BEFORE, middleware[at], AFTER, *middleware[at + 1 :]],
        "ACCOUNT_ADAPTER": "ec2mon.second_factor.Accounts",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*", "password2*"],
        "ACCOUNT_RATE_LIMITS": False,
        "ACCOUNT_FORMS": {"reauthenticate": "ec2mon.second_factor.PasswordAgainForm"},
        "MFA_ADAPTER": "ec2mon.second_factor.SecondFactors",
        "MFA_FORMS": {
            "authenticate": "ec2mon.second_factor.CodeForm",
            "reauthenticate": "ec2mon.second_factor.CodeAgainForm",
            "add_webauthn": "ec2mon.passkeys.AddForm",
            "authenticate_webauthn": "ec2mon.passkeys.SecondStepForm",
            "reauthenticate_webauthn": "ec2mon.passkeys.AgainForm",
            "login_webauthn": "ec2mon.passkeys.AloneForm",
        },
        "MFA_RATE_LIMITS": False,
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "ec2mon",
        "MFA_TOTP_TOLERANCE": 1,  # telephones are a few seconds off
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "MFA_TRUST_COOKIE_AGE": timedelta(0),
    }


def _provider(env: environ.Env) -> dict[str, Any]:
    """Return the settings of the OpenID Connect provider, none when there is none."""
    issuer, name = env.str("OIDC_ISSUER", default=""), env.str("OIDC_NAME", default="Single sign-on")
    if not issuer:
        return {}
    address = urlsplit(issuer)
    if address.scheme != "https" and address.hostname not in HERE:
        raise ImproperlyConfigured("OIDC_ISSUER must begin with https://.")
    client, secret = env.str("OIDC_CLIENT_ID", default=""), env.str("OIDC_CLIENT_SECRET", default="")
    if not client or not secret:
        raise ImproperlyConfigured("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.")
    app = {
        "provider_id": "oidc",
        "name": name,
        "client_id": client,
        "secret": secret,
        "settings": {"server_url": issuer.rstrip("/"), "oauth_pkce_enabled": True},
    }
    return {
        "OIDC": {
            "issuer": issuer,
            "secret": secret,
            "name": name,
            "claim": env.str("OIDC_GROUPS_CLAIM", default="groups"),
            "groups": _pairs(env.list("OIDC_GROUPS", default=[])),
        },
        "SOCIALACCOUNT_ADAPTER": "ec2mon.single_sign_on.SingleSignOn",
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [app]}},
        "SOCIALACCOUNT_REQUESTS_TIMEOUT": 5,
        "SOCIALACCOUNT_STORE_TOKENS": False,
    }


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    """Return which group of the provider stands for which of ours."""
    pairs = [text.strip().rpartition("=") for text in texts if text.strip()]
    if not pairs or not all(theirs and ours for theirs, _, ours in pairs):
        raise ImproperlyConfigured("OIDC_GROUPS must say who gets in, as in noc=viewers,noc-leads=operators.")
    return [(theirs, ours) for theirs, _, ours in pairs]

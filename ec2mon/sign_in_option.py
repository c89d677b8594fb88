"""What SIGN_IN=allauth adds to the settings: second factors, and one OpenID Connect provider."""

from datetime import timedelta
from typing import Any

APPS = ["allauth", "allauth.account", "allauth.mfa", "ec2mon.apps.SignInOptionConfig"]
# In this order, before what lets nobody in who is not signed in, and after it.
BEFORE, AFTER = "allauth.account.middleware.AccountMiddleware", "ec2mon.second_factor.SecondFactorMiddleware"


def settings_of(middleware: list[str], apps: list[str], required_after: str) -> dict[str, Any]:
    """Return the settings of allauth: no sign-up, no e-mail, and no counter beside the one of all sign-ins."""
    at = middleware.index(required_after)
    return {
        "INSTALLED_APPS": [*apps, *APPS],
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
        },
        "MFA_RATE_LIMITS": False,
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_TOTP_ISSUER": "ec2mon",
        "MFA_TOTP_TOLERANCE": 1,  # telephones are a few seconds off
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "MFA_TRUST_COOKIE_AGE": timedelta(0),
    }

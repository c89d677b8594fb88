"""The addresses that SIGN_IN=allauth adds; the sign-in itself goes on to the second factor."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.account.views import reauthenticate
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn import views as passkeys
from django.apps import apps
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from elements.views.sign_in import SignIn


class SignInInSteps(SignIn):
    """The sign-in, whose second step is asked of whoever has a second factor."""

    def sign_in(self, form: Any) -> HttpResponse:
        """Take the password, and ask for the code if there is one."""
        login = Login(user=form.get_user(), redirect_url=self.get_success_url())
        credentials = {"username": form.get_user().get_username()}
        answer: HttpResponse = perform_password_login(self.request, credentials, login)
        return answer


def totp_image(request: HttpRequest) -> HttpResponse:
    """Draw the secret that is being set up; it is in the session until a code of it was typed."""
    secret = request.session.get(SECRET_SESSION_KEY)
    if not secret:
        raise Http404
    adapter = get_adapter()
    drawn = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(drawn, content_type="image/svg+xml")


urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", SignInInSteps.as_view(), name="login"),
    path("login/", SignInInSteps.as_view(), name="account_login"),
    path("second-factor/password/", reauthenticate, name="account_reauthenticate"),
    path("second-factor/totp/image.svg", totp_image, name="totp_image"),
    path("second-factor/", include("allauth.mfa.base.urls")),
    path("second-factor/totp/", include("allauth.mfa.totp.urls")),
    path("second-factor/recovery-codes/", include("allauth.mfa.recovery_codes.urls")),
    path("second-factor/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("second-factor/passkeys/add/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path("second-factor/passkeys/again/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("second-factor/passkeys/<int:pk>/remove/", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
    path("login/passkey/", passkeys.login_webauthn, name="mfa_login_webauthn"),
]

if apps.is_installed("allauth.socialaccount"):
    from ec2mon import single_sign_on

    urlpatterns += [
        path("login/oidc/", single_sign_on.begin, name="openid_connect_login"),
        path("login/oidc/again/", single_sign_on.begin, {"again": True}, name="openid_connect_again"),
        path("login/oidc/callback/", single_sign_on.callback, {"provider_id": "oidc"}, name="openid_connect_callback"),
    ]

"""Addresses outside the app: sign-in, admin, health."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, include, path

from ec2mon.health import healthz, metrics, readyz
from elements.views import sign_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("login/", sign_in.SignIn.as_view(), name="login"),
    path("logout/", sign_in.SignOut.as_view(), name="logout"),
    path("password/", sign_in.ChangePassword.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("sessions/end/", sign_in.EndSessions.as_view(), name="sessions_end"),
    path("admin/", admin.site.urls),
    path("", include("elements.urls")),
]

if settings.SIGN_IN_BY_ALLAUTH:
    urlpatterns.insert(0, path("", include("ec2mon.sign_in_urls")))

handler500 = "ec2mon.errors.server_error"

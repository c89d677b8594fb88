"""Run by `SIGN_IN=allauth`, for it decides what is installed; without it there is nothing here to test."""

import os

import pytest
from django.conf import settings

collect_ignore_glob = [] if os.environ.get("SIGN_IN", "").upper() == "ALLAUTH" else ["test_*.py"]


@pytest.fixture
def provider(monkeypatch):
    """Run a provider, and let the settings name it."""
    from tests.sign_in_option.provider import Provider

    with Provider() as running:
        (app,) = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        monkeypatch.setitem(app["settings"], "server_url", running.url)
        monkeypatch.setitem(settings.OIDC, "issuer", running.url)
        yield running

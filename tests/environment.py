"""Loaded by pytest before Django's settings are: what a run of the tests needs in its environment."""

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet
from hypothesis import settings

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("FIELD_ENCRYPTION_KEY", Fernet.generate_key().decode())
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="ec2mon-test-"))
os.environ["ALLOW_PRIVATE_ENDPOINTS"] = "true"  # the simulated EC2 is on this machine
os.environ["EC2MON_ENV_FILE"] = os.devnull
if os.environ.get("SIGN_IN") == "allauth":  # the provider of tests/sign_in_option; it says where it is later
    os.environ.setdefault("OIDC_ISSUER", "http://127.0.0.1:9")
    os.environ.setdefault("OIDC_NAME", "House of Tests")
    os.environ.setdefault("OIDC_CLIENT_ID", "ec2mon")
    os.environ.setdefault("OIDC_CLIENT_SECRET", "secret-of-the-client")
    os.environ.setdefault("OIDC_GROUPS", "noc=viewers,noc-leads=operators,noc-admins=administrators")
# Playwright leaves its event loop running in the process; without this Django then refuses its database to all tests.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
(Path(os.environ["DATA_DIR"]) / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns without it

# A busy machine is no failure; and CI says the same of the same change each time, while others go on looking.
settings.register_profile("ec2mon", deadline=None, derandomize="EC2MON_REQUIRE_ALL" in os.environ)
settings.load_profile("ec2mon")
# Playwright's loop runs in the thread of the tests, which Django takes for an asynchronous caller.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

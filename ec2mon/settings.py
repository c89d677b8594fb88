"""The only reader of the environment."""

import ipaddress
import socket
import sys
from datetime import timedelta
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from ec2mon import service_urls, sign_in_option, strength
from ec2mon.env_file import BASE_DIR, env_file

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

env = environ.Env()
ENV_FILE = env_file()
if ENV_FILE.is_file():
    env.read_env(ENV_FILE)


def _whole_number(name: str, default: int) -> int:
    """Return a number from the environment; say which one is wrong instead of how Python failed."""
    text = env.str(name, default="").strip() or str(default)
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def _one_of(name: str, *values: str) -> str:
    """Return a word from the environment, the first one when there is none; say which one is wrong."""
    word = env.str(name, default="").strip().upper() or values[0]
    if word not in values:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(values)}, not {word!r}.")
    return word


def _networks(name: str) -> list[Network]:
    """Return addresses and networks from the environment; say which one is wrong."""
    try:
        return [ipaddress.ip_network(text.strip()) for text in env.list(name, default=[]) if text.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or networks, separated by commas: {error}.") from None


TESTING = "pytest" in sys.modules
DEBUG = env.bool("DEBUG", default=False)
# A relative path is one from the directory of manage.py, wherever the command is typed.
DATA_DIR = BASE_DIR / env.str("DATA_DIR", default="data")


def _secret(name: str) -> str:
    """Return a secret from the environment; there is no default, for a known secret protects nothing."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. `make run` writes one into .env when it first starts; or set it in the environment"
            " or in .env (.env.example says how)."
        )
    return value


SECRET_KEY = _secret("SECRET_KEY")
# A list: the first key writes, all of them read, so that keys can be changed without losing anything.
FIELD_ENCRYPTION_KEY = [key.strip() for key in _secret("FIELD_ENCRYPTION_KEY").split(",") if key.strip()]
if _weak := strength.complaint(SECRET_KEY, FIELD_ENCRYPTION_KEY):
    raise ImproperlyConfigured(_weak)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

HOST = env.str("HOST", default="127.0.0.1")
PORT = _whole_number("PORT", 8000)
WORKERS = _whole_number("WORKERS", 2)
WEB_THREADS = _whole_number("WEB_THREADS", 8)
# Other tools of the same accounts need the rest of what EC2 allows.
REQUEST_BUDGET_PERCENT = min(100, max(1, _whole_number("REQUEST_BUDGET_PERCENT", 25)))
# Without it, whoever sets elements up could have this machine ask others of its own network.
ALLOW_PRIVATE_ENDPOINTS = env.bool("ALLOW_PRIVATE_ENDPOINTS", default=False)

# Who may read /metrics: whoever has the token, and whoever asks from one of the networks. Nobody else.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
if METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    raise ImproperlyConfigured("METRICS_TOKEN is too short to be a secret: at least 20 characters.")
METRICS_NETWORKS = _networks("METRICS_NETWORKS")

INSTALLED_APPS = [
    "ec2mon.apps.SetUpConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tables2",
    "django_q",
    "axes",
    "elements",
]

MIDDLEWARE = [
    "ec2mon.middleware.TraceMiddleware",
    "ec2mon.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ec2mon.middleware.KnownMethodsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # A page is a tenth as large. What BREACH needs is not there: the session cookie does not travel with requests of
    # other sites but for links, a form token is masked anew each time, and the length is blurred by random bytes.
    "ec2mon.middleware.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "ec2mon.sessions.SessionLimitsMiddleware",
    "ec2mon.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
SIGN_IN_BY_ALLAUTH = _one_of("SIGN_IN", "PASSWORD", "ALLAUTH") == "ALLAUTH"
REQUIRE_SECOND_FACTOR = _one_of("REQUIRE_SECOND_FACTOR", "NONE", "ADMINISTRATORS", "ALL")
OIDC: dict[str, Any] = {}
if SIGN_IN_BY_ALLAUTH:
    globals().update(
        sign_in_option.settings_of(env, MIDDLEWARE, INSTALLED_APPS, "ec2mon.middleware.SignInRequiredMiddleware")
    )
elif REQUIRE_SECOND_FACTOR != "NONE":
    raise ImproperlyConfigured("REQUIRE_SECOND_FACTOR needs SIGN_IN=allauth.")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ROOT_URLCONF = "ec2mon.urls"
WSGI_APPLICATION = "ec2mon.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "elements.views.shell.shell",
            ]
        },
    }
]

_DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{DATA_DIR / 'ec2mon.sqlite3'}"
DATABASES = {"default": service_urls.database(_DATABASE_URL)}
# Of web on PostgreSQL, for nobody waits for a lock for ever, but as long as on SQLite.
LOCK_TIMEOUT = "-c lock_timeout=20s"
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    # IMMEDIATE: a transaction that reads first and writes later fails at once otherwise, whatever the time-out.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        " PRAGMA journal_size_limit=16000000; PRAGMA cache_size=-8000;",  # 8 MB: what a first poll writes to at a time
    }
    if TESTING:
        DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if TESTING:
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", LOCK_TIMEOUT)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = service_urls.redis(env.str("REDIS_URL", default=""))
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL:
    # A list, for a single text is split at commas, which a password may have.
    CACHES["qstat"] = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": [REDIS_URL]}
else:
    CACHES["qstat"] = {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA_DIR / "qstat"),
    }

# retry > timeout x (1 + queued ahead) + 10: a task is re-delivered only when it is surely dead. The queue is only a
# wake-up; rows decide what is still to be done, so a task that is lost or run twice does no harm.
Q_CLUSTER: dict[str, Any] = {
    "name": "ec2mon",
    "label": "Queue",
    "workers": WORKERS,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 60,
    "retry": 200,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 100,
    "poll": 0.5,
    "recycle": 5000,
    "max_rss": 400_000,
    "cache": "qstat",
    "guard_cycle": 1,
    "ALT_CLUSTERS": {"ops": {"workers": 1, "queue_limit": 1, "timeout": 60, "retry": 200}},
}
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "elements:overview"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "ec2mon.auth.UsersWithSettings"]
AXES_HANDLER = "ec2mon.throttle.Throttle"
AXES_CLIENT_IP_CALLABLE = "ec2mon.addresses.client_address"
AXES_USERNAME_CALLABLE = "ec2mon.throttle.counted_name"
AXES_LOCKOUT_CALLABLE = "ec2mon.throttle.paused"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME = 5, timedelta(minutes=5)
AXES_SENSITIVE_PARAMETERS = ["username"]  # the log tells addresses, but no name: it may be a password
AXES_RESET_ON_SUCCESS = AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = AXES_ENABLE_ADMIN = AXES_VERBOSE = False
# Proxies whose X-Forwarded-For is believed; what anybody else says in it is not.
TRUSTED_PROXIES = _networks("TRUSTED_PROXIES")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Set HTTPS=true where a proxy in front speaks https: cookies are then sent over https only.
HTTPS = env.bool("HTTPS", default=False)
SESSION_ENGINE = "ec2mon.session_store"
# From sign-in, however much is clicked meanwhile: one session outlives no shift.
SESSION_COOKIE_AGE = max(1, _whole_number("SESSION_HOURS", 8)) * 3600
# Since the last page that was open, which asks for what changed: nobody's browser is taken up again later.
SESSION_IDLE_S = max(2, _whole_number("SESSION_IDLE_MINUTES", 30)) * 60
# With this prefix no other host of the domain, and no page without https, can set them.
_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_PREFIX}sessionid", f"{_PREFIX}csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "elements.views.sign_in.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
# Whoever watches over machines asks each of them, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"
if not (TESTING or DEBUG):
    _STATIC = "ec2mon.static_files.StaticFiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC},
}
WHITENOISE_USE_FINDERS = TESTING

DJANGO_TABLES2_TEMPLATE = "elements/_table.html"
# A form of 500 selected instances carries about 1,000 fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2500

LOG_LEVEL = _one_of("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")
LOG_FORMAT = _one_of("LOG_FORMAT", "TEXT", "JSON")
# Those that one `manage.py up` looks after are named together, so that beats of two on a machine are not mixed up.
BEAT_HOST = env.str("EC2MON_HOST", default="") or socket.gethostname()
_QUIET = {"level": LOG_LEVEL if LOG_LEVEL in ("ERROR", "CRITICAL") else "WARNING"}
DEFAULT_EXCEPTION_REPORTER_FILTER = "ec2mon.errors.NoValues"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(part)-7s %(levelname)s %(trace_id)s %(name)s: %(message)s"},
        "json": {"()": "ec2mon.logs.JsonFormatter"},
    },
    "filters": {"line": {"()": "ec2mon.logs.LineFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT.lower(), "filters": ["line"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # At DEBUG botocore writes session tokens and signatures, at INFO a line for each client: it never gets there.
    "loggers": {
        **dict.fromkeys(("boto3", "botocore", "urllib3", "s3transfer"), _QUIET),
        "django-q": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
    },
}
# Other names of the domain are not ours to bind to https: HSTS is for this host alone.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if not HTTPS:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

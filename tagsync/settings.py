"""Settings of tagsync: `TAGSYNC_MODE=local` (default) needs nothing, `production` refuses to start half-configured."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from tagsync import environment as env
from tagsync import timeouts

PACKAGE = Path(__file__).resolve().parent
# Where templates and static files lie: in the sources beside the package, installed from a wheel inside it.
BASE_DIR = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent

# -- mode, folder, secrets

TAGSYNC_MODE = env.text("TAGSYNC_MODE", "local")
if TAGSYNC_MODE not in ("local", "production"):
    raise ImproperlyConfigured(f"TAGSYNC_MODE must be local or production, not {TAGSYNC_MODE!r}.")
LOCAL = TAGSYNC_MODE == "local"
DEBUG = False

TAGSYNC_HOME = env.home(make=LOCAL)
if LOCAL:
    SECRET_KEY = env.text("SECRET_KEY") or env.kept_secret(TAGSYNC_HOME, "secret-key")
    TAGSYNC_CREDENTIAL_KEYS = env.fernet_keys("TAGSYNC_CREDENTIAL_KEYS") or [
        env.kept_secret(TAGSYNC_HOME, "credential-key", lambda: Fernet.generate_key().decode())
    ]
    ALLOWED_HOSTS = env.words("TAGSYNC_ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
else:
    SECRET_KEY, TAGSYNC_CREDENTIAL_KEYS, ALLOWED_HOSTS, *_others = env.all_of(
        lambda: env.strong_secret("SECRET_KEY", "it signs sessions"),
        lambda: env.fernet_keys("TAGSYNC_CREDENTIAL_KEYS", needed_for="they encrypt the credentials of connections"),
        lambda: env.host_names("TAGSYNC_ALLOWED_HOSTS", "the host names that this site answers to, comma-separated"),
        lambda: env.required("DATABASE_URL", "for example postgres://user:password@host/tagsync"),
        lambda: env.required("REDIS_URL", "for example rediss://user:password@host:6379/0"),
    )
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")

# -- application

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "tagsync.accounts",
    "tagsync.connections",
    "tagsync.queueing",
    "tagsync.imports",
    "tagsync.notifications",
    "tagsync.exports",
    "tagsync.delivery",
    "tagsync.operations",
    "tagsync.cli",
    "tagsync.web",
    "tagsync.local",
    # After ours: of two commands with one name the first app's wins, and rqworker is ours.
    "django_rq",
]

MIDDLEWARE = [
    "tagsync.web.request_id.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tagsync.web.middleware.SafeHeaders",
    "tagsync.web.middleware.Maintenance",
    "tagsync.web.middleware.SaysAlive",
    "tagsync.web.middleware.OneEncoding",
    "tagsync.web.middleware.BodyLimit",
    "tagsync.web.middleware.Sessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tagsync.web.account.sessions.SessionLimits",
    # Before the check of the token, which reads the whole body to find it, and stores its files.
    "tagsync.web.middleware.SignInRequired",
    "tagsync.web.middleware.OwnPassword",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tagsync.web.middleware.StillThere",
    "tagsync.web.middleware.PersonLanguage",
]

ROOT_URLCONF = "tagsync.urls"
CSRF_FAILURE_VIEW = "tagsync.web.errors.csrf_failure"
# Every page says "back soon"; a file `maintenance` in TAGSYNC_HOME does the same without a restart.
TAGSYNC_MAINTENANCE = env.switch("TAGSYNC_MAINTENANCE")
WSGI_APPLICATION = "tagsync.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["tagsync.web.unindented.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "tagsync.web.context.banners",
                "tagsync.web.context.notices",
                "tagsync.web.context.connections",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.Person"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "import_list"
LOGOUT_REDIRECT_URL = "login"
# Signed out after so long without a press, and after so long in any case.
TAGSYNC_SESSION_IDLE_HOURS = env.whole_number("TAGSYNC_SESSION_IDLE_HOURS", 8)
TAGSYNC_SESSION_DAYS = env.whole_number("TAGSYNC_SESSION_DAYS", 7)
if min(TAGSYNC_SESSION_IDLE_HOURS, TAGSYNC_SESSION_DAYS) < 1:
    raise ImproperlyConfigured("TAGSYNC_SESSION_IDLE_HOURS and TAGSYNC_SESSION_DAYS must be at least 1.")
SESSION_COOKIE_AGE = TAGSYNC_SESSION_DAYS * 24 * 3600

# -- database

# One call's whole time; the lease of an import is twice as long, so that no call outlives it.
TAGSYNC_CALL_SECONDS = env.whole_number("TAGSYNC_CALL_SECONDS", 30)
# What this process is, as the door it came through says; whoever came through none waits as long as it takes.
_role = timeouts.Role(env.text(timeouts.VARIABLE, timeouts.Role.UNLIMITED))

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{TAGSYNC_HOME}/tagsync.sqlite3")}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # One writer: IMMEDIATE takes the lock at BEGIN, so two transactions never deadlock half-way; readers go on (WAL).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": timeouts.SQLITE_PAGE_SECONDS if _role == timeouts.Role.WEB else timeouts.SQLITE_SECONDS,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # What the address itself says comes later, and wins.
    _said = (timeouts.postgresql_options(_role, 2 * TAGSYNC_CALL_SECONDS), _options.get("options", ""))
    _options["options"] = " ".join(filter(None, _said))
# `up` copies an SQLite file before it migrates it, and keeps so many.
TAGSYNC_KEPT_COPIES = env.whole_number("TAGSYNC_KEPT_COPIES", 5)
if TAGSYNC_KEPT_COPIES < 1:
    raise ImproperlyConfigured("TAGSYNC_KEPT_COPIES must be at least 1.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Redis and RQ: the doorbell


def _local_redis_url() -> str:
    """The embedded server's socket; `up` writes its address down when the path would be too long for a socket."""
    note = TAGSYNC_HOME / "redis-url"
    return note.read_text().strip() if note.exists() else f"unix://{quote(str(TAGSYNC_HOME))}/redis.sock"


REDIS_URL = env.text("REDIS_URL") or _local_redis_url()
# By the names that people know them by; in Redis they carry the installation's, see `queueing.installation`.
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": 300,
        "DEFAULT_RESULT_TTL": 60,
        "SERIALIZER": "json",
    }
    for name in ("checks", "sends", "exports")
}
RQ_SHOW_ADMIN_LINK = False

# -- files

# A folder, or a bucket. Whatever uses files asks for nothing that only a folder can do: see `imports.local_files`.
MEDIA_ROOT = Path(env.text("TAGSYNC_UPLOADS") or TAGSYNC_HOME / "uploads")
_bucket = env.bucket("TAGSYNC_STORAGE")
STATIC_URL = "static/"
# Local mode serves straight from the sources and collects nothing.
STATIC_ROOT = None if LOCAL else Path(env.text("TAGSYNC_STATIC_ROOT") or TAGSYNC_HOME / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "tagsync.s3.Bucket", "OPTIONS": _bucket._asdict()}
    if _bucket
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "tagsync.web.upload.handlers.PartialUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
TAGSYNC_MAX_UPLOAD_BYTES = env.whole_number("TAGSYNC_MAX_UPLOAD_MB", 100) * 1024 * 1024
# With less room than this on the disk no upload is taken: the database needs what is left.
TAGSYNC_LEAST_FREE_BYTES = env.whole_number("TAGSYNC_LEAST_FREE_MB", 500) * 1024 * 1024
# What one person may have at the same time, so that nobody fills the disk or makes the others wait.
TAGSYNC_MOST_WAITING_EXPORTS = env.whole_number("TAGSYNC_MOST_WAITING_EXPORTS", 3)
TAGSYNC_MOST_DRAFTS = env.whole_number("TAGSYNC_MOST_DRAFTS", 20)
TAGSYNC_MOST_DRAFT_BYTES = env.whole_number("TAGSYNC_MOST_DRAFT_MB", 1024) * 1024 * 1024
# A downloaded workbook holds personal data: it is kept as long as people need to fetch it.
TAGSYNC_EXPORT_HOURS = env.whole_number("TAGSYNC_EXPORT_HOURS", 24)
TAGSYNC_DRAFT_DAYS = env.whole_number("TAGSYNC_DRAFT_DAYS", 7)

# -- languages and time

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
LANGUAGE_COOKIE_NAME = "tagsync_language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.text("TAGSYNC_TIME_ZONE", "Asia/Shanghai")
USE_THOUSAND_SEPARATOR = False

# -- the platform

TAGSYNC_ALLOWED_API_HOSTS = env.words("TAGSYNC_ALLOWED_API_HOSTS")
TAGSYNC_POLL_SECONDS = 2
# How often an open page asks for new notices.
TAGSYNC_NEWS_SECONDS = 45
# After an unanswered call the opposite operation waits so long: it might still be applied.
TAGSYNC_HOLD_BACK_SECONDS = env.whole_number("TAGSYNC_HOLD_BACK_SECONDS", 120)
TAGSYNC_KEEPER_SECONDS = env.whole_number("TAGSYNC_KEEPER_SECONDS", 10)

# An import that gets no further for so long is told to its owner, once.
TAGSYNC_LONG_WAIT_MINUTES = env.whole_number("TAGSYNC_LONG_WAIT_MINUTES", 10)
if TAGSYNC_LONG_WAIT_MINUTES < 1:
    raise ImproperlyConfigured("TAGSYNC_LONG_WAIT_MINUTES must be at least 1.")

# -- e-mail: without TAGSYNC_EMAIL_URL none is sent, and nothing is said of it

_mail_server = env.mail_server("TAGSYNC_EMAIL_URL")
TAGSYNC_EMAIL = _mail_server is not None
TAGSYNC_BASE_URL = ""
if _mail_server:
    DEFAULT_FROM_EMAIL = env.mail_address("TAGSYNC_EMAIL_FROM", "the sender of what is sent")
    # Never from a request: a letter must not lead where a forged Host header points.
    TAGSYNC_BASE_URL = env.site_address("TAGSYNC_BASE_URL", "for the links in what is sent")
    EMAIL_HOST, EMAIL_PORT = _mail_server.host, _mail_server.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail_server.user, _mail_server.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_server.starttls, _mail_server.implicit_tls
    EMAIL_TIMEOUT = 10

# -- safety

SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A proxy says who asks and how, and strips what others say of that; without it nothing forwarded counts.
TAGSYNC_BEHIND_PROXY = env.switch("TAGSYNC_BEHIND_PROXY")
if not LOCAL:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    if TAGSYNC_BEHIND_PROXY:
        # Only when the proxy strips the header from what comes in.
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# -- watched by machines: without a token there are no metrics

TAGSYNC_METRICS_TOKEN = env.text("TAGSYNC_METRICS_TOKEN")

# -- logging: no bodies, no addresses with secrets (httpx logs whole URLs at INFO)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"ids": {"()": "tagsync.web.request_id.InLog"}},
    "formatters": {
        "text": {
            "()": "tagsync.log_lines.PlainLines",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s%(of_import)s] %(message)s",
        },
        "json": {"()": "tagsync.log_lines.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.one_of("TAGSYNC_LOG_FORMAT", ("text", "json")),
            "filters": ["ids"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "tagsync": {"level": env.text("TAGSYNC_LOG_LEVEL", "INFO")},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        # That requests wait for a thread for a moment is no news.
        "waitress.queue": {"level": "ERROR"},
        "rq": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}

"""All settings. The environment decides; the README lists what can be set.

With DEMO=yes (which manage.py sets where there is no DATABASE_URL) the missing ones are made up
under var/. Without it a missing one stops the process and says what to set.
"""

import os
import secrets
import unicodedata
from email.headerregistry import Address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from django.utils.encoding import punycode

from clinic_site import database

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO = os.environ.get("DEMO") == "yes"
VAR_DIR = Path(os.environ.get("VAR_DIR", BASE_DIR / "var"))


# Control characters, halves of characters and ends of lines or paragraphs (Unicode 4.5): what no header
# of an email, no calendar file and no page can hold.
NOT_ON_A_LINE = {"Cc", "Cs", "Zl", "Zp"}
# IDNA 2003, the one that Python has, spells these as other letters: the domain would be somebody else's.
OTHER_LETTERS = set("\u00df\u03c2\u200c\u200d")


def setting(name, meaning, demo):
    """Read `name` from the environment; in the demo it may be missing, and `demo()` makes it."""
    if value := os.environ.get(name, "").strip():
        if any(unicodedata.category(letter) in NOT_ON_A_LINE for letter in value):
            raise ImproperlyConfigured(f"{name} must be one line of text, without control characters.")
        return value
    if DEMO:
        return demo()
    raise ImproperlyConfigured(f"Set {name}: {meaning}.")


def words(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def number(name, usual, least, most, of="days"):
    """Read `name`, a whole number; `usual` where nothing is said."""
    text = os.environ.get(name, "").strip() or str(usual)
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    raise ImproperlyConfigured(f"{name} cannot be read: it is a number of {of}, from {least} to {most}.")


def mailbox(address):
    """An email address as mail servers and URIs take it, its domain in ASCII (RFC 5891, RFC 6068)."""
    local, _, domain = address.rpartition("@")
    try:
        validate_email(address)
        if OTHER_LETTERS & set(domain):
            raise ImproperlyConfigured("CLINIC_EMAIL: write its domain in ASCII, as it begins with xn--.")
        return f"{local}@{punycode(domain)}"
    except (ValidationError, UnicodeError) as error:
        raise ImproperlyConfigured(
            "CLINIC_EMAIL cannot be read: it must look like desk@clinic.example."
        ) from error


def kept_secret():
    """The demo's own secret key, made once and kept readable for its owner only."""
    path = VAR_DIR / "secret-key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(50))
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot write to {VAR_DIR}: {error.strerror}.") from error


# The clinic

CLINIC = {
    "name": setting("CLINIC_NAME", "the clinic's name", lambda: "Example Clinic"),
    "phone": setting("CLINIC_PHONE", "the phone number on every page", lambda: "(703) 555-0142"),
    "email": setting("CLINIC_EMAIL", "the clinic's email address", lambda: "desk@clinic.example"),
    "is_demo": DEMO,
}
CLINIC["mailbox"] = mailbox(CLINIC["email"])
SITE_URL = setting(
    "SITE_URL", "the address of the site, like https://clinic.example", lambda: "http://127.0.0.1:8000"
).rstrip("/")

# For how many days what is about people is kept. The clean-up reads it, and the pages that tell of it.

KEPT_DAYS = {
    "requests": number("KEEP_REQUESTS_DAYS", 90, 7, 3650),  # after the visit, or after the request ended
    "unconfirmed": 7,  # those whose address nobody confirmed, robots among them
    "comments": number("KEEP_COMMENTS_DAYS", 365, 7, 3650),  # on pages; the yes or no stays
}

# What strangers may do with the public forms (docs/rate-limits.md). A network is an IPv4 /24 or IPv6 /48.

LIMITS = {
    "requests_from_network": number("MAX_REQUESTS_FROM_NETWORK", 40, 10, 1000, "requests an hour"),
    "emails_to_mailbox": number("MAX_EMAILS_TO_MAILBOX", 3, 2, 10, "emails an hour"),
    "percent_held_by_network": number("MAX_PERCENT_HELD_BY_NETWORK", 10, 1, 25, "percent"),
}

# Django

DEBUG = os.environ.get("DEBUG") == "yes"
SECRET_KEY = setting("SECRET_KEY", "at least 50 random characters", kept_secret)
SECRET_KEY_FALLBACKS = words(os.environ.get("OLD_SECRET_KEYS", ""))
ALLOWED_HOSTS = words(
    setting("ALLOWED_HOSTS", "the host names of the site, with commas", lambda: "127.0.0.1,localhost,[::1]")
)
ROOT_URLCONF = "clinic_site.urls"
WSGI_APPLICATION = "clinic_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "clinic_site",
    "pages",
    "bookings",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "clinic_site.apps.StaticFiles",
    "django.forms",
    "procrastinate.contrib.django",
    "crispy_forms",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_otp_webauthn",
]
MIDDLEWARE = [
    "clinic_site.unavailable.wait_for_no_more_than_the_limits",
    # What is put on every answer comes first: the redirect to https is answered right below it.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "clinic_site.middleware.response_headers",
    "clinic_site.logs.one_line_each",
    "csp.middleware.CSPMiddleware",
    "clinic_site.middleware.explain_refusals",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clinic_site.middleware.refuse_unusual",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "clinic_site.door.guard",
    "bookings.trail.name_who_acts",
    "django.contrib.messages.middleware.MessageMiddleware",
    "clinic_site.lists.only_what_is_offered",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic_site.context.display",
                "clinic_site.context.clinic",
                "pages.clinic_facts.for_templates",
            ],
        },
    }
]
# Field and widget templates come from templates/, not from Django's own folder.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["clinic"]
CRISPY_TEMPLATE_PACK = "clinic"
CRISPY_FAIL_SILENTLY = False

# Database: persistent connections with a health check, and no pool, which alone gave errors
# after an idle restart of Postgres.

POSTGRES_DIR = VAR_DIR / "postgres"
DATABASES = {
    "default": {
        **database.address(
            setting("DATABASE_URL", "like postgresql://clinic:secret@db/clinic", lambda: ""), POSTGRES_DIR
        ),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # PgBouncer ends them with the transaction
    }
}
# How long a page waits for an answer, for a lock, and may hold one while it does nothing; then it says
# that the database is away. They go along as each connection begins. A PgBouncer in between must ignore
# them (ignore_startup_parameters = options) and set them itself (connect_query). The worker, migrations,
# backups and other commands take the time they need.
DATABASE_LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
}

# A copy of it (streaming replication), from which public pages are read; without one they come from there.

DATABASE_ROUTERS = ["pages.replica.Router"]
if url := os.environ.get("REPLICA_URL", "").strip():
    DATABASES["replica"] = {
        **DATABASES["default"],
        **database.address(url, POSTGRES_DIR, name="REPLICA_URL"),
        "TEST": {"MIRROR": "default"},
    }

# The worker. Job arguments are ids only, and even these are kept out of the log.

PROCRASTINATE_WORKER_DEFAULTS = {
    "delete_jobs": "successful",
    "concurrency": 1,
    "update_heartbeat_interval": 5.0,
    "stalled_worker_timeout": 30.0,
}
PROCRASTINATE_PERIODIC_DEFAULTS = {"max_delay": 86400}

# Email: a real server with EMAIL_URL; in the demo, files that staff can read at /staff/mail/.

EMAIL_TIMEOUT = 10  # seconds, for each silence
EMAIL_AT_MOST = 60  # seconds, for handing over one message
# A name may hold commas, quotation marks and all else that means something in an address (RFC 5322 3.4).
DEFAULT_FROM_EMAIL = str(Address(CLINIC["name"], addr_spec=CLINIC["mailbox"]))
SERVER_EMAIL = CLINIC["mailbox"]
EMAIL_FILE_PATH = VAR_DIR / "mail"
if url := setting("EMAIL_URL", "like smtp://user:secret@mail.example:587?tls=yes", lambda: ""):
    _mail = urlsplit(url)
    if _mail.scheme not in ("smtp", "smtps") or not _mail.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL cannot be read: it must look like smtp://user:secret@mail.example:587?tls=yes."
        )
    EMAIL_BACKEND = "clinic_site.mail.Backend"
    EMAIL_HOST = _mail.hostname
    EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_USE_TLS = "tls=yes" in _mail.query
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

# Language and time. Every location has a time zone of its own; this one is only for the admin.

LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"
USE_TZ = True
USE_I18N = False

# Static files

WHITENOISE_ALLOW_ALL_ORIGINS = False  # they are ours alone
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # no page names the others
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Accounts

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "clinic_site.hashing.PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PASSWORD_RESET_TIMEOUT = 30 * 60  # seconds; the link also ends with the first use and with signing in
# In the demo it is offered: a visitor is in within a minute. Elsewhere nobody gets past it.
SECOND_FACTOR_REQUIRED = not DEMO
STAFF_IDLE_MINUTES = 15  # then one is signed out, and what stands on the screen is covered
# Wrong codes are counted by clinic_site.attempts, for every kind in the same way.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
OTP_TOTP_ISSUER = OTP_WEBAUTHN_RP_NAME = CLINIC["name"]
# A passkey belongs to a name, never to a number: the demo's work at http://localhost alone.
_site = urlsplit(SITE_URL)
_has_a_name = not DEMO or _site.scheme == "https"
OTP_WEBAUTHN_RP_ID = _site.hostname if _has_a_name else "localhost"
OTP_WEBAUTHN_ALLOWED_ORIGINS = [SITE_URL if _has_a_name else f"http://localhost:{_site.port or 80}"]
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
OTP_WEBAUTHN_EXCEPTION_LOGGER_NAME = ""

# Headers and cookies. The demo speaks plain http on one machine; everything else is https.

SECURE_SSL_REDIRECT = not DEMO
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_PROXY_SSL_HEADER = None if DEMO else ("HTTP_X_FORWARDED_PROTO", "https")
# Where a visitor's own address stands: the proxy of SECURE_PROXY_SSL_HEADER writes it last in this one.
CLIENT_ADDRESS_HEADER = "REMOTE_ADDR" if DEMO else "HTTP_X_FORWARDED_FOR"
# For two years a browser asks this host over https alone (RFC 6797), and what else it is told. A clinic's
# domain may have hosts that are not ours, so more than our own is asked for by name.
HSTS = os.environ.get("HSTS", "").strip() or "host"
if HSTS not in ("off", "host", "subdomains", "preload"):
    raise ImproperlyConfigured("HSTS cannot be read: it is off, host, subdomains or preload.")
SECURE_HSTS_SECONDS = 0 if DEMO or HSTS == "off" else 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEMO and HSTS in ("subdomains", "preload")
SECURE_HSTS_PRELOAD = not DEMO and HSTS == "preload"
# Django's check for deployment would have everybody choose more.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "clinic_site.views.form_expired"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = not DEMO
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_AGE = None  # until the browser is closed, not Django's year
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
if not DEMO:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
SESSION_COOKIE_AGE = 24 * 60 * 60  # a patient's journey may take a day (WCAG 2.2.1)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        **({} if DEMO else {"upgrade-insecure-requests": True}),
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 0
FILE_UPLOAD_HANDLERS = []

# Logs: no query strings, no job arguments, no patient's link, no words of an error, nothing about a person.

LOG_FORMAT = os.environ.get("LOG_FORMAT", "").strip() or "line"
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured("LOG_FORMAT cannot be read: it is line or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "clinic_site.middleware.WithoutWords",
            "fmt": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
        "json": {"()": "clinic_site.logs.AsJson"},
    },
    "filters": {"without links": {"()": "clinic_site.middleware.WithoutLinks"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["without links"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "clinic": {"level": "INFO"},
        "clinic.access": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
        "procrastinate": {"level": "ERROR"},
    },
}

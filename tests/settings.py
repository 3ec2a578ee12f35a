"""The clinic's settings, with what tests need different: a database of their own, quick hashing."""

import os
import sys

os.environ.setdefault("DEMO", "yes")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")  # Playwright keeps an event loop in our thread

from clinic_site import database
from clinic_site.settings import *  # noqa: F403
from clinic_site.settings import DATABASE_LIMITS, DATABASES, VAR_DIR

if "DATABASE_URL" not in os.environ:
    POSTGRES_DIR = VAR_DIR / "postgres-tests"
    DATABASES["default"].update(database.address("", POSTGRES_DIR))
# Fifty people at once, on a machine that does other work too, may wait for longer than a visitor should.
DATABASE_LIMITS = dict.fromkeys(DATABASE_LIMITS, "60s")
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # files from static/, nothing collected
STATIC_ROOT = VAR_DIR / "static-tests"  # nor what a demo in the same folder collected long ago
sys.dont_write_bytecode = False  # kept, the test files need not be compiled by each process of each run
if "REAL_HASHING" not in os.environ:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

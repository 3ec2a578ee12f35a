"""A database for one benchmark, in the server of the tests: made anew, thrown away at the end."""

import os
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_test_environment, teardown_test_environment  # noqa: E402

from clinic_site import database  # noqa: E402


@contextmanager
def scratch_database(name):
    """All of Django's work inside goes to an empty database `name` with our tables."""
    runs_already = "DATABASE_URL" in os.environ or database.is_running(settings.POSTGRES_DIR)
    if not runs_already:
        database.start(settings.POSTGRES_DIR, "-c", "fsync=off")
    connection.settings_dict["TEST"]["NAME"] = name
    usual = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    setup_test_environment(debug=False)
    try:
        yield
    finally:
        teardown_test_environment()
        connection.creation.destroy_test_db(usual, verbosity=0)
        if not runs_already:
            database.stop(settings.POSTGRES_DIR)


def say(line):
    """Print at once: a benchmark takes its time, and somebody is looking."""
    print(line, flush=True)  # noqa: T201

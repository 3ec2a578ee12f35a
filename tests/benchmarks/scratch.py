"""A database for one benchmark, in the server of the tests: made anew, thrown away at the end."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

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


@contextmanager
def web_server(application, *, threads=4):
    """A process with the site on the scratch database, run as `runclinic` runs it; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = connection.settings_dict
    more = {"host": where["HOST"], "port": where.get("PORT") or "5432", "user": where["USER"]}
    address = f"postgresql:///{where['NAME']}?{urlencode(more)}"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--blocking-threads", str(threads), "--no-ws", "--log-level", "warning"]
    process = subprocess.Popen([*command, application], env={**os.environ, "DATABASE_URL": address})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        assert process.poll() is None, "the web server did not start"
        yield port
    finally:
        process.terminate()
        process.wait()


def say(line):
    """Print at once: a benchmark takes its time, and somebody is looking."""
    print(line, flush=True)  # noqa: T201

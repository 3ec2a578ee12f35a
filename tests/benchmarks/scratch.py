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
from django.test.utils import override_settings  # noqa: E402

from clinic_site import database  # noqa: E402


@contextmanager
def scratch_database(name, *, is_durable=False):
    """All of Django's work inside goes to an empty database `name` with our tables.

    Where we start the server it may lose what is in it, unless it is durable.
    """
    runs_already = "DATABASE_URL" in os.environ or database.is_running(settings.POSTGRES_DIR)
    if not runs_already:
        database.start(settings.POSTGRES_DIR, *([] if is_durable else ["-c", "fsync=off"]))
    connection.settings_dict["TEST"]["NAME"] = name
    usual = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    mail = "django.core.mail.backends.locmem.EmailBackend"
    try:
        # Not Django's environment for tests: there every template is drawn with a copy of its context.
        # Nor its limits: to fill a million rows takes longer than anybody should wait for a page.
        with override_settings(ALLOWED_HOSTS=["*"], EMAIL_BACKEND=mail, DATABASE_LIMITS={}):
            yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name  # whatever database was worked on last
        connection.creation.destroy_test_db(usual, verbosity=0)
        if not runs_already:
            database.stop(settings.POSTGRES_DIR)


@contextmanager
def web_server(application, *, core=None, **environment):
    """A process with the site on the scratch database, run as `runclinic` runs it; yields its port.

    With a `core` it gets that one alone; `environment` is added to ours.
    """
    port, command = web_command(application)
    with program(command, core=core, SITE_URL=f"http://127.0.0.1:{port}", **environment) as process:
        wait_for(port, process)
        yield port


def web_command(application):
    """A free port and the command that serves the application there."""
    port = free_port()
    return port, ["-m", "clinic_site.server", "--port", str(port), application]


@contextmanager
def program(arguments, *, core=None, stderr=None, **environment):
    """A process of our Python on the scratch database, that says errors only; yields it and ends it."""
    where = connection.settings_dict
    more = {"host": where["HOST"], "port": where.get("PORT") or "5432", "user": where["USER"]}
    address = f"postgresql:///{where['NAME']}?{urlencode(more)}"
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "DATABASE_URL": address, **environment},
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        preexec_fn=on_core(core),
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def on_core(core):
    """What a new process does first to keep to one core; None leaves it all of them."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port, process):
    """Wait until somebody listens at the port; raises where the process ended instead."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("the server did not start")


def say(line):
    """Print at once: a benchmark takes its time, and somebody is looking."""
    print(line, flush=True)  # noqa: T201

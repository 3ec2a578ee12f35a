"""The whole clinic in one command: database, starter content, worker and web server."""

import fcntl
import hashlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from clinic_site import database

log = logging.getLogger("clinic.run")

DEMO_LOGIN = "clinic"
PATIENCE = 8  # seconds for a child to end by itself
RESTART_AFTER = 2  # seconds; a worker leaves when its database was away, and comes back


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


class Command(BaseCommand):
    help = "Run the whole clinic on this machine. Safe to run again: all data are kept."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--empty", action="store_true", help="Do not bring in the demo clinic.")

    def handle(self, *, host, port, empty, **options):
        os.umask(0o077)  # mail, data and logs of the demo are for who runs it alone; children inherit this
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, stop)
        try:
            with ExitStack() as running:
                self.run(running, host, port, empty)
        except Stopped:
            self.stdout.write("Stopped. All data are kept.")

    def run(self, running, host, port, empty):
        know_our_address(host, port)
        running.enter_context(only_one_here())
        refuse_taken_port(host, port)
        if "DATABASE_URL" not in os.environ:
            running.enter_context(embedded_database())
        self.prepare(empty)
        children = running.enter_context(processes(host, port))
        wait_until_it_answers(host, port, children["web server"])
        self.stdout.write(
            f"\n  {settings.CLINIC['name']} is open.\n\n"
            f"  For patients   http://{host}:{port}/\n"
            f"  For staff      http://{host}:{port}/staff/\n"
            f"  Mail sent      http://{host}:{port}/staff/mail/\n\n"
            "  Ctrl-C stops everything."
        )
        self.stdout.flush()
        children.keep_alive()

    def prepare(self, empty):
        """Bring the database and the static files to the state this version wants."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The database does not answer: {reason}") from error
        refuse_newer_database()
        call_command("migrate", verbosity=0, interactive=False)
        collect_changed_files()
        call_command("load_pages", stdout=self.stdout)
        if not empty:
            call_command("load_clinic", stdout=self.stdout)
        self.make_login()

    def make_login(self):
        """A login for staff where there is none; its password is shown this once and never again."""
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(15)
        users.create_superuser(DEMO_LOGIN, password=password)
        self.stdout.write(
            f"\n  Staff login    {DEMO_LOGIN}\n  Password       {password}   (shown only now: write it down)"
        )


def stop(signum, frame):
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # stopping is under way: a second Ctrl-C changes nothing
    raise Stopped


def know_our_address(host, port):
    """Links in email and the check of the host name go by where the demo really runs."""
    os.environ.setdefault("SITE_URL", f"http://{host}:{port}")
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for by name: open to the local network
        os.environ.setdefault("ALLOWED_HOSTS", "*")
    elif host not in settings.ALLOWED_HOSTS:
        os.environ.setdefault("ALLOWED_HOSTS", host)


@contextmanager
def only_one_here():
    """Two clinics on one data folder would stop each other's database."""
    try:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        settings.EMAIL_FILE_PATH.mkdir(exist_ok=True)
        settings.EMAIL_FILE_PATH.chmod(0o700)  # mail from before may be readable for everybody
        lock = open(settings.VAR_DIR / "lock", "w")  # noqa: SIM115 - held for as long as we run
    except OSError as error:
        raise CommandError(f"Cannot write to {settings.VAR_DIR}: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(f"The clinic of {settings.VAR_DIR} already runs. Stop it first.") from error
        yield


def refuse_taken_port(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(
                f"Port {port} of {host} cannot be used: {reason}. Choose another one with --port."
            ) from error


@contextmanager
def embedded_database():
    try:
        database.start(settings.POSTGRES_DIR)
    except database.DatabaseUnavailable as error:
        raise CommandError(str(error)) from error
    try:
        yield
    finally:
        connection.close()
        database.stop(settings.POSTGRES_DIR)


def refuse_newer_database():
    """An older program must not write into the tables of a newer one."""
    executor = MigrationExecutor(connection)
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    if unknown:
        app, name = unknown[-1]
        raise CommandError(
            f"The database is newer than this program: it knows the migration {app}.{name}. "
            "Update the program."
        )


def collect_changed_files():
    """Collect the static files where one has changed: compressing them all takes seconds."""
    files = (
        (path, os.stat(storage.path(path)))
        for finder in get_finders()
        for path, storage in finder.list(ignore_patterns=[])
    )
    seen = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in sorted(files)]
    digest = hashlib.sha256(repr(seen).encode()).hexdigest()
    collected = settings.STATIC_ROOT / "collected"
    if not collected.exists() or collected.read_text() != digest:
        call_command("collectstatic", verbosity=0, interactive=False)
        collected.write_text(digest)


class Children(dict):
    """The worker and the web server by name."""

    def __init__(self, commands):
        super().__init__()
        self.commands = commands
        for name in commands:
            self.start(name)

    def start(self, name):
        # In a session of its own, so that Ctrl-C reaches only us and we stop things in order.
        self[name] = subprocess.Popen(  # noqa: S603
            self.commands[name],
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )

    def keep_alive(self):
        """Start again whatever ends, until a signal stops us."""
        while True:
            time.sleep(RESTART_AFTER)
            for name, child in self.items():
                if child.poll() is not None:
                    log.warning("The %s ended; starting it again.", name)
                    self.start(name)

    def stop(self):
        for child in self.values():
            child.terminate()
        deadline = time.monotonic() + PATIENCE
        for child in self.values():
            try:
                child.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


@contextmanager
def processes(host, port):
    children = Children(
        {
            "web server": [sys.executable, "-m", "clinic_site.server", "--host", host, "--port", str(port)],
            "worker": [sys.executable, "manage.py", "procrastinate", "worker"],
        }
    )
    try:
        yield children
    finally:
        children.stop()


def wait_until_it_answers(host, port, child):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise CommandError("The web server ended while it was starting. Its message is above.")
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CommandError(f"The web server did not answer at {host}:{port} within 30 seconds.")

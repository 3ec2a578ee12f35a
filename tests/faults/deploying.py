"""A new version comes while patients ask: `uv run python -m tests.faults.deploying`."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.faults.patients import Patients
from tests.faults.stage import clinic, connect, main, messages_arrive, say

LATER = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.RunSQL("ALTER TABLE bookings_appointmentrequest ADD COLUMN later integer"),
        migrations.RunSQL("ALTER TABLE bookings_schedule ADD COLUMN later integer"),
    ]
"""
WITH_LATER = """
from tests.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "later"]
"""


@contextmanager
def later_version():
    """The environment of a version with one migration more."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-later-"))
    (folder / "later/migrations").mkdir(parents=True)
    for name in ("later/__init__.py", "later/migrations/__init__.py"):
        (folder / name).touch()
    (folder / "later/migrations/0001_initial.py").write_text(LATER)
    (folder / "with_later.py").write_text(WITH_LATER)
    try:
        yield {"DJANGO_SETTINGS_MODULE": "with_later", "PYTHONPATH": str(folder)}
    finally:
        shutil.rmtree(folder)


def migration_while_serving():
    """A migration of busy tables waits its turn: nobody gets an error, a forgotten transaction or not.

    Two that migrate at once come one after the other.
    """
    with clinic() as here, Patients(here) as patients, later_version() as more:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        environment = {**here.environment, **more}
        time.sleep(2)
        with connect() as forgotten:
            forgotten.execute("SELECT count(*) FROM bookings_appointmentrequest")
            begin = time.monotonic()
            both = [
                subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=here.log)
                for _ in range(2)
            ]
            time.sleep(15)
            waited = all(process.poll() is None for process in both)
            forgotten.rollback()
        codes = [process.wait() for process in both]
        say(f"  two migrations ended with {codes} {time.monotonic() - begin:.0f} s after they began")
        back = time.monotonic()
        time.sleep(3)
        patients.stop()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM information_schema.columns WHERE column_name = 'later'")
            [columns] = cursor.fetchone()
        return {
            **patients.judge(since=back, may=()),
            **messages_arrive(here),
            "a migration did not wait for the lock": not waited,
            "a migration failed": codes != [0, 0] or columns != 2,
            "somebody waited for more than 2 s": [a for a in patients.journal if a.ended - a.began > 2],
        }


def version_before():
    """The commit before the one that added the newest migration, unless VERSION names another."""
    added = ["git", "log", "-1", "--format=%H", "--diff-filter=A", "--", "*/migrations/*.py"]
    newest = subprocess.run(added, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True).stdout
    return os.environ.get("VERSION", f"{newest.strip()}^")


def two_versions():
    """The version before serves on with the tables of this one, and beside it, until it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-before-"))
    before = version_before()
    git = ["git", "-C", settings.BASE_DIR, "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", folder, before], check=True)
    try:
        say(f"  the version before is {before}")
        with clinic(source=folder) as here, Patients(here) as patients:
            time.sleep(10)
            patients.stop()
            return {**patients.judge(may=()), **messages_arrive(here)}
    finally:
        subprocess.run([*git, "remove", "--force", folder], check=True)


if __name__ == "__main__":
    main(migration_while_serving, two_versions)

"""Back to the instant before a mistake: `uv run python -m tests.faults.point_in_time`.

The set-up of deploy/backups.md with the embedded PostgreSQL: a base backup, the archive of all writes, a
statement without its WHERE, and recovery to the instant before. Counted: the rows of requests, events and
messages and a checksum of each table, before the mistake and after; and how long it took.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.scratch import say  # first: it sets Django up

# isort: split
import psycopg
from django.core.management import call_command
from django.db import connection, connections

from clinic_site import database
from tests import make
from tests.faults.machines import wait_until
from tests.faults.replica import url

TABLES = ["bookings_appointmentrequest", "bookings_event", "bookings_message", "bookings_change"]
BEFORE, AFTER = 30, 30  # requests before the base backup and after it
MISTAKE = "UPDATE bookings_appointmentrequest SET patient_name = 'somebody'; DELETE FROM bookings_message"


def archiving(archive):
    """Settings of deploy/backups.md for the server that is to be saved."""
    copy = f"test ! -f {archive}/%f && cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f"
    settings = {"archive_mode": "on", "archive_timeout": "300", "archive_command": copy}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def tables(line):
    """Of each table the number of its rows and a checksum of all of them."""
    checked = "SELECT count(*), md5(string_agg(entry::text, '' ORDER BY id)) FROM {} AS entry"
    return {table: line.execute(checked.format(table)).fetchone() for table in TABLES}


def ask(number):
    room = make.schedule(make.location(name=f"Place {number}"), make.visit_type(slug=f"visit-{number}"))
    make.accepted(room, email=f"anh@p{number}.example")


def base_backup(first, base):
    for each in (base, database.socket_dir(base)):
        each.mkdir(exist_ok=True, mode=0o700)
    database._lend_to_server_user(base)
    where = ["--host", str(database.socket_dir(first)), "--username=postgres"]
    done = database._command("pg_basebackup", base, *where, "--wal-method=stream", "--checkpoint=fast")
    assert done.returncode == 0, done.stdout
    for file in base.glob(".s.PGSQL.*"):  # of the first one's socket, which lies in its folder
        file.unlink()


def recover(base, archive, instant):
    """Start a server on the base backup, up to the instant; how long that took, in seconds."""
    began = time.monotonic()
    with (base / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"restore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_time = '{instant.isoformat()}'\n"
            "recovery_target_action = 'promote'\n"
        )
    (base / "recovery.signal").touch()
    database._lend_to_server_user(base)
    database.start(base)
    with psycopg.connect(url(base), autocommit=True) as line:
        wait_until(lambda: not line.execute("SELECT pg_is_in_recovery()").fetchone()[0], "it did not end")
    return time.monotonic() - began


def run(first, base, archive):
    """Whether all came back."""
    for number in range(BEFORE):
        ask(number)
    base_backup(first, base)
    for number in range(BEFORE, BEFORE + AFTER):
        ask(number)
    connection.close()
    with psycopg.connect(url(first), autocommit=True) as line:
        before = tables(line)
        instant = line.execute("SELECT clock_timestamp()").fetchone()[0]
        time.sleep(1)
        line.execute(MISTAKE)
        broken = tables(line)
        last = line.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()[0]
        wait_until(lambda: (archive / last).exists(), "the last writes were not archived")
    database.stop(first, mode="immediate")
    took = recover(base, archive, instant)
    with psycopg.connect(url(base), autocommit=True) as line:
        after = tables(line)
    for table in TABLES:
        rows = [found[table][0] for found in (before, broken, after)]
        say("  {}: {} rows, {} after the mistake, {} again".format(table, *rows))
    say(f"  checksums equal: {after == before}; back after {took:.1f} s")
    return after == before != broken


def main():
    folder = Path(tempfile.mkdtemp(prefix="clinic-instant-"))
    folder.chmod(0o755)
    first, base, archive = folder / "first", folder / "base", folder / "archive"
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    database.start(first, *archiving(archive))
    connections.settings["default"].update(database.address(url(first), first))
    connection.close()
    try:
        call_command("migrate", verbosity=0)
        held = run(first, base, archive)
    finally:
        connection.close()
        for each in (first, base):
            database.stop(each)
        shutil.rmtree(folder, ignore_errors=True)
    say("held" if held else "BROKEN")
    sys.exit(not held)


if __name__ == "__main__":
    main()

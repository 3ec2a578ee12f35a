"""Public pages from a streaming copy: `uv run python -m tests.faults.replica`.

A real copy, made by pg_basebackup, and a web server that reads pages from it. Counted: how long after an
approval readers see the words; whether they see pages while the copy is away, and those of the copy
once it is back.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from django.core.management import call_command
from django.db import connection, connections

from clinic_site import database
from pages.replica import AFTER
from tests.faults.machines import free_ports, listens, say, wait_until
from tests.pages import make

APPROVALS = 50


def url(folder):
    return f"postgresql:///postgres?{urlencode({'host': database.socket_dir(folder), 'user': 'postgres'})}"


def make_copy(main, copy):
    copy.mkdir(mode=0o700)
    database.socket_dir(copy).mkdir(exist_ok=True, mode=0o700)
    database._lend_to_server_user(copy)
    where = ["--host", str(database.socket_dir(main)), "--username=postgres"]
    options = ["--write-recovery-conf", "--checkpoint=fast"]
    done = database._command("pg_basebackup", copy, *where, *options)
    assert done.returncode == 0, done.stdout
    for file in copy.glob(".s.PGSQL.*"):  # of the first one's socket, which lies in its folder
        file.unlink()
    database.start(copy)


def status(port, path):
    line = HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", path)
    try:
        return line.getresponse().status
    finally:
        line.close()


def approve(path):
    make.starter(make.page(path))
    return f"/{path}/"


def follows(copy, *, is_paused):
    with psycopg.connect(url(copy)) as line:
        line.execute(f"SELECT pg_wal_replay_{'pause' if is_paused else 'resume'}()")


def is_read_from(copy, port, path):
    """Whether a page that the copy has not heard of is not there for readers."""
    follows(copy, is_paused=True)
    address = approve(path)
    try:
        return status(port, address) == 404
    finally:
        follows(copy, is_paused=False)
        wait_until(lambda: status(port, address) == 200, f"{address} never came")


def run(copy, port):
    """Whether all promises held."""
    reads_first = is_read_from(copy, port, "unheard")
    took = []
    for number in range(APPROVALS):
        address, approved_at = approve(f"page-{number}"), time.monotonic()
        wait_until(lambda address=address: status(port, address) == 200, f"{address} never came")
        took.append((time.monotonic() - approved_at) * 1000)
    say(
        f"{APPROVALS} approvals: readers saw the words after {statistics.median(took):.0f} ms, "
        f"at most {max(took):.0f} ms"
    )
    database._command("pg_ctl", copy, "stop", "--mode=immediate", "--wait")
    away = [status(port, f"/page-{number}/") for number in range(APPROVALS)]
    address = approve("while-away")
    database.start(copy)
    back = [status(port, address)]
    say(f"copy killed: {(away + back).count(200)} of {APPROVALS + 1} pages were there all the same")
    time.sleep(AFTER)
    reads_again = is_read_from(copy, port, "unheard-again")
    say(f"pages come from the copy: before {reads_first}, {AFTER} seconds after it is back {reads_again}")
    return reads_first and reads_again and {*away, *back} == {200}


def main():
    folder = Path(tempfile.mkdtemp(prefix="clinic-replica-"))
    first, copy = folder / "first", folder / "copy"
    [port] = free_ports(1)
    database.start(first)
    connections.settings["default"].update(database.address(url(first), first))
    connection.close()
    call_command("migrate", verbosity=0)
    server = None
    try:
        make_copy(first, copy)
        command = [sys.executable, "-m", "clinic_site.server", "--port", str(port)]
        environment = {**os.environ, "DATABASE_URL": url(first), "REPLICA_URL": url(copy)}
        server = subprocess.Popen(command, env=environment)
        wait_until(lambda: listens(port), "the web server did not start")
        held = run(copy, port)
    finally:
        if server:
            server.terminate()
            server.wait()
        connection.close()
        for each in (copy, first):
            with suppress(database.DatabaseUnavailable):
                database.stop(each)
        shutil.rmtree(folder, ignore_errors=True)
    say("held" if held else "BROKEN")
    sys.exit(not held)


if __name__ == "__main__":
    main()

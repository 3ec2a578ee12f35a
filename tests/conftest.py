import asyncio
import email
import email.policy
import gc
import os
import socket
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django_otp import oath

from clinic_site import database

OF_MIGRATIONS = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "bookings_content_version",
    "pages_content_version",
}


def pytest_sessionstart(session):
    """Start the database before the processes that share the tests between them ask for it."""
    if _owns_the_server(session):
        # A test database may be lost with the machine; without fsync it is quicker. Tests with fifty and
        # with sixty people at once may meet.
        given = ["fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=300"]
        database.start(settings.POSTGRES_DIR, *(word for one in given for word in ("-c", one)))


def pytest_collection_modifyitems(items):
    """Tests that start whole programs go first: one of them is longer than many others together."""
    items.sort(key=lambda item: item.path.name != "test_runclinic.py")


def pytest_collection_finish():
    """Do not look through the whole of Django for garbage, again and again: that took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


def pytest_sessionfinish(session):
    if _owns_the_server(session):
        database.stop(settings.POSTGRES_DIR)


def _owns_the_server(session):
    return "DATABASE_URL" not in os.environ and not hasattr(session.config, "workerinput")


def take_rows_away(test_case):
    """After real commits, in place of Django's flush: that takes ten times as long, and empties the tables
    of migrations too. Records and the trail refuse to be emptied, so no trigger is asked.
    """
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - OF_MIGRATIONS
        deletes = "; ".join(f"DELETE FROM {table}" for table in tables)  # noqa: S608
        cursor.execute(f"SET session_replication_role = replica; {deletes}")
        cursor.execute("RESET session_replication_role")


TransactionTestCase._fixture_teardown = take_rows_away


@pytest.fixture
def real_commits(transactional_db):
    """For threads and browsers."""


class Mailbox:
    """A real SMTP server on this machine that keeps what it is given, or behaves as it is told."""

    def __init__(self):
        self.messages, self.recipients = [], []
        self.rcpt_answer = self.answer = "250 OK"
        self.stalls, self.dies_at, self.takes_logins = False, None, True
        self.meanwhile, self.greeted = {}, 0  # what somebody does, by the command that the server is at

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.greeted += 1
        session.host_name = hostname
        await self.others_act("EHLO")
        return responses

    async def others_act(self, command):
        if act := self.meanwhile.pop(command, None):
            await asyncio.to_thread(act)

    def authenticate(self, server, session, envelope, mechanism, data):
        return AuthResult(success=self.takes_logins, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.dies_at == "second MAIL" and getattr(session, "is_used", False):
            server.transport.abort()
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await self.others_act("RCPT")
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server, session, envelope):
        await self.others_act("DATA")
        if self.stalls:
            await asyncio.sleep(1)
        elif self.dies_at == "DATA":
            server.transport.abort()
        elif self.answer.startswith("250"):
            self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients.append(envelope.rcpt_tos)
            session.is_used = True
        return self.answer

    async def handle_QUIT(self, server, session, envelope):
        if self.dies_at == "QUIT":
            server.transport.abort()
        return "221 Bye"


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(
        box, hostname="127.0.0.1", port=port, authenticator=box.authenticate, auth_require_tls=False
    )
    server.start()
    settings.EMAIL_BACKEND = "clinic_site.mail.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield box
    server.stop()


@pytest.fixture
def strict(settings):
    """As in production."""
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.fixture
def clock(monkeypatch):
    """The clock that codes go by; `clock.code(device)` is what the app shows."""
    clock = SimpleNamespace(now=1_800_000_000.0)
    clock.time = lambda: clock.now
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", clock)

    def code(device):
        totp = oath.TOTP(device.bin_key)
        totp.time = clock.now
        return f"{totp.token():06d}"

    clock.code = code
    return clock

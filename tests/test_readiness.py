import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from bookings import outbox
from clinic_site import readiness
from tests import make

pytestmark = pytest.mark.django_db
READY = dict.fromkeys(["database", "migrations", "worker", "messages"], "ok")


@pytest.fixture
def now(monkeypatch):
    """A worker has just said that it lives."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [now])
    return now


def test_the_site_says_that_it_is_ready_and_nobody_keeps_the_answer(client, settings, now):
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, READY)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert client.get("/healthz").status_code == 200


def test_the_site_is_not_ready_while_a_migration_is_missing(client, now):
    MigrationRecorder(connection).record_unapplied("bookings", "0020_the_trail_ends")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {**READY, "migrations": "1 not applied"})


def test_the_site_is_not_ready_while_no_worker_lives(client, now):
    assert readiness.checks(now=now + timedelta(seconds=60)) == READY
    assert readiness.checks(now=now + timedelta(seconds=61)) == {**READY, "worker": "61 seconds"}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert client.get("/readyz").json() == {**READY, "worker": "none"}


def test_the_site_is_not_ready_while_a_message_is_owed_for_too_long(now):
    asked = make.submitted(now=make.later(days=-1))  # its message was due at once, in the time of the tests
    due_at = asked.messages.get().due_at

    assert readiness.checks(now=due_at + timedelta(minutes=5))["messages"] == "ok"
    assert readiness.checks(now=due_at + timedelta(seconds=301))["messages"] == "301 seconds"
    outbox.deliver_due(now=due_at)
    assert readiness.checks(now=due_at + timedelta(days=1))["messages"] == "ok"


def test_the_site_says_in_time_that_its_database_does_not_answer(monkeypatch):
    """One table is locked, then no database is there: both are told, and quickly."""
    monkeypatch.setattr(readiness, "PATIENCE", 50)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE procrastinate_workers")
    assert over_another_connection()["worker"] == "no answer"

    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    assert over_another_connection() == {**dict.fromkeys(READY, "not known"), "database": "no answer"}


def over_another_connection():
    said = []

    def ask():
        said.append(Client().get("/readyz").json())
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return said[0]

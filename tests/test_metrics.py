from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from clinic_site.metrics import Collector
from tests import make

pytestmark = pytest.mark.django_db


def numbers(monkeypatch, now):
    """What Prometheus is told at that instant, by name; the connection of the test stays open."""
    monkeypatch.setattr(timezone, "now", lambda: now)
    monkeypatch.setattr(connections["default"], "close", lambda: None)
    registry = CollectorRegistry()
    registry.register(Collector())
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.split(" ") for line in lines if line[0] != "#")}


def test_prometheus_is_told_how_much_waits_and_how_long_and_nothing_else(monkeypatch):
    room = make.schedule()
    make.confirmed(room)
    waits = make.submitted(room, starts_at=make.TUESDAY_9, email="b@example.com")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [make.NOW])

    due_at = waits.messages.get().due_at
    assert numbers(monkeypatch, due_at + timedelta(seconds=40)) == {
        'clinic_ready{check="database"}': 1,
        'clinic_ready{check="migrations"}': 1,
        'clinic_ready{check="worker"}': 1,
        'clinic_ready{check="messages"}': 1,
        'clinic_requests{status="unverified"}': 1,
        'clinic_requests{status="pending"}': 1,
        'clinic_requests{status="offered"}': 0,
        'clinic_requests{status="waitlisted"}': 0,
        "clinic_requests_late": 0,
        'clinic_messages{status="queued"}': 5,
        'clinic_messages{status="sending"}': 0,
        'clinic_messages{status="failed"}': 0,
        "clinic_messages_due": 3,
        "clinic_message_oldest_due_seconds": 40,
        "clinic_workers": 1,
        'clinic_jobs{status="todo"}': 0,
        'clinic_jobs{status="doing"}': 0,
        'clinic_jobs{status="failed"}': 0,
    }
    later = numbers(monkeypatch, make.later(days=30))
    assert later["clinic_requests_late"] == 1 and later["clinic_workers"] == 0


def test_prometheus_is_told_that_the_database_is_away(monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    assert set(numbers(monkeypatch, make.NOW).values()) == {0}

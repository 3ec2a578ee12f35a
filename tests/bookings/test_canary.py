"""Words that stand nowhere else go in everywhere; each is looked for in every table and every line of log."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from bookings import lifecycle, links, outbox
from bookings.models import AppointmentRequest
from tests import make
from tests.bookings.conftest import ALL, first_free, words

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"
PHONE = "/staff/bookings/appointment/phone/"
CANARY = r"qxzjvk|555\D{0,2}0143"  # each word begins so; the number is typed in several ways


def flew(text):
    return re.search(CANARY, text, re.IGNORECASE)


def holding():
    """The tables in which a canary stands, by whatever column, and the sessions, decoded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = set()
        for table in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS entry '  # noqa: S608
                "WHERE entry::text ~* %s",
                [CANARY],
            )
            if cursor.fetchone()[0]:
                found.add(table)
    assert {"django_session", "django_admin_log", "procrastinate_jobs", "bookings_change"} < set(tables)
    if any(flew(str(one.get_decoded())) for one in Session.objects.all()):
        found.add("sessions, decoded")
    return found


def test_what_a_patient_and_the_staff_wrote_stands_where_it_must_and_after_an_erasure_nowhere(
    client, walk, room, mailbox, caplog
):
    now, robin = timezone.now(), make.staff()
    desk = type(client)()
    desk.force_login(robin)

    def at_the_desk(act, **given):
        asked.refresh_from_db()
        given = {"_seen": asked.version, "_do": "", **given}
        answer = desk.post(f"{LIST}{asked.pk}/{act}/", given, follow=True)
        assert answer.status_code == 200 and "There is a problem" not in answer.text

    def mails_leave():
        outbox.deliver_due(now=now + timedelta(minutes=15))

    with caplog.at_level("INFO", logger="clinic"):
        sent = walk(
            *ALL,
            who={"who": "other"},
            you={
                "patient_name": "Qxzjvkname Doe",
                "asked_by": "Qxzjvkasker Roe",
                "contact_by": "email",
                "email": "qxzjvkmail@example.com",
                "phone": "(703) 555-0143",
                "may_leave_message": "on",
            },
            day={"needs": ["dim_room", "interpreter"], "language": "Qxzjvklang", "note": "qxzjvknote"},
        )
        asked = AppointmentRequest.objects.get()
        client.post(links.url(asked, "confirm_request", now=now).removeprefix("http://127.0.0.1:8000"))
        desk.get(f"{LIST}?q=qxzjvkname")
        desk.get(f"{LIST}?q=703-555-0143")
        at_the_desk("note", text="qxzjvkstaff")
        at_the_desk("phoned", outcome="reached", text="qxzjvkcall")
        at_the_desk("accept")
        mails_leave()
        at_the_desk("contact", email="qxzjvkother@example.com", phone="703 555 0143", contact_by="email")
        at_the_desk("payment", pays_self="yes")
        asked.refresh_from_db()
        choice = lifecycle.Choice(asked.visit_type, asked.location, datetime.fromisoformat(first_free(room)))
        lifecycle.reschedule(asked, choice, now=now, by=robin)
        mails_leave()
        desk.post(f"{LIST}{asked.pk}/person/", {"requests": [asked.pk], "machines": ""})
        at_the_desk("cancel", reason="other")
        called = desk.post(
            f"{PHONE}?location={room.location.slug}",
            {
                "submission": "6d6f9a0e-4f6b-4a54-8a0a-33f8ae18a7f1",
                "visit_type": room.visit_types.get().pk,
                "schedule": room.pk,
                "day": f"{datetime.fromisoformat(first_free(room)):%Y-%m-%d}",
                "patient_name": "Qxzjvkcaller",
                "phone": "(703) 555-0143",
                "then": "wait",
                "last_day": "2099-01-01",
                "part_of_day": "any",
            },
        )
        assert called.status_code == 302
        second = AppointmentRequest.objects.exclude(pk=asked.pk).get()
        lifecycle.withdraw(second, now=now)

        assert len(mailbox.messages) >= 2
        assert holding() == {"bookings_appointmentrequest", "bookings_note"}
        at_the_desk("erase")
        second.refresh_from_db()
        lifecycle.erase(second, by=None, now=now)
        page = words(desk.get(f"{LIST}{asked.pk}/change/"))
        history = words(desk.get(f"{LIST}{asked.pk}/history/"))

    assert holding() == set()
    assert client.get(sent.headers["Location"]).status_code == 404
    assert "erased who the patient is" in page and "Erased" in history
    assert not flew(page) and not flew(history) and not flew(caplog.text)

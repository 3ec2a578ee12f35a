"""What is promised when two people act at once: threads, a barrier, real commits."""

import threading
import time
import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings import lifecycle, messages
from bookings.models import Appointment, AppointmentRequest, Event, Message
from tests import make

pytestmark = pytest.mark.usefixtures("real_commits")


def at_once(*acts):
    """Start all `acts` at the same instant, each in its thread; their results or refusals, in order."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        barrier.wait(10)
        try:
            results[place] = act()
        except lifecycle.Refused as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_eight_people_who_want_one_time_one_gets_it():
    room = make.schedule()

    results = at_once(*[lambda: make.submitted(room, email=f"{uuid.uuid4()}@example.com")] * 8)

    assert sorted(type(result).__name__ for result in results) == ["AppointmentRequest"] + ["TimeGone"] * 7
    assert AppointmentRequest.objects.count() == Appointment.objects.count() == Message.objects.count() == 1


def test_three_chairs_take_three_of_eight_people():
    place, visit = make.location(), make.visit_type()
    chairs = [make.schedule(place, visit, f"Chair {number}") for number in (1, 2, 3)]

    results = at_once(*[lambda: make.submitted(chairs[0], email=f"{uuid.uuid4()}@example.com")] * 8)

    assert sum(isinstance(result, AppointmentRequest) for result in results) == 3
    assert Appointment.objects.values("schedule").distinct().count() == 3


def test_a_double_click_makes_one_request():
    room, submission = make.schedule(), uuid.uuid4()

    results = at_once(*[lambda: make.submitted(room, submission=submission)] * 4)

    assert len({result.pk for result in results}) == AppointmentRequest.objects.count() == 1


def until_somebody_waits():
    """Come back when another connection waits for a lock of ours (or after 5 seconds)."""
    deadline = time.monotonic() + 5
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return


def test_who_decides_while_another_decision_is_under_way_waits_for_it_and_is_told():
    asked, robin, kim = make.confirmed(), make.staff("robin"), make.staff("kim")
    first_has_decided = threading.Event()

    def first():
        with transaction.atomic():
            lifecycle.accept(asked, by=robin, now=make.NOW)
            first_has_decided.set()
            until_somebody_waits()

    def second():
        first_has_decided.wait(10)
        lifecycle.decline(asked, by=kim, reason="no_time", now=make.NOW)

    _, refusal = at_once(first, second)

    asked.refresh_from_db()
    assert str(refusal).startswith("This request is already accepted: robin")
    assert (asked.status, asked.events.count()) == ("accepted", 3)


def test_who_asks_for_a_time_that_is_just_being_taken_waits_and_is_told():
    """Without the lock on the schedule it would be an error of the constraint, and a second attempt."""
    room = make.schedule()
    first_has_asked = threading.Event()

    def first():
        with transaction.atomic():
            make.submitted(room)
            first_has_asked.set()
            until_somebody_waits()

    def second():
        first_has_asked.wait(10)
        with CaptureQueriesContext(connection) as queries:
            try:
                make.submitted(room)
            finally:
                asked.extend(query["sql"] for query in queries)

    asked = []
    _, refusal = at_once(first, second)

    assert isinstance(refusal, lifecycle.TimeGone)
    assert [sql for sql in asked if sql.startswith('INSERT INTO "bookings_appointment" ')] == []


def test_one_submission_to_two_places_at_once_is_one_request():
    rooms, submission = [make.schedule(), make.schedule()], uuid.uuid4()

    results = at_once(
        lambda: make.submitted(rooms[0], submission=submission),
        lambda: make.submitted(rooms[1], submission=submission),
    )

    assert len({result.pk for result in results}) == AppointmentRequest.objects.count() == 1


def test_of_two_members_of_staff_who_decide_at_once_one_decides_and_the_other_is_told():
    asked, robin, kim = make.confirmed(), make.staff("robin"), make.staff("kim")

    results = at_once(
        lambda: lifecycle.accept(asked, by=robin, now=make.NOW),
        lambda: lifecycle.decline(asked, by=kim, reason="no_time", now=make.NOW),
    )

    refusals = [result for result in results if isinstance(result, lifecycle.Refused)]
    assert len(refusals) == 1
    assert str(refusals[0]).startswith("This request is already ")
    assert Event.objects.exclude(verb__in=["submit", "verify"]).count() == 1
    assert Message.objects.filter(kind__in=["accepted", "declined"]).count() == 1


def test_who_asks_twice_at_once_for_a_new_link_gets_one():
    asked = make.confirmed()

    at_once(*[lambda: messages.send_again(asked, Message.Kind.LINK, now=make.NOW)] * 4)

    assert asked.messages.filter(kind=Message.Kind.LINK).count() == 1

"""What is promised when two people act at once: threads, a barrier, real commits."""

import threading
import uuid

import pytest
from django.db import connection

from bookings import lifecycle
from bookings.models import Appointment, AppointmentRequest, Event, Message
from tests import make

pytestmark = pytest.mark.usefixtures("real_commits")


def at_once(*acts):
    """Start all `acts` at the same instant, each in its thread; their results or refusals, in order."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        barrier.wait()
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

    results = at_once(*[lambda: make.submitted(room)] * 8)

    assert sorted(type(result).__name__ for result in results) == ["AppointmentRequest"] + ["TimeGone"] * 7
    assert AppointmentRequest.objects.count() == Appointment.objects.count() == Message.objects.count() == 1


def test_three_chairs_take_three_of_eight_people():
    place, visit = make.location(), make.visit_type()
    chairs = [make.schedule(place, visit, f"Chair {number}") for number in (1, 2, 3)]

    results = at_once(*[lambda: make.submitted(chairs[0])] * 8)

    assert sum(isinstance(result, AppointmentRequest) for result in results) == 3
    assert Appointment.objects.values("schedule").distinct().count() == 3


def test_a_double_click_makes_one_request():
    room, submission = make.schedule(), uuid.uuid4()

    results = at_once(*[lambda: make.submitted(room, submission=submission)] * 4)

    assert len({result.pk for result in results}) == AppointmentRequest.objects.count() == 1


def test_of_two_members_of_staff_who_decide_at_once_one_decides_and_the_other_is_told():
    asked, robin, kim = make.submitted(), make.staff("robin"), make.staff("kim")

    results = at_once(
        lambda: lifecycle.accept(asked, by=robin, now=make.NOW),
        lambda: lifecycle.decline(asked, by=kim, reason="no_time", now=make.NOW),
    )

    refusals = [result for result in results if isinstance(result, lifecycle.Refused)]
    assert len(refusals) == 1
    assert str(refusals[0]).startswith("This request is already ")
    assert Event.objects.exclude(verb="submit").count() == 1
    assert Message.objects.exclude(kind="received").count() == 1

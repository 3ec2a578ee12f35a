"""A request by phone, as the front desk enters it."""

import re
import uuid
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from bookings.models import Appointment, AppointmentRequest
from tests import make

pytestmark = pytest.mark.django_db

PHONE = "/staff/bookings/appointment/phone/"
# 229 letters, which are 509 as a mail server is told them.
LABEL = "".join(map(chr, range(0x4E00, 0x4E00 + 15 * 37, 37)))
LONG_IN_ASCII = "a@" + f"{LABEL}." * 14 + "com"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """It is the Monday of the tests."""
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def call(room, **answers):
    """What the desk fills in for somebody who wants to come on Wednesday at 9."""
    return {
        "submission": str(uuid.uuid4()),
        "visit_type": room.visit_types.first().pk,
        "schedule": room.pk,
        "day": "2027-03-10",
        "hour": "09:00",
        "which": "",
        "reason": "",
        "patient_name": "Nguyễn Thị Ánh",
        "phone": "(703) 555-0199",
        "email": "",
        "then": "book",
        "last_day": "",
        "part_of_day": "any",
        "asked_by": "",
        **answers,
    }


def enter(desk, room, **answers):
    return desk.post(f"{PHONE}?location={room.location.slug}", call(room, **answers), follow=True).text


def test_a_call_is_booked_in_one_go_and_the_page_says_when_and_where(desk):
    room = make.schedule()

    page = enter(desk, room)

    asked = AppointmentRequest.objects.get()
    assert (asked.status, asked.created_via, asked.verified_at) == ("accepted", "phone", make.NOW)
    assert [event.verb for event in asked.events.all()] == ["submit", "accept"]
    assert {event.by.username for event in asked.events.all()} == {"robin"}
    assert f"{asked.reference}: Booked for Wednesday, March 10, 2027 at 9am EST, Room." in page


@pytest.mark.parametrize(("said", "kept"), [("yes", True), ("no", False), ("unsure", None)])
def test_the_desk_asks_who_pays_and_the_estimate_gets_its_day_at_once(desk, said, kept):
    room = make.schedule()

    page = enter(desk, room, pays_self=said, day="2027-03-12")

    asked = AppointmentRequest.objects.get()
    assert (asked.pays_self, asked.estimate_due_on) == (kept, date(2027, 3, 9) if kept else None)
    assert "There is a problem" not in page


def test_the_same_form_sent_twice_books_once(desk):
    room = make.schedule()
    token = str(uuid.uuid4())

    first, second = (enter(desk, room, submission=token) for _ in range(2))

    assert (AppointmentRequest.objects.count(), Appointment.objects.count()) == (1, 1)
    assert "Booked for" in first
    assert "There is a problem" not in second


def test_a_form_that_was_gone_back_to_loses_nobody_who_calls_next(desk):
    room = make.schedule()
    token, bo = (
        str(uuid.uuid4()),
        {"patient_name": "Bo", "hour": "10:00", "needs": ["dim_room", "quiet_wait"]},
    )
    enter(desk, room, submission=token)

    said = enter(desk, room, submission=token, **bo)
    fresh = re.search(r'name="submission" value="([\w-]+)"', said)[1]

    reference = AppointmentRequest.objects.get().reference
    assert f"This form was sent before, for {reference}. Save enters this call too" in said
    assert said.count("checked") == 3 and 'value="Bo"' in said
    enter(desk, room, submission=fresh, **bo)
    assert AppointmentRequest.objects.filter(patient_name="Bo", appointments__status="booked").count() == 1


def test_a_time_can_be_held_for_somebody_else_to_decide(desk):
    room = make.schedule()

    page = enter(desk, room, then="hold")

    asked = AppointmentRequest.objects.get()
    assert (asked.status, asked.appointments.get().status) == ("pending", "pending")
    assert "The time is held." in page


def test_who_finds_no_time_goes_on_the_waiting_list(desk):
    room = make.schedule()

    enter(desk, room, then="wait", hour="", last_day="2027-03-20", part_of_day="morning")

    asked = AppointmentRequest.objects.get()
    period = asked.periods.get()
    assert (asked.status, asked.asks_for, asked.wanted_at) == ("waitlisted", "waitlist", None)
    assert (period.first_day, period.last_day, period.part_of_day) == (
        date(2027, 3, 10),
        date(2027, 3, 20),
        "morning",
    )


def test_any_that_is_free_takes_the_one_that_availability_picks(desk):
    room = make.schedule()
    second = make.schedule(room.location, room.visit_types.get(), name="Second")
    make.accepted(room)

    enter(desk, room, schedule="")

    assert AppointmentRequest.objects.get(created_via="phone").appointment.schedule == second


def test_the_same_day_needs_a_reason_which_is_kept(desk):
    room = make.schedule(visit=make.visit_type(notice_hours=24))

    page = enter(desk, room, day="2027-03-08", hour="14:00")
    assert "This time is sooner than the notice of 24 hours." in page
    assert AppointmentRequest.objects.count() == 0
    enter(desk, room, day="2027-03-08", hour="14:00", reason="clinician")

    asked = AppointmentRequest.objects.get()
    assert asked.appointment.starts_at == make.NOW + timedelta(hours=2)
    assert asked.events.last().reason == "clinician"


def test_without_a_chair_named_the_same_day_needs_a_reason_too(desk):
    room = make.schedule(visit=make.visit_type(notice_hours=24))

    assert "sooner than the notice" in enter(desk, room, schedule="", day="2027-03-08", hour="14:00")
    enter(desk, room, schedule="", day="2027-03-08", hour="14:00", reason="agreed")

    assert AppointmentRequest.objects.get().status == "accepted"


def test_a_time_that_is_taken_is_answered_with_what_is_free_and_keeps_what_was_typed(desk):
    room = make.schedule()
    make.accepted(room)

    named, any_free = (enter(desk, room, schedule=pk) for pk in (room.pk, ""))

    assert "Room is taken from 9am EST to 10am EST. Free near it: " in named
    assert "Nothing is free then. Free near it: " in any_free
    assert 'value="Nguyễn Thị Ánh"' in named and 'value="(703) 555-0199"' in named
    assert AppointmentRequest.objects.count() == 1


def test_a_time_lost_in_the_same_second_is_answered_with_the_sentence_of_the_verb(desk, monkeypatch):
    room = make.schedule()
    make.accepted(room)
    monkeypatch.setattr("bookings.admin.moving.clash", lambda *args, **kwargs: "")  # seen too early

    page = enter(desk, room)

    assert "That time was just taken. Choose another one." in page
    assert AppointmentRequest.objects.count() == 1


def test_the_hour_that_comes_twice_is_asked_about(desk):
    place = make.location(hours=(time(0), time(5)), weekdays=range(7))
    room = make.schedule(place, make.visit_type(horizon_days=365))

    page = enter(desk, room, day="2027-11-07", hour="01:30")
    assert "1:30am EDT, the first" in page and "1:30am EST, the second" in page
    enter(desk, room, day="2027-11-07", hour="01:30", which="1")

    assert AppointmentRequest.objects.get().wanted_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patient_name": " "}, "Enter the name of the patient"),
        ({"phone": ""}, "Enter a phone number or an email address"),
        ({"phone": "12"}, "Enter a phone number with its area code"),
        ({"email": "me@"}, "Enter an email address in the correct format"),
        ({"email": LONG_IN_ASCII}, "Email address must be 254 characters or less"),
        ({"visit_type": "9999"}, "Select one of these visits"),
        ({"visit_type": ""}, "Select a visit"),
        ({"schedule": "x"}, "Select one of these"),
        ({"day": "2027-02-29"}, "Enter a day that exists"),
        ({"hour": "9 o'clock"}, "Enter a time, like 13:30 or 1:30pm"),
        ({"hour": ""}, "Enter a time"),
        ({"then": "later"}, "Select what to do"),
        ({"day": "2027-03-01"}, "The time has passed: Monday, March 1, 2027 at 9am EST"),
        ({"then": "wait"}, "Enter the last day on which they could come"),
        ({"then": "wait", "last_day": "2027-03-09"}, "The last day is before the first"),
        ({"then": "wait", "day": "2027-03-01", "last_day": "2027-03-07"}, "The last day has passed"),
        ({"needs": "gold"}, "Select a valid choice"),
        ({"pays_self": "gold"}, "Select how the patient will pay"),
        ({"submission": "x"}, "Enter a valid UUID"),
        ({"then": "hold", "hour": "19:00", "reason": "agreed"}, "is booked, not held"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_nothing_is_taken(desk, wrong, said):
    page = enter(desk, make.schedule(), **wrong)

    assert said in page and "There is a problem" in page
    assert AppointmentRequest.objects.count() == 0


def test_an_address_that_is_corrected_is_refused_with_a_sentence_where_it_is_too_long(desk):
    asked = make.submitted()

    page = desk.post(
        f"/staff/bookings/appointmentrequest/{asked.pk}/contact/",
        {"email": LONG_IN_ASCII, "phone": "", "contact_by": "email", "version": asked.version},
    )

    assert "Email address must be 254 characters or less" in page.text


def test_the_hour_is_understood_as_people_write_it(desk):
    room = make.schedule()

    enter(desk, room, hour="2:00pm")

    assert AppointmentRequest.objects.get().wanted_at == make.WEDNESDAY_9 + timedelta(hours=5)


@pytest.mark.parametrize("query", ["start=soon", "schedule=99999999", "location=nowhere", "start=2027-03-10"])
def test_an_address_that_says_nonsense_opens_an_empty_form(desk, query):
    make.schedule()

    response = desk.get(f"{PHONE}?{query}")

    assert response.status_code == 200 and 'name="patient_name"' in response.text


def test_who_waits_for_a_free_time_is_listed_beside_it(desk):
    room = make.schedule()
    waiting = enter(desk, room, then="wait", hour="", last_day="2027-03-20", part_of_day="morning")
    assert "On the waiting list." in waiting
    at = {"location": room.location.slug, "schedule": room.pk}

    morning = desk.get(PHONE, {**at, "start": make.WEDNESDAY_9.isoformat()}).text
    afternoon = desk.get(PHONE, {**at, "start": (make.WEDNESDAY_9 + timedelta(hours=4)).isoformat()}).text

    asked = AppointmentRequest.objects.get()
    assert re.findall(r'name="request" value="(\d+)"', morning) == [str(asked.pk)]
    assert re.findall(r'name="request" value="(\d+)"', afternoon) == []


@pytest.mark.parametrize("many", [1, 4])
def test_the_form_asks_the_database_the_same_number_of_questions(desk, many, django_assert_num_queries):
    room = make.schedule()
    for number in range(many):
        make.schedule(room.location, room.visit_types.get(), name=f"Chair {number}")
        make.waitlisted(room, email=f"w{number}@example.com")
    at = {"location": room.location.slug, "schedule": room.pk, "start": make.WEDNESDAY_9.isoformat()}
    desk.get(PHONE, at)

    with django_assert_num_queries(17):
        page = desk.get(PHONE, at).text

    assert page.count("Offer it") == many

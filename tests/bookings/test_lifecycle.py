import re
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bookings import availability, lifecycle
from bookings.lifecycle.requests import new_reference
from bookings.models import Appointment, AppointmentRequest, Event, Message
from tests import make

pytestmark = pytest.mark.django_db


def test_a_submitted_request_waits_for_an_answer_and_holds_its_time():
    asked = make.confirmed()

    hold = asked.appointments.get()
    assert asked.status == "pending"
    assert (hold.status, hold.starts_at, hold.held_until) == ("pending", make.WEDNESDAY_9, asked.reply_until)


def test_no_verb_asks_the_database_twice(django_assert_num_queries):
    asking, by = make.asking(make.schedule()), make.staff()

    with django_assert_num_queries(25):
        asked = lifecycle.submit(**asking)
    with django_assert_num_queries(20):
        asked = lifecycle.verify(asked, now=make.NOW)
    with django_assert_num_queries(12):
        lifecycle.accept(asked, by=by, now=make.NOW)


def test_the_buffers_of_a_visit_are_occupied_with_it():
    visit = make.visit_type(minutes=60, minutes_before=15, minutes_after=30)

    hold = make.confirmed(make.schedule(visit=visit)).appointments.get()

    minutes = availability.minutes
    assert hold.occupied.lower == make.WEDNESDAY_9 - minutes(15)
    assert hold.occupied.upper == make.WEDNESDAY_9 + minutes(90)


def test_the_same_submission_twice_is_one_request():
    room, submission = make.schedule(), uuid.uuid4()

    first = make.confirmed(room, submission=submission)
    second = make.confirmed(room, submission=submission)

    assert first == second
    assert AppointmentRequest.objects.count() == Appointment.objects.count() == 1


def test_a_taken_time_cannot_be_asked_for():
    room = make.schedule()
    make.confirmed(room)

    with pytest.raises(lifecycle.TimeGone):
        make.confirmed(room)

    assert AppointmentRequest.objects.count() == 1


@pytest.mark.parametrize(
    "starts_at",
    [
        make.WEDNESDAY_9.replace(minute=1),
        make.WEDNESDAY_9.replace(hour=8),
        make.WEDNESDAY_9.replace(hour=22),
        make.WEDNESDAY_9.replace(day=13),
        make.NOW,
        make.WEDNESDAY_9.replace(year=2028),
        make.WEDNESDAY_9.replace(year=2026),
    ],
    ids=["off the step", "at 3am", "at closing", "on a Saturday", "without notice", "next year", "last year"],
)
def test_a_time_that_is_not_offered_cannot_be_asked_for(starts_at):
    with pytest.raises(lifecycle.TimeGone):
        make.confirmed(starts_at=starts_at)

    assert AppointmentRequest.objects.count() == 0


def test_two_rooms_take_two_visits_at_one_time_and_the_third_is_refused():
    place, visit = make.location(), make.visit_type()
    rooms = [make.schedule(place, visit, name) for name in ("Room 1", "Room 2")]

    taken = {make.confirmed(rooms[0]).appointments.get().schedule for _ in rooms}

    assert taken == set(rooms)
    with pytest.raises(lifecycle.TimeGone):
        make.confirmed(rooms[0])


def test_an_overdue_hold_gives_way_to_a_newcomer():
    room = make.schedule()
    next_week = make.WEDNESDAY_9.replace(day=17, hour=13)  # daylight saving has begun
    stale = make.confirmed(room, starts_at=next_week)

    newcomer = make.confirmed(room, starts_at=next_week, now=stale.reply_until)

    assert newcomer.appointments.get().status == "pending"
    assert stale.appointments.get().status == "cancelled"


def test_an_accepted_request_has_a_booked_appointment():
    asked = make.confirmed()

    appointment = lifecycle.accept(asked, by=make.staff(), now=make.later(hours=1))

    asked.refresh_from_db()
    assert (asked.status, asked.version) == ("accepted", 3)
    assert (appointment.status, appointment.held_until) == ("booked", None)


def test_a_time_that_has_passed_cannot_be_accepted():
    asked = make.confirmed()

    with pytest.raises(lifecycle.Refused, match="passed: Wednesday, March 10, 2027 at 9am EST"):
        lifecycle.accept(asked, by=make.staff(), now=make.WEDNESDAY_9)

    asked.refresh_from_db()
    assert (asked.status, asked.messages.filter(kind="accepted").count()) == ("pending", 0)


def test_a_declined_request_frees_its_time():
    room = make.schedule()
    asked = make.confirmed(room)

    lifecycle.decline(asked, by=make.staff(), reason="no_time", now=make.NOW)

    asked.refresh_from_db()
    assert (asked.status, asked.reason) == ("declined", "no_time")
    assert make.confirmed(room).status == "pending"


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_a_decided_request_cannot_be_decided_again(verb):
    asked, robin = make.confirmed(), make.staff()
    lifecycle.accept(asked, by=robin, now=make.NOW)
    again = {"accept": {}, "decline": {"reason": "no_time"}}[verb]

    with pytest.raises(lifecycle.Refused, match="already accepted: robin, Monday, March 8, 2027 at noon EST"):
        getattr(lifecycle, verb)(asked, by=robin, now=make.later(hours=1), **again)

    assert Event.objects.filter(request=asked).count() == 3
    assert asked.appointments.get().status == "booked"


def test_a_hold_that_was_let_go_is_claimed_again_when_its_time_is_still_free():
    asked = make.confirmed()
    asked.appointments.update(status="cancelled")

    appointment = lifecycle.accept(asked, by=make.staff(), now=make.later(hours=1))

    assert (appointment.status, appointment.starts_at) == ("booked", make.WEDNESDAY_9)


def test_a_hold_that_was_let_go_and_whose_time_went_cannot_be_accepted():
    room = make.schedule()
    asked = make.confirmed(room)
    asked.appointments.update(status="cancelled")
    make.confirmed(room)

    with pytest.raises(lifecycle.TimeGone):
        lifecycle.accept(asked, by=make.staff(), now=make.later(hours=1))

    asked.refresh_from_db()
    assert asked.status == "pending"


def test_every_verb_leaves_an_event_with_who_and_when():
    asked, robin = make.confirmed(), make.staff()

    lifecycle.decline(asked, by=robin, reason="duplicate", now=make.later(hours=1))

    events = asked.events.values_list("verb", "from_status", "to_status", "by", "at")
    assert list(events) == [
        ("submit", "", "unverified", None, make.NOW),
        ("verify", "unverified", "pending", None, make.NOW),
        ("decline", "pending", "declined", robin.pk, make.later(hours=1)),
    ]


def test_every_verb_owes_its_message_once():
    asked = make.confirmed()

    lifecycle.accept(asked, by=make.staff(), now=make.later(hours=1))

    owed = Message.objects.values_list("kind", "version", "due_at")
    grace = timedelta(minutes=3)
    tuesday_9 = make.WEDNESDAY_9 - timedelta(days=1)
    assert list(owed) == [
        ("verify", 1, make.NOW),
        ("received", 2, make.NOW + grace),
        ("staff_new", 2, make.NOW),
        ("staff_overdue", 2, asked.reply_until),
        ("accepted", 3, make.later(hours=1) + grace),
        ("reminder_1", 3, tuesday_9),
    ]


def test_a_change_that_is_rolled_back_owes_nothing():
    with transaction.atomic():
        make.confirmed()
        transaction.set_rollback(True)

    assert Message.objects.count() == 0


def test_somebody_without_an_address_is_owed_no_e_mail():
    asked = make.submitted(email="", phone="(703) 555-0199", contact_by="phone")

    kinds = asked.messages.values_list("kind", flat=True)
    assert (asked.status, list(kinds)) == ("pending", ["staff_new", "staff_overdue"])


def test_no_path_around_the_verbs_can_occupy_a_schedule_twice():
    room = make.schedule()
    hold = make.confirmed(room).appointments.get()
    other = make.confirmed(room, starts_at=make.WEDNESDAY_9.replace(hour=16)).appointments.get()

    with pytest.raises(IntegrityError, match="no_schedule_is_occupied_twice"):
        Appointment.objects.filter(pk=other.pk).update(occupied=hold.occupied, period=hold.period)


def test_visits_that_touch_do_not_clash():
    room = make.schedule()
    make.confirmed(room)

    assert make.confirmed(room, starts_at=make.WEDNESDAY_9.replace(hour=15)).status == "pending"


def test_a_reference_has_no_letter_that_could_be_misheard():
    assert re.fullmatch("[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", new_reference())

"""A booked visit: moved, cancelled, and what came of it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import lifecycle, outbox
from bookings.lifecycle import Choice
from bookings.models import Appointment
from tests import make

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def choice(asked, starts_at, **fields):
    return Choice(asked.visit_type, asked.location, starts_at, **fields)


def events(asked):
    return list(asked.events.values_list("verb", "from_status", "to_status", "starts_at"))


def test_a_moved_visit_keeps_its_identity_and_its_sequence_rises():
    asked = make.accepted()
    before = asked.appointments.get()

    lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR), now=make.NOW)

    after = asked.appointments.get()
    assert (after.pk, after.uid, after.sequence) == (before.pk, before.uid, 1)
    assert (after.starts_at, after.status) == (make.WEDNESDAY_9 + HOUR, "booked")
    assert events(asked)[-1] == ("reschedule", "booked", "booked", make.WEDNESDAY_9 + HOUR)


def test_a_visit_can_move_to_a_time_that_overlaps_its_own():
    visit = make.visit_type(minutes=60, step_minutes=30)
    asked = make.accepted(make.schedule(visit=visit))

    lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR / 2), now=make.NOW)

    assert asked.appointments.get().starts_at == make.WEDNESDAY_9 + HOUR / 2


def test_a_visit_whose_new_time_is_lost_stays_where_it_was():
    room = make.schedule()
    asked = make.accepted(room)
    make.confirmed(room, starts_at=make.WEDNESDAY_9 + HOUR, email="newcomer@example.com")

    with pytest.raises(lifecycle.TimeGone):
        lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR), now=make.NOW)

    visit = asked.appointments.get()
    assert (visit.starts_at, visit.status, visit.sequence) == (make.WEDNESDAY_9, "booked", 0)
    assert events(asked)[-1][0] == "accept"


def test_moving_to_the_same_time_changes_nothing():
    asked = make.accepted()

    lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9), now=make.NOW)

    asked.refresh_from_db()
    assert (asked.version, asked.appointments.get().sequence) == (3, 0)


def test_the_old_time_of_a_moved_visit_is_free():
    room = make.schedule()
    asked = make.accepted(room)
    lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR), now=make.NOW)

    assert make.confirmed(room, email="newcomer@example.com").appointments.get().starts_at == make.WEDNESDAY_9


def test_a_patient_can_change_a_visit_until_the_notice_and_not_a_second_later():
    visit = make.visit_type(change_notice_hours=24)
    asked = make.accepted(make.schedule(visit=visit))
    until = make.TUESDAY_9
    late = until + timedelta(seconds=1)

    for change in (
        lambda: lifecycle.cancel(asked, now=late),
        lambda: lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR), now=late),
    ):
        with pytest.raises(lifecycle.Refused, match=r"too late.*phone \(703\) 555-0142"):
            change()

    assert lifecycle.may_be_changed_until(asked.appointments.get()) == until
    assert lifecycle.cancel(asked, now=until).status == "cancelled"


def test_staff_can_change_a_visit_at_any_time():
    asked, robin = make.accepted(), make.staff()
    late = make.WEDNESDAY_9 - timedelta(minutes=5)

    lifecycle.reschedule(asked, choice(asked, make.WEDNESDAY_9 + HOUR), by=robin, now=late)
    asked.refresh_from_db()
    lifecycle.cancel(asked, by=robin, reason="staff_ill", now=late)

    visit = asked.appointments.get()
    assert (visit.status, visit.cancel_reason, visit.sequence) == ("cancelled", "staff_ill", 2)


@pytest.mark.parametrize("starts_at", [make.NOW, make.WEDNESDAY_9.replace(year=2028)])
def test_a_patient_cannot_move_a_visit_to_where_nobody_may_ask(starts_at):
    asked = make.accepted()

    with pytest.raises(lifecycle.Refused, match="still ahead"):
        lifecycle.reschedule(asked, choice(asked, starts_at), now=make.NOW)


def test_a_cancelled_visit_frees_its_time_and_stays_on_record():
    room = make.schedule()
    asked = make.accepted(room)

    lifecycle.cancel(asked, now=make.NOW)

    visit = asked.appointments.get()
    assert (visit.status, visit.cancel_reason, visit.sequence) == ("cancelled", "patient", 1)
    assert asked.messages.latest("pk").kind == "cancelled"
    assert asked.appointment == visit
    assert make.confirmed(room, email="newcomer@example.com").appointments.get().status == "pending"


def test_a_cancelled_visit_cannot_be_cancelled_again():
    asked = make.accepted()
    lifecycle.cancel(asked, now=make.NOW)

    with pytest.raises(lifecycle.Refused, match="already marked “cancelled”: the patient"):
        lifecycle.cancel(asked, now=make.NOW)


def test_what_came_of_a_visit_is_said_by_a_person_after_it_began():
    asked, robin = make.accepted(), make.staff()
    for verb in (lifecycle.fulfil, lifecycle.mark_noshow):
        with pytest.raises(lifecycle.Refused, match="starts on Wednesday, March 10, 2027 at 9am EST"):
            verb(asked, by=robin, now=make.WEDNESDAY_9 - timedelta(seconds=1))
    with pytest.raises(lifecycle.Refused, match="starts on Wednesday, March 10, 2027 at 9am EST"):
        lifecycle.arrive(asked, by=robin, now=make.WEDNESDAY_9 - 9 * HOUR - timedelta(seconds=1))

    lifecycle.arrive(asked, by=robin, now=make.WEDNESDAY_9 - timedelta(minutes=10))
    asked.refresh_from_db()
    lifecycle.fulfil(asked, by=robin, now=make.WEDNESDAY_9 + HOUR)

    assert [event[:3] for event in events(asked)[-2:]] == [
        ("arrive", "booked", "arrived"),
        ("fulfil", "arrived", "fulfilled"),
    ]


@pytest.mark.parametrize("by_staff", [True, False])
def test_a_visit_whose_patient_has_arrived_is_not_moved(by_staff):
    asked = make.accepted()
    lifecycle.arrive(asked, by=make.staff(), now=make.WEDNESDAY_9 - HOUR)
    asked.refresh_from_db()
    who = make.staff("kim") if by_staff else None

    with pytest.raises(lifecycle.Refused, match="already marked “arrived”: robin"):
        lifecycle.reschedule(
            asked, choice(asked, make.WEDNESDAY_9 + 2 * HOUR), by=who, now=make.WEDNESDAY_9 - 30 * HOUR
        )

    assert asked.appointments.get().status == "arrived"


def test_who_did_not_come_can_be_set_right_within_seven_days():
    asked, robin = make.accepted(), make.staff()
    lifecycle.mark_noshow(asked, by=robin, now=make.WEDNESDAY_9)
    asked.refresh_from_db()
    a_week_later = make.WEDNESDAY_9 + timedelta(days=7)

    with pytest.raises(lifecycle.Refused, match="more than 7 days"):
        lifecycle.undo_noshow(asked, by=robin, now=a_week_later + timedelta(seconds=1))
    lifecycle.undo_noshow(asked, by=robin, now=a_week_later)

    assert asked.appointments.get().status == "booked"


def test_the_clock_never_says_that_somebody_did_not_come():
    asked = make.accepted()

    lifecycle.sweep(now=make.WEDNESDAY_9 + timedelta(days=30))

    assert asked.appointments.get().status == "booked"


@pytest.mark.parametrize("verb", ["arrive", "fulfil", "mark_noshow", "undo_noshow"])
def test_there_is_no_coming_to_a_visit_that_was_cancelled(verb):
    asked, robin = make.accepted(), make.staff()
    lifecycle.cancel(asked, now=make.NOW)

    with pytest.raises(lifecycle.Refused, match="already marked “cancelled”"):
        getattr(lifecycle, verb)(asked, by=robin, now=make.WEDNESDAY_9)


def test_a_visit_entered_in_error_frees_its_time_and_stays_on_record():
    room = make.schedule()
    asked = make.accepted(room)

    lifecycle.enter_in_error(asked, by=make.staff(), now=make.NOW)

    assert Appointment.objects.get().status == "entered-in-error"
    assert make.confirmed(room, email="newcomer@example.com").appointments.get().status == "pending"


@pytest.mark.parametrize("is_let_go", [False, True], ids=["held", "let go"])
def test_a_time_that_is_only_held_is_no_visit_to_enter_in_error(is_let_go):
    asked = make.confirmed()
    if is_let_go:
        lifecycle.waitlist(asked, by=make.staff("kim"), now=make.NOW)
        asked.refresh_from_db()

    with pytest.raises(lifecycle.Refused):
        lifecycle.enter_in_error(asked, by=make.staff(), now=make.NOW)


def test_who_gives_an_address_after_booking_by_phone_gets_the_reminders_that_are_still_ahead(mailbox):
    by_phone = {"email": "", "phone": "(703) 555-0199", "contact_by": "phone"}
    asked = make.submitted(starts_at=make.WEDNESDAY_9 + timedelta(days=2), **by_phone)
    lifecycle.accept(asked, by=make.staff(), now=make.NOW)
    asked.refresh_from_db()
    noon, day_before = make.later(days=2), make.later(hours=69)  # the earlier reminder was for 9 that day
    for email, number in [("anh@example.com", "0199"), ("", "0199"), ("", "0198"), ("anh@b.example", "0198")]:
        asked = lifecycle.correct_contact(
            asked, email=email, phone=f"(703) 555-{number}", contact_by="phone", now=noon
        )

    outbox.deliver_due(now=noon)
    outbox.deliver_due(now=day_before)

    assert [
        (mail["Subject"], *to) for mail, to in zip(mailbox.messages, mailbox.recipients, strict=True)
    ] == [
        ("Your new link to Example Clinic", "anh@b.example"),
        ("Your appointment at Example Clinic is tomorrow", "anh@b.example"),
    ]
    lifecycle.cancel(asked, now=day_before)
    asked.refresh_from_db()
    lifecycle.correct_contact(asked, email="c@a.example", phone="", contact_by="email", now=day_before)
    assert asked.messages.filter(kind="reminder_1", status="queued").count() == 0


def test_a_move_locks_the_request_then_the_schedules_then_the_visit():
    asked = make.accepted()
    later = Choice(asked.visit_type, asked.location, make.WEDNESDAY_9 + timedelta(hours=2))

    with CaptureQueriesContext(connection) as done:
        lifecycle.reschedule(asked, later, now=make.NOW)

    locks = [query["sql"] for query in done if "FOR UPDATE" in query["sql"]]
    tables = [re.search(r'FROM "bookings_(\w+)"', sql)[1] for sql in locks]
    assert list(dict.fromkeys(tables)) == ["appointmentrequest", "schedule", "appointment"]

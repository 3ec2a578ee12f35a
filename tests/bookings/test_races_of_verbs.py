"""Two verbs at once on one request or one time: one wins, the other is told, nothing is half done."""

import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError

from bookings import lifecycle
from bookings.lifecycle import Choice, TimeGone, transitions
from bookings.models import Appointment, AppointmentRequest
from tests import make
from tests.bookings.test_races import at_once

pytestmark = pytest.mark.usefixtures("real_commits")

ROUNDS = 3


def newcomer(room, **fields):
    return make.submitted(room, email=f"{uuid.uuid4()}@example.com", **fields)


def names(results):
    return sorted(type(result).__name__ for result in results)


def occupied(room):
    """The starts that this schedule has given away, in order: each once."""
    occupying = Appointment.objects.filter(schedule=room, status__in=Appointment.OCCUPYING)
    return list(occupying.order_by("period").values_list("period__startswith", flat=True))


def test_of_fifty_people_who_want_one_time_one_gets_it():
    room = make.schedule()

    results = at_once(*[lambda: newcomer(room)] * 50)

    assert names(results) == ["AppointmentRequest"] + ["TimeGone"] * 49
    assert occupied(room) == [make.WEDNESDAY_9]


def test_of_overlapping_times_those_that_fit_are_given():
    """Half past eight to half past ten, each an hour: at most two of the five fit beside each other."""
    visit = make.visit_type(minutes=60, step_minutes=30)
    room = make.schedule(visit=visit)
    starts = [make.WEDNESDAY_9 + timedelta(minutes=30 * step) for step in range(4)]

    at_once(*[lambda start=start: newcomer(room, starts_at=start) for start in starts * 2])

    given = occupied(room)
    gaps = [later - earlier for earlier, later in pairwise(given)]
    assert 1 <= len(given) <= 2
    assert all(gap >= timedelta(hours=1) for gap in gaps)


def test_two_kinds_of_visit_share_one_room_without_a_clash():
    place, short, long = make.location(), make.visit_type(), make.visit_type(minutes=120)
    room = make.schedule(place, short)
    room.visit_types.add(long)
    asking = {**make.asking(make.schedule(place, short, "Other")), "location": place}
    place.schedules.filter(name="Other").update(is_active=False)

    def ask(visit_type):
        return lifecycle.submit(
            **{
                **asking,
                "submission": uuid.uuid4(),
                "visit_type": visit_type,
                "email": f"{uuid.uuid4()}@example.com",
            }
        )

    results = at_once(*[lambda: ask(short), lambda: ask(long)] * 4)

    assert names(results) == ["AppointmentRequest"] + ["TimeGone"] * 7
    assert occupied(room) == [make.WEDNESDAY_9]


def test_requests_of_one_person_at_several_places_at_once_hold_one_time():
    rooms = [make.schedule() for _ in range(4)]

    at_once(*[lambda room=room: make.submitted(room) for room in rooms])

    assert AppointmentRequest.objects.count() == 4
    assert Appointment.objects.count() == 1


def test_the_patient_withdraws_while_staff_accept():
    for _ in range(ROUNDS):
        asked, robin = make.confirmed(), make.staff(uuid.uuid4().hex)

        results = at_once(
            lambda: lifecycle.withdraw(asked, now=make.NOW),  # noqa: B023
            lambda: lifecycle.accept(asked, by=robin, now=make.NOW),  # noqa: B023
        )

        asked.refresh_from_db()
        state = (asked.status, asked.appointments.get().status)
        assert state in {("withdrawn", "cancelled"), ("accepted", "booked")}
        assert sum(isinstance(result, lifecycle.Refused) for result in results) == 1


def test_the_patient_cancels_while_staff_move_the_visit():
    for _ in range(ROUNDS):
        asked, robin = make.accepted(), make.staff(uuid.uuid4().hex)
        later = Choice(asked.visit_type, asked.location, make.WEDNESDAY_9 + timedelta(hours=2))

        results = at_once(
            lambda: lifecycle.cancel(asked, now=make.NOW),  # noqa: B023
            lambda: lifecycle.reschedule(asked, later, by=robin, now=make.NOW),  # noqa: B023
        )

        assert names(results) == ["Appointment", "Refused"]
        assert asked.appointments.get().sequence == 1


def test_an_overdue_hold_is_confirmed_while_a_newcomer_takes_the_time():
    in_20_minutes = make.later(minutes=20)
    for _ in range(ROUNDS):
        room = make.schedule()
        asked = make.submitted(room)

        confirmed, taken = at_once(
            lambda: lifecycle.verify(asked, now=in_20_minutes),  # noqa: B023
            lambda: newcomer(room, now=in_20_minutes),  # noqa: B023
        )

        assert occupied(room) == [make.WEDNESDAY_9]
        has_it = confirmed.appointments.filter(status="pending").exists()
        assert has_it == isinstance(taken, TimeGone)


def test_staff_accept_an_overdue_hold_while_a_newcomer_takes_the_time():
    for _ in range(ROUNDS):
        room, robin = make.schedule(), make.staff(uuid.uuid4().hex)
        asked = make.confirmed(room, starts_at=make.WEDNESDAY_9 + timedelta(days=7, hours=-1))
        due = asked.reply_until

        booked, taken = at_once(
            lambda: lifecycle.accept(asked, by=robin, now=due),  # noqa: B023
            lambda: newcomer(room, now=due, starts_at=asked.wanted_at),  # noqa: B023
        )

        assert len(occupied(room)) == 1
        assert names([booked, taken]) in (["Appointment", "TimeGone"], ["AppointmentRequest", "TimeGone"])


def test_the_sweep_and_a_decision_at_once_leave_one_truth():
    for _ in range(ROUNDS):
        asked, robin = make.confirmed(), make.staff(uuid.uuid4().hex)
        asked.appointments.update(held_until=make.NOW)

        _, booked = at_once(
            lambda: lifecycle.sweep(now=make.NOW),
            lambda: lifecycle.accept(asked, by=robin, now=make.NOW),  # noqa: B023
        )

        assert booked.status == "booked"
        standing = asked.appointments.filter(status__in=Appointment.OCCUPYING)
        assert list(standing.values_list("status", flat=True)) == ["booked"]


def test_a_visit_moves_while_a_newcomer_takes_the_new_time():
    new_time = make.WEDNESDAY_9 + timedelta(hours=1)
    for _ in range(ROUNDS):
        room = make.schedule()
        asked = make.accepted(room)
        choice = Choice(asked.visit_type, asked.location, new_time)

        moved, taken = at_once(
            lambda: lifecycle.reschedule(asked, choice, now=make.NOW),  # noqa: B023
            lambda: newcomer(room, starts_at=new_time),  # noqa: B023
        )

        assert isinstance(moved, TimeGone) != isinstance(taken, TimeGone)
        expected = [make.WEDNESDAY_9, new_time] if isinstance(moved, TimeGone) else [new_time]
        assert occupied(room) == expected


def test_two_visits_that_swap_their_times_at_once_end_in_words_and_not_in_a_deadlock():
    place, visit = make.location(), make.visit_type()
    room = make.schedule(place, visit)
    first = make.accepted(room)
    second = make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(hours=1), email="second@example.com")

    results = at_once(
        lambda: lifecycle.reschedule(first, Choice(visit, place, second.wanted_at), now=make.NOW),
        lambda: lifecycle.reschedule(second, Choice(visit, place, first.wanted_at), now=make.NOW),
    )

    assert names(results) == ["TimeGone", "TimeGone"]
    assert occupied(room) == [first.wanted_at, second.wanted_at]


@pytest.mark.parametrize("sqlstate", sorted(transitions.LOST_RACES))
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_race_is_tried_once_more_and_then_said_in_words(sqlstate, times):
    attempts = []

    class Lost(Exception):
        pass

    def attempt():
        attempts.append(1)
        if len(attempts) <= times:
            cause = Lost()
            cause.sqlstate = sqlstate
            raise OperationalError from cause
        return "won"

    if times == 1:
        assert transitions.win_or_say_gone(attempt) == "won"
    else:
        with pytest.raises(TimeGone, match="just taken"):
            transitions.win_or_say_gone(attempt)
    assert len(attempts) == 2


def test_an_error_that_is_no_race_is_not_hidden():
    def attempt():
        raise OperationalError("the server closed the connection")

    with pytest.raises(OperationalError, match="closed"):
        transitions.win_or_say_gone(attempt)

"""Free times from rows: which of them count, what is asked of the database, and what no server changes."""

import time as server
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import availability, lifecycle
from bookings.models import Appointment, AppointmentRequest, Closure, OpeningHours
from tests import make

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = make.WEDNESDAY_9.date()


def hours_free(room, day=WEDNESDAY, days=1, now=make.NOW):
    visit, place = room.visit_types.get(), room.location
    slots = availability.free_slots(visit, place, day, days, now=now)
    return [place.local(slot.starts_at).hour for slot in slots]


def closed(room, starts_at, ends_at, **fields):
    fields = {"location": room.location, **fields}
    return Closure.objects.create(starts_at=starts_at, ends_at=ends_at, **fields)


def test_only_schedules_of_this_place_that_take_this_visit_and_are_active_have_slots():
    place, visit = make.location(), make.visit_type()
    room = make.schedule(place, visit)
    make.schedule(place, name="Takes other visits")
    make.schedule(make.location(), visit, "Elsewhere")
    retired = make.schedule(place, visit, "Retired")
    retired.is_active = False
    retired.save()

    found = availability.starts_by_schedule(visit, place, WEDNESDAY, 1, now=make.NOW)

    assert {schedule: len(starts) for schedule, starts in found.items()} == {room: 8}
    assert availability.schedules_free_at(visit, place, make.WEDNESDAY_9, now=make.NOW) == [room]


@pytest.mark.parametrize("status", Appointment.Status)
def test_what_is_held_booked_or_arrived_is_not_free(status):
    room = make.schedule()
    asked = make.confirmed(room)

    asked.appointments.update(status=status)

    assert (9 in hours_free(room)) is (status not in {"pending", "booked", "arrived"})


def test_a_visit_takes_nothing_from_another_schedule():
    place, visit = make.location(), make.visit_type()
    rooms = [make.schedule(place, visit, name) for name in ("Room 1", "Room 2")]
    make.confirmed(rooms[0])

    found = availability.starts_by_schedule(visit, place, WEDNESDAY, 1, now=make.NOW)

    assert {schedule: len(starts) for schedule, starts in found.items()} == {rooms[0]: 7, rooms[1]: 8}


@pytest.mark.parametrize(
    ("buffer", "taken_at", "day", "expected"),
    [
        ("minutes_before", make.WEDNESDAY_9, date(2027, 3, 12), [12, 13, 14, 15, 16]),
        ("minutes_after", make.WEDNESDAY_9 + 2 * DAY + 7 * HOUR, WEDNESDAY, [9, 10, 11, 12, 13]),
    ],
)
def test_a_long_time_before_or_after_a_visit_reaches_over_the_days(buffer, taken_at, day, expected):
    room = make.schedule(visit=make.visit_type(**{buffer: 50 * 60}))

    make.confirmed(room, starts_at=taken_at)

    assert hours_free(room, day) == expected


def test_a_closure_of_the_second_day_takes_a_visit_that_crosses_midnight():
    room = make.schedule(make.location(hours=(time(23, 30), time(1, 30)), weekdays=[1]))
    midnight = make.WEDNESDAY_9 - 9 * HOUR

    closed(room, midnight, midnight + DAY)

    assert hours_free(room, date(2027, 3, 9), days=2) == []


def test_a_closure_that_ends_as_a_visit_starts_takes_nothing():
    room = make.schedule()

    closed(room, make.WEDNESDAY_9 - HOUR, make.WEDNESDAY_9)
    closed(room, make.WEDNESDAY_9 + 8 * HOUR, make.WEDNESDAY_9 + 9 * HOUR)

    assert hours_free(room) == [*range(9, 17)]


def test_the_hours_and_the_leave_of_a_schedule_move_with_it_to_another_place():
    room = make.schedule()
    OpeningHours.objects.create(
        location=room.location, schedule=room, weekday=2, opens=time(18), closes=time(20)
    )
    closed(room, make.WEDNESDAY_9 + 9 * HOUR, make.WEDNESDAY_9 + 10 * HOUR, schedule=room)

    room.location = make.location()
    room.save()

    assert hours_free(room) == [19]


def test_hours_of_another_schedule_or_place_open_nothing():
    room, elsewhere = make.schedule(), make.schedule()
    other = make.schedule(room.location, room.visit_types.get(), "Other room")
    for schedule in (other, elsewhere):
        place = schedule.location
        OpeningHours.objects.create(
            location=place, schedule=schedule, weekday=2, opens=time(1), closes=time(2)
        )
    OpeningHours.objects.create(location=elsewhere.location, weekday=2, opens=time(3), closes=time(4))

    assert hours_free(room) == [1, *range(9, 17)]
    found = availability.starts_by_schedule(room.visit_types.get(), room.location, WEDNESDAY, 1, now=make.NOW)
    assert {schedule: len(starts) for schedule, starts in found.items()} == {room: 8, other: 1}


@pytest.mark.parametrize("days_from_today", [-3_000, -14, 61, 3_000])
def test_there_is_nothing_before_today_or_after_the_horizon(days_from_today):
    room = make.schedule(visit=make.visit_type(horizon_days=60))

    assert hours_free(room, make.NOW.date() + days_from_today * DAY, days=14) == []


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_end_of_time_has_no_slots_and_is_no_error(day):
    assert hours_free(make.schedule(), day, days=14) == []


def test_a_window_that_begins_before_today_shows_what_is_left_of_it():
    room = make.schedule(visit=make.visit_type(notice_hours=3))

    assert hours_free(room, date(2027, 3, 1), days=9) == [15, 16, *range(9, 17)]
    assert hours_free(room, date(2027, 3, 1), days=8) == [15, 16]
    assert hours_free(room, date(2027, 3, 1), days=7) == []


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (make.NOW - 400 * DAY, [(8, 13), (8, 14), (8, 15), (8, 16), (9, 9), (9, 10)]),
        (make.NOW + 400 * DAY, [(17, 11), (17, 12), (17, 13), (17, 14), (17, 15), (17, 16)]),
        (datetime.max.replace(tzinfo=UTC), [(17, 11), (17, 12), (17, 13), (17, 14), (17, 15), (17, 16)]),
    ],
    ids=["long ago", "after the horizon", "at the end of time"],
)
def test_nearest_to_what_cannot_be_asked_for_is_what_can(around, expected):
    room = make.schedule(visit=make.visit_type(horizon_days=9))

    near = availability.nearest(room.visit_types.get(), room.location, around, now=make.NOW)

    local = [room.location.local(slot.starts_at) for slot in near]
    assert [(start.day, start.hour) for start in local] == expected


@pytest.mark.parametrize("days", [7, 8])
def test_nearest_looks_seven_days_far(days):
    room = make.schedule()
    closed(room, make.NOW, make.WEDNESDAY_9 + days * DAY)

    near = availability.nearest(room.visit_types.get(), room.location, make.WEDNESDAY_9, now=make.NOW)

    assert len(near) == (6 if days == 7 else 0)


@pytest.mark.parametrize("fold", [0, 1])
def test_a_start_in_the_repeated_hour_is_found_whatever_zone_it_is_written_in(fold):
    """In Python two times in different zones are never equal where an hour repeats."""
    room = make.schedule(make.location(hours=(time(1), time(3)), weekdays=[6]))
    start = datetime(2027, 11, 7, 1, tzinfo=NEW_YORK, fold=fold)

    free = availability.schedules_free_at(room.visit_types.get(), room.location, start, now=make.NOW)

    assert free == [room]


def test_one_indexed_query_looks_at_the_appointments():
    room = make.schedule()
    _past_visits(room, 500)
    with CaptureQueriesContext(connection) as asked:
        availability.starts_by_schedule(room.visit_types.get(), room.location, WEDNESDAY, 28, now=make.NOW)

    [query] = [query["sql"] for query in asked if 'FROM "bookings_appointment"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_appointment")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Cond: (occupied && " in plan and "no_schedule_is_occupied_twice" in plan


def _past_visits(room, count):
    """Copies of a booked visit, one each day before it: enough for Postgres to choose an index."""
    asked = make.confirmed(room)
    visit = asked.appointments.get()
    requests, visits = [], []
    for number in range(1, count + 1):
        past = copy(asked)
        past.pk, past.reference, past.submission = None, str(number), uuid4()
        requests.append(past)
        period = DateTimeTZRange(visit.starts_at - number * DAY, visit.ends_at - number * DAY)
        visits.append(
            Appointment(
                request=past, schedule=room, period=period, occupied=period, held_until=visit.held_until
            )
        )
    AppointmentRequest.objects.bulk_create(requests)
    Appointment.objects.bulk_create(visits)


def test_an_evening_in_new_york_is_today_although_it_is_tomorrow_in_utc():
    room = make.schedule(make.location(hours=(time(18), time(22))))
    monday_half_past_seven = datetime(2027, 3, 9, 0, 30, tzinfo=UTC)
    make.confirmed(room, starts_at=datetime(2027, 3, 11, 2, tzinfo=UTC), now=monday_half_past_seven)

    assert hours_free(room, date(2027, 3, 8), now=monday_half_past_seven) == [21]
    assert hours_free(room, WEDNESDAY, now=monday_half_past_seven) == [18, 19, 20]


def test_visits_are_counted_by_the_day_at_their_place():
    room, elsewhere = make.schedule(make.location(hours=(time(18), time(22)))), make.schedule()
    wednesday_nine_in_the_evening = datetime(2027, 3, 11, 2, tzinfo=UTC)
    make.confirmed(room, starts_at=wednesday_nine_in_the_evening)
    gone = make.confirmed(room, starts_at=wednesday_nine_in_the_evening - HOUR)
    make.confirmed(elsewhere)

    lifecycle.decline(gone, by=make.staff(), reason="no_time", now=make.NOW)

    days = [WEDNESDAY + number * DAY for number in (-1, 0, 1)]
    counted = [availability.visits_on(day, room.location, now=make.NOW) for day in days]
    assert counted == [{}, {room.pk: 1}, {}]


def test_a_hold_that_has_ended_is_not_counted_as_a_visit():
    room = make.schedule()
    held = make.confirmed(room).appointments.get()

    ends = [held.held_until - timedelta(seconds=1), held.held_until]
    assert [availability.visits_on(WEDNESDAY, room.location, now=now)[room.pk] for now in ends] == [1, 0]


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def server_zone(request, monkeypatch):
    """The machine's own zone, and the one of Django's admin, far away from the clinic."""
    monkeypatch.setenv("TZ", request.param)
    server.tzset()
    with timezone.override(request.param):
        yield
    monkeypatch.undo()
    server.tzset()


def test_no_zone_of_the_server_changes_a_time(server_zone):
    room = make.schedule(visit=make.visit_type(horizon_days=8))
    late_on_sunday = datetime(2027, 3, 8, 4, 30, tzinfo=UTC)
    make.confirmed(room, now=late_on_sunday)

    found = availability.free_slots(
        room.visit_types.get(), room.location, date(2027, 3, 7), 30, now=late_on_sunday
    )

    days = [room.location.local(slot.starts_at).day for slot in found]
    assert {day: days.count(day) for day in days} == {8: 8, 9: 8, 10: 7, 11: 8, 12: 8, 15: 8}
    assert found[0].starts_at == datetime(2027, 3, 8, 14, tzinfo=UTC)


def test_half_past_midnight_on_kiritimati_is_a_day_later_than_in_utc():
    room = make.schedule(
        make.location(time_zone="Pacific/Kiritimati"), make.visit_type(horizon_days=0, notice_hours=0)
    )
    tuesday_half_past_midnight = datetime(2027, 3, 8, 10, 30, tzinfo=UTC)

    assert hours_free(room, date(2027, 3, 8), days=7, now=tuesday_half_past_midnight) == [*range(9, 17)]
    assert hours_free(room, date(2027, 3, 9), days=1, now=tuesday_half_past_midnight) == [*range(9, 17)]


# When an answer is due


def due(place, now=make.NOW):
    return place.time_in_words(availability.reply_until(place, now + 20 * DAY, now=now))


def test_a_day_with_a_closed_lunch_is_a_working_day_and_one_with_a_closed_evening_is_none():
    room = make.schedule()
    closed(room, make.TUESDAY_9 + 3 * HOUR, make.TUESDAY_9 + 4 * HOUR)
    assert due(room.location) == "Wednesday, March 10, 2027 at 5pm EST"

    closed(room, make.TUESDAY_9 + 7 * HOUR, make.TUESDAY_9 + 8 * HOUR)
    assert due(room.location) == "Thursday, March 11, 2027 at 5pm EST"


def test_a_working_day_ends_with_its_last_hour_whichever_range_began_last():
    room = make.schedule()
    for weekday in range(5):
        OpeningHours.objects.create(location=room.location, weekday=weekday, opens=time(10), closes=time(12))

    assert due(room.location) == "Wednesday, March 10, 2027 at 5pm EST"


def test_the_hours_and_the_leave_of_one_schedule_decide_nothing_about_an_answer():
    room = make.schedule()
    OpeningHours.objects.create(
        location=room.location, schedule=room, weekday=1, opens=time(18), closes=time(20)
    )
    closed(room, make.NOW, make.NOW + 10 * DAY, schedule=room)

    assert due(room.location) == "Wednesday, March 10, 2027 at 5pm EST"


def test_a_place_without_hours_answers_in_two_plain_days():
    assert due(make.location(weekdays=[])) == "Wednesday, March 10, 2027 at noon EST"


def test_where_nobody_is_there_before_the_day_of_the_visit_the_answer_comes_after_the_opening():
    place = make.location()
    sunday_noon = datetime(2027, 3, 7, 12, tzinfo=NEW_YORK)
    monday_at = partial(datetime, 2027, 3, 8, tzinfo=NEW_YORK)

    def answer(visit):
        return availability.reply_until(place, visit, now=sunday_noon)

    assert answer(monday_at(10)) == monday_at(9, 30)
    Closure.objects.create(location=place, starts_at=monday_at(8), ends_at=monday_at(11), reason="meeting")
    assert answer(monday_at(12)) == monday_at(11, 30)


def test_two_hours_before_a_visit_are_two_real_hours_where_the_clocks_change_between():
    """An answer for a visit at 3:30am is due at 12:30am: there is no hour from two to three."""
    place = make.location()
    visit = datetime(2027, 3, 14, 3, 30, tzinfo=NEW_YORK)
    noon_before = datetime(2027, 3, 13, 12, tzinfo=NEW_YORK)

    answer = availability.reply_until(place, visit, now=noon_before)

    assert place.time_in_words(answer) == "Sunday, March 14, 2027 at 12:30am EST"

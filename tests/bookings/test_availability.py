from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import availability, intervals, lifecycle
from bookings.models import Closure, OpeningHours, VisitType
from tests import make

NEW_YORK = ZoneInfo("America/New_York")
CLOCKS_FORWARD, CLOCKS_BACK = date(2027, 3, 14), date(2027, 11, 7)  # both Sundays, at 2am
HOUR = timedelta(hours=1)


def always(opens, closes):
    return [OpeningHours(weekday=day, opens=time(opens), closes=time(closes)) for day in range(7)]


def opening(day, opens, closes, zone=NEW_YORK):
    return availability.open_intervals(always(opens, closes), day, zone)


# Pure arithmetic


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (date(2027, 3, 13), 14),
        (date(2027, 3, 14), 13),
        (date(2027, 11, 6), 13),
        (date(2027, 11, 7), 14),
    ],
)
def test_nine_o_clock_is_nine_o_clock_on_both_sides_of_a_clock_change(day, hour):
    nine = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)

    assert opening(day, 9, 10) == [(nine, nine + HOUR)]


def test_on_the_day_the_clocks_go_forward_one_to_four_is_two_hours():
    [(opens, closes)] = opening(CLOCKS_FORWARD, 1, 4)

    assert closes - opens == 2 * HOUR


def test_on_the_day_the_clocks_go_back_one_to_four_is_four_hours():
    [(opens, closes)] = opening(CLOCKS_BACK, 1, 4)

    assert closes - opens == 4 * HOUR


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_the_clocks_skip_is_the_instant_when_they_jump(minute):
    [(opens, closes)] = availability.open_intervals(
        [OpeningHours(weekday=6, opens=time(2, minute), closes=time(4))], CLOCKS_FORWARD, NEW_YORK
    )

    assert (opens, closes) == (datetime(2027, 3, 14, 7, tzinfo=UTC), datetime(2027, 3, 14, 8, tzinfo=UTC))


def test_of_an_hour_that_comes_twice_the_whole_is_open():
    rule = OpeningHours(weekday=6, opens=time(0), closes=time(1, 30))

    [(opens, closes)] = availability.open_intervals([rule], CLOCKS_BACK, NEW_YORK)

    assert closes - opens == 2.5 * HOUR


def test_hours_that_close_as_an_hour_begins_to_repeat_do_not_last_until_it_has_passed():
    [(opens, closes)] = opening(CLOCKS_BACK, 0, 1)

    assert closes - opens == HOUR


def test_a_visit_over_the_clock_change_occupies_real_minutes():
    """60 minutes from 1:30am end at 3:30am where there is no hour from two to three."""
    visit = VisitType(minutes=60, minutes_before=45, minutes_after=15)
    starts_at = datetime(2027, 3, 14, 1, 30, tzinfo=NEW_YORK)

    occupied = availability.occupied_by(visit, starts_at)

    assert occupied == (datetime(2027, 3, 14, 5, 45, tzinfo=UTC), datetime(2027, 3, 14, 7, 45, tzinfo=UTC))
    assert availability.occupied_by(visit, starts_at.astimezone(UTC)) == occupied


def test_a_shift_of_half_an_hour_is_half_an_hour():
    [(opens, closes)] = opening(date(2027, 10, 3), 1, 4, ZoneInfo("Australia/Lord_Howe"))

    assert closes - opens == 2.5 * HOUR


def test_hours_that_close_before_they_open_end_on_the_next_day():
    [(opens, closes)] = opening(date(2027, 3, 9), 22, 2)

    assert (opens, closes) == (datetime(2027, 3, 10, 3, tzinfo=UTC), datetime(2027, 3, 10, 7, tzinfo=UTC))


def test_hours_hold_only_while_they_are_valid():
    rule = OpeningHours(weekday=0, opens=time(9), closes=time(17), valid_from=date(2027, 3, 8))
    rule.valid_until = date(2027, 3, 15)

    open_on = [
        day.day
        for day in (date(2027, 3, 1), date(2027, 3, 8), date(2027, 3, 15), date(2027, 3, 22))
        if availability.open_intervals([rule], day, NEW_YORK)
    ]

    assert open_on == [8, 15]


def test_a_visit_may_run_on_from_one_opening_into_the_next():
    nine, noon, three = (datetime(2027, 3, 9, hour, tzinfo=UTC) for hour in (9, 12, 15))

    runs = intervals.possible_starts([(nine, noon), (noon, three)], 2 * HOUR, 2 * HOUR)

    assert [intervals.instant_of(start).hour for run in runs for start in run] == [9, 11, 12]


@pytest.mark.parametrize(
    ("other", "clash"),
    [((8, 9), False), ((8, 10), True), ((9, 10), True), ((9, 12), True), ((10, 11), False)],
)
def test_periods_that_touch_do_not_overlap(other, clash):
    hours = [datetime(2027, 3, 9, hour, tzinfo=UTC) for hour in (9, 10, *other)]

    assert intervals.overlaps_any(tuple(hours[:2]), [tuple(hours[2:])]) is clash


def test_a_short_closure_within_a_long_one_opens_nothing():
    nine, ten, eleven, noon, three = (datetime(2027, 3, 9, hour, tzinfo=UTC) for hour in (9, 10, 11, 12, 15))

    assert intervals.merged([(ten, eleven), (nine, noon), (three, three + HOUR)]) == [
        (nine, noon),
        (three, three + HOUR),
    ]
    starts = availability.free_starts(
        VisitType(minutes=60, step_minutes=60),
        always(9, 13),
        [(ten, eleven), (nine, noon)],
        [],
        nine.date(),
        1,
        ZoneInfo("UTC"),
    )
    assert starts == [noon]


@pytest.mark.parametrize("length", [timedelta(hours=23, minutes=45), timedelta(days=3)])
def test_a_long_visit_sees_every_day_on_which_it_runs(length):
    """From 11:45pm, 23 hours and 45 minutes reach over the whole next day where that has 23 hours."""
    visit = VisitType(minutes=length // timedelta(minutes=1), step_minutes=15)
    rules = always(0, 12) + always(12, 0)

    starts = availability.free_starts(visit, rules, [], [], date(2027, 3, 13), 1, NEW_YORK)

    assert len(starts) == 24 * 4


# From the database


def starts(room, day=None, days=1, now=make.NOW):
    day = day or make.WEDNESDAY_9.date()
    slots = availability.free_slots(room.visit_types.get(), room.location, day, days, now=now)
    return [room.location.local(slot.starts_at).strftime("%d %H:%M") for slot in slots]


@pytest.mark.django_db
def test_a_free_day_offers_every_step_that_ends_before_closing():
    room = make.schedule(visit=make.visit_type(minutes=90, step_minutes=60))

    assert starts(room) == [f"10 {hour:02}:00" for hour in range(9, 16)]


@pytest.mark.django_db
def test_a_slot_says_how_many_schedules_could_take_it():
    place, visit = make.location(), make.visit_type()
    rooms = [make.schedule(place, visit, name) for name in ("Room 1", "Room 2")]
    make.submitted(rooms[0])

    slots = availability.free_slots(visit, place, make.WEDNESDAY_9.date(), 1, now=make.NOW)

    assert [slot.schedules for slot in slots] == [1] + [2] * 7


@pytest.mark.django_db
def test_buffers_keep_visits_apart():
    room = make.schedule(visit=make.visit_type(minutes=60, minutes_after=15, step_minutes=15))

    make.submitted(room)

    assert starts(room)[0] == "10 10:15"


@pytest.mark.django_db
def test_an_overdue_hold_takes_no_time():
    room = make.schedule()
    next_week = make.WEDNESDAY_9.replace(day=17, hour=13)
    hold = make.confirmed(room, starts_at=next_week)

    before = starts(room, next_week.date(), now=hold.reply_until - timedelta(seconds=1))
    after = starts(room, next_week.date(), now=hold.reply_until)

    assert ("17 09:00" in before, "17 09:00" in after) == (False, True)


@pytest.mark.django_db
def test_an_answer_is_not_promised_for_the_night():
    place = make.location()
    monday_4pm, sunday = make.later(hours=4), make.NOW - timedelta(days=1)

    assert availability.reply_until(place, make.TUESDAY_9, now=monday_4pm) == make.later(hours=5)
    # Nobody is there in between: then it is the two hours before the visit.
    assert availability.reply_until(place, make.NOW, now=sunday) == make.NOW - timedelta(hours=2)
    early = make.NOW.replace(hour=14)
    assert availability.reply_until(place, early, now=sunday) == early - timedelta(hours=2)


@pytest.mark.django_db
@pytest.mark.parametrize("of_the_schedule", [True, False])
def test_a_closure_takes_its_time_away(of_the_schedule):
    room = make.schedule()
    Closure.objects.create(
        location=room.location,
        schedule=room if of_the_schedule else None,
        starts_at=make.WEDNESDAY_9,
        ends_at=make.WEDNESDAY_9 + 6 * HOUR,
    )

    assert starts(room) == ["10 15:00", "10 16:00"]


@pytest.mark.django_db
def test_a_closure_of_another_schedule_takes_nothing():
    room = make.schedule()
    other = make.schedule(room.location, room.visit_types.get(), "Other room")
    Closure.objects.create(
        location=room.location, schedule=other, starts_at=make.NOW, ends_at=make.NOW + 240 * HOUR
    )

    assert len(starts(room)) == 8


@pytest.mark.django_db
def test_a_schedule_with_hours_of_its_own_uses_only_those():
    room = make.schedule()
    OpeningHours.objects.create(
        location=room.location, schedule=room, weekday=2, opens=time(18), closes=time(20)
    )

    assert starts(room, date(2027, 3, 9), days=3) == ["10 18:00", "10 19:00"]


@pytest.mark.django_db
def test_a_visit_may_cross_midnight_and_stands_under_the_day_it_starts():
    place = make.location(hours=(time(23, 30), time(1, 30)), weekdays=[1])
    room = make.schedule(place)

    assert starts(room, date(2027, 3, 9)) == ["09 23:30"]
    assert starts(room, date(2027, 3, 10)) == ["10 00:30"]


@pytest.mark.django_db
def test_the_repeated_hour_is_offered_twice_and_told_apart():
    place = make.location(hours=(time(1), time(3)), weekdays=[6])
    room = make.schedule(place)

    slots = availability.free_slots(
        room.visit_types.get(), place, CLOCKS_BACK, 1, now=datetime(2027, 11, 1, tzinfo=UTC)
    )

    assert [place.hour_in_words(slot.starts_at) for slot in slots] == ["1am EDT", "1am EST", "2am EST"]


@pytest.mark.django_db
def test_notice_counts_to_the_second_and_its_edge_is_in():
    room = make.schedule(visit=make.visit_type(notice_hours=2))
    start = make.TUESDAY_9

    at_the_edge = starts(room, start.date(), now=start - 2 * HOUR)
    too_late = starts(room, start.date(), now=start - 2 * HOUR + timedelta(seconds=1))

    assert (at_the_edge[0], too_late[0]) == ("09 09:00", "09 10:00")


@pytest.mark.django_db
def test_the_last_day_of_the_horizon_is_in_and_the_next_is_not():
    room = make.schedule(visit=make.visit_type(horizon_days=2))

    assert {line[:2] for line in starts(room, date(2027, 3, 9), days=7)} == {"09", "10"}


@pytest.mark.django_db
def test_today_is_the_day_at_the_location_not_at_the_server():
    """At 23:30 on Monday in New York it is already Tuesday in UTC."""
    room = make.schedule(visit=make.visit_type(horizon_days=1))
    late_on_monday = datetime(2027, 3, 9, 4, 30, tzinfo=UTC)

    assert {line[:2] for line in starts(room, date(2027, 3, 8), days=7, now=late_on_monday)} == {"09"}


@pytest.mark.django_db
def test_the_29th_of_february_is_a_day_like_others():
    room = make.schedule()

    assert len(starts(room, date(2028, 2, 29), now=datetime(2028, 2, 20, tzinfo=UTC))) == 8


@pytest.mark.django_db
def test_nearest_looks_both_ways():
    room = make.schedule()
    noon = make.WEDNESDAY_9 + 3 * HOUR
    make.submitted(room, starts_at=noon)

    near = availability.nearest(room.visit_types.get(), room.location, noon, now=make.NOW)

    assert [room.location.local(slot.starts_at).hour for slot in near] == [9, 10, 11, 13, 14, 15]


@pytest.mark.django_db
@pytest.mark.parametrize("visits", [0, 7])
def test_the_number_of_queries_does_not_grow_with_the_visits(visits):
    room = make.schedule()
    for number in range(visits):
        make.submitted(room, starts_at=make.WEDNESDAY_9 + number * HOUR)

    with CaptureQueriesContext(connection) as queries:
        availability.free_slots(room.visit_types.get(), room.location, date(2027, 3, 9), 28, now=make.NOW)

    assert len(queries) == 5


@pytest.mark.django_db
def test_an_answer_is_due_at_the_close_of_the_second_working_day():
    place = make.location()
    friday_noon = datetime(2027, 3, 12, 17, tzinfo=UTC)

    due = availability.reply_until(place, friday_noon + 240 * HOUR, now=friday_noon)

    assert place.time_in_words(due) == "Tuesday, March 16, 2027 at 5pm EDT"


@pytest.mark.django_db
@pytest.mark.parametrize(("hours_to_go", "hours_to_answer"), [(24, 22), (3, 1.5), (1, 0.5)])
def test_an_answer_is_due_before_the_visit(hours_to_go, hours_to_answer):
    due = availability.reply_until(make.location(), make.NOW + hours_to_go * HOUR, now=make.NOW)

    assert due - make.NOW == hours_to_answer * HOUR


@pytest.mark.django_db
def test_a_closed_day_is_no_working_day():
    place = make.location()
    Closure.objects.create(location=place, starts_at=make.TUESDAY_9, ends_at=make.TUESDAY_9 + 8 * HOUR)

    due = availability.reply_until(place, make.NOW + 240 * HOUR, now=make.NOW)

    assert place.day_in_words(due) == "Thursday, March 11, 2027"


@pytest.mark.django_db
def test_a_booked_time_is_not_offered_and_a_declined_one_is():
    room, robin = make.schedule(), make.staff()
    booked = make.confirmed(room)
    declined = make.confirmed(room, starts_at=make.WEDNESDAY_9 + HOUR)

    lifecycle.accept(booked, by=robin, now=make.NOW)
    lifecycle.decline(declined, by=robin, reason="no_time", now=make.NOW)

    assert starts(room)[:2] == ["10 10:00", "10 11:00"]

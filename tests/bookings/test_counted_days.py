"""What is counted once is as true as what is counted now, whatever changes later and however."""

import statistics
import threading
from datetime import date, time, timedelta

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import given
from hypothesis import strategies as st

from bookings import counting, lifecycle, reports
from bookings.models import (
    Appointment,
    AppointmentRequest,
    ChangedDay,
    Closure,
    CountedDay,
    CountedWeek,
    Event,
    Location,
    Message,
    Schedule,
)
from bookings.reports import Span
from tests import make

pytestmark = pytest.mark.django_db
TWO_WEEKS, FOUR_WEEKS = Span(date(2027, 3, 8), 2), Span(date(2027, 3, 1), 4)
A_MONTH_ON = make.later(days=30)


def hour(number):
    return make.WEDNESDAY_9 + timedelta(hours=number)


def a_busy_week():
    """Something for every report, at two places."""
    room, kim = make.schedule(make.location(hours=(time(9), time(17)))), make.staff("kim")
    far = make.schedule(make.location(name="Far", time_zone="America/Denver"), room.visit_types.get())
    visits = [make.accepted(room, starts_at=hour(number)) for number in range(4)]
    lifecycle.fulfil(visits[0], by=kim, now=hour(9))
    lifecycle.mark_noshow(visits[1], by=kim, now=hour(9))
    lifecycle.cancel(visits[2], now=make.later(hours=3))
    make.confirmed(far, starts_at=hour(3))
    asked = make.confirmed(room, starts_at=hour(5))
    lifecycle.decline(asked, by=kim, reason="no_time", now=make.later(hours=5))
    make.submitted(room, starts_at=hour(6), email="one@example.com")
    lifecycle.sweep(now=make.later(days=4))
    return visits[3], kim


def count():
    """As the worker does, until there is nothing left."""
    while counting.count_days(now=A_MONTH_ON):
        pass


def test_a_day_that_was_counted_has_the_numbers_it_had_and_is_not_read_again():
    a_busy_week()
    read = reports.numbers(TWO_WEEKS)

    assert counting.count_days(now=A_MONTH_ON) == CountedDay.objects.count() > 4
    CountedDay.objects.update(waits=[50])

    assert {key: rows for key, rows in reports.numbers(TWO_WEEKS).items() if key != "replies"} == {
        key: rows for key, rows in read.items() if key != "replies"
    }
    assert reports.numbers(TWO_WEEKS, "replies")["replies"][0]["median"] == timedelta(hours=5)
    assert ChangedDay.objects.count() == 0 and counting.count_days(now=A_MONTH_ON) == 0


def test_what_was_counted_tells_how_long_each_first_answer_took():
    a_busy_week()
    read = reports.numbers(TWO_WEEKS, "replies")

    count()

    assert reports.numbers(TWO_WEEKS, "replies") == read
    assert CountedDay.objects.exclude(waits=[]).values_list("waits", flat=True).get() == [0, 0, 0, 0, 50]


def test_a_day_that_is_not_over_is_not_counted_but_known_to_have_changed():
    a_busy_week()
    counting.count_days(now=make.later(hours=1))

    assert CountedDay.objects.count() == 0
    assert ChangedDay.objects.count() == ChangedDay.objects.values("location", "day").distinct().count() > 4


def test_every_way_to_change_a_counted_day_shows_at_once_and_after_the_next_count():
    visit, kim = a_busy_week()
    period = Appointment.objects.get(request=visit).period
    changes = {
        "a closure": lambda: Closure.objects.create(
            location=visit.location, starts_at=hour(-1), ends_at=hour(3)
        ),
        "a message": lambda: Message.objects.filter(request=visit).update(due_at=make.later(days=7)),
        "another place": lambda: AppointmentRequest.objects.filter(pk=visit.pk).update(
            location=make.location(name="Third")
        ),
        "another week": lambda: Appointment.objects.filter(request=visit).update(
            period=a_week_on(period), occupied=a_week_on(period)
        ),
        "a verb": lambda: lifecycle.enter_in_error(visit, by=kim, now=hour(9)),
    }
    for name, change in changes.items():
        at_once = shown_at_once_and_after_the_count(change, TWO_WEEKS, name)
    assert numbers_of_the_rows(TWO_WEEKS) == at_once


def shown_at_once_and_after_the_count(change, span, name):
    count()
    before = reports.numbers(span)
    change()
    at_once = reports.numbers(span)
    count()

    assert at_once != before, name
    assert reports.numbers(span) == at_once, name
    return at_once


def numbers_of_the_rows(span):
    """Read as if no day had been counted."""
    for one in CountedDay.objects.all():
        ChangedDay.objects.create(location=one.location, day=one.day)
    return reports.numbers(span)


def test_a_place_or_a_room_that_moves_and_a_closure_of_years_that_ends_change_days_that_were_counted():
    """A room with a visit of its own; somebody asked on a Monday after midnight, still Sunday in Denver."""
    room, far = make.schedule(make.location(name="Near")), make.schedule(make.location(name="Far"))
    make.accepted(room, now=make.NOW.replace(hour=5, minute=30))
    make.accepted(far, now=make.later(days=3), starts_at=make.WEDNESDAY_9 + timedelta(days=7))
    closed = {"location": far.location, "schedule": far, "starts_at": make.later(days=-500)}
    closure = Closure.objects.create(**closed, ends_at=make.later(days=3000))
    changes = {
        "a zone": lambda: Location.objects.filter(name="Near").update(time_zone="America/Denver"),
        "a room": lambda: Schedule.objects.filter(pk=room.pk).update(location=far.location, name="Moved"),
        "a closure": closure.delete,
    }
    for name, change in changes.items():
        at_once = shown_at_once_and_after_the_count(change, FOUR_WEEKS, name)
        assert numbers_of_the_rows(FOUR_WEEKS) == at_once, name


def test_a_closure_after_midnight_changes_the_day_whose_hours_it_shortens():
    room = make.schedule(make.location(hours=(time(20), time(4))))
    make.accepted(room, starts_at=hour(12))
    count()
    # From Thursday, 2am on: an hour and a half of the night that began on Wednesday.
    Closure.objects.create(location=room.location, starts_at=hour(17), ends_at=hour(18.5))

    assert reports.numbers(TWO_WEEKS, "schedules")["schedules"][0]["open"] == 5 * 480 - 90


def a_week_on(period):
    return DateTimeTZRange(period.lower + timedelta(days=7), period.upper + timedelta(days=7))


def test_a_day_on_which_nothing_happened_is_counted_too():
    a_busy_week()
    count()

    days = sorted(CountedDay.objects.filter(location__name="Far").values_list("day", flat=True))
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert days[-1] == (A_MONTH_ON - timedelta(days=1)).date() and days[0] < date(2027, 3, 12)


def test_a_place_is_not_open_before_anything_happened_there_and_makes_no_old_day_be_read_again(
    django_assert_num_queries,
):
    a_busy_week()
    count()
    long_before = Span(date(2027, 1, 4), 11)
    with django_assert_num_queries(4):
        of_old = reports.numbers(long_before)
    new = make.schedule(make.location(name="New"))
    make.confirmed(new, starts_at=hour(30 * 24), email="new@example.com", now=make.later(days=29))

    with django_assert_num_queries(4):
        assert reports.numbers(long_before) == of_old
    weeks = {row["week"] for row in of_old["schedules"] if "week" in row}
    assert weeks == {date(2027, 3, 8), date(2027, 3, 15)}


def test_a_week_that_is_over_is_read_as_one_sum_with_the_numbers_of_its_days():
    a_busy_week()
    read = reports.numbers(TWO_WEEKS)
    count()

    assert reports.numbers(TWO_WEEKS) == read
    assert CountedWeek.objects.filter(monday=date(2027, 3, 8)).count() == 2
    CountedWeek.objects.filter(location__name="Far").update(numbers={"visits": {}})
    of_far = [row for row in reports.numbers(TWO_WEEKS, "requests")["requests"] if row.get("place") == "Far"]
    assert of_far == []


def test_an_answer_after_half_a_year_is_kept_as_one_after_136_days():
    asked = make.confirmed()
    Event.objects.create(
        request=asked, verb="decline", to_status="declined", by=make.staff(), at=make.later(days=200)
    )
    read = reports.numbers(TWO_WEEKS, "replies")
    count()

    assert reports.numbers(TWO_WEEKS, "replies") == read
    assert read["replies"][0]["median"] == timedelta(hours=3276.7)


def test_a_week_that_the_version_before_summed_is_read_from_its_days_until_it_is_summed_again():
    a_busy_week()
    count()
    read = reports.numbers(TWO_WEEKS)
    CountedWeek.objects.update(packed_waits=None, numbers={})

    assert reports.numbers(TWO_WEEKS) == read
    count()
    assert CountedWeek.objects.filter(packed_waits=None).count() == 0
    assert reports.numbers(TWO_WEEKS) == read


def test_an_answer_before_the_address_was_confirmed_is_no_wait():
    asked = make.submitted(email="early@example.com")
    AppointmentRequest.objects.filter(pk=asked.pk).update(verified_at=make.later(hours=5))
    Event.objects.create(
        request=asked, verb="decline", to_status="declined", by=make.staff(), at=make.later(hours=3)
    )
    assert reports.numbers(TWO_WEEKS, "replies")["replies"][0]["median"] == timedelta(0)


@given(st.lists(st.lists(st.integers(0, counting.LONGEST)).map(sorted), min_size=1))
def test_the_percentiles_of_sorted_lists_are_those_of_all_they_hold(lists):
    together = [number for one in lists for number in one]
    if len(together) < 2:
        median = ninetieth = counting.TENTH * together[0] if together else None
    else:
        *_, ninetieth = statistics.quantiles(together, n=10, method="inclusive")
        median, ninetieth = counting.TENTH * statistics.median(together), counting.TENTH * ninetieth

    assert (reports.percentile(lists, 0.5), reports.percentile(lists, 0.9)) == (median, ninetieth)


def test_a_week_whose_last_day_is_not_over_is_no_sum():
    a_busy_week()
    sunday = make.WEDNESDAY_9 + timedelta(days=4, hours=8)
    while counting.count_days(now=sunday):
        pass

    assert CountedDay.objects.filter(day=date(2027, 3, 13)).count() == 2
    assert CountedWeek.objects.count() == 0


def test_a_week_is_no_sum_any_more_once_a_day_of_it_is_counted_again():
    a_busy_week()
    count()
    sunday = CountedDay.objects.get(day=date(2027, 3, 14), location__name="Far")
    sunday.save()

    weeks = CountedWeek.objects.filter(location__name="Far").values_list("monday", flat=True)
    assert date(2027, 3, 8) not in weeks and date(2027, 3, 15) in weeks
    assert CountedWeek.objects.exclude(location__name="Far").filter(monday=date(2027, 3, 8)).exists()


def test_a_change_under_way_while_days_are_counted_is_not_lost(real_commits):
    visit = make.accepted()
    began, counted = threading.Event(), threading.Event()

    def cancel():
        with transaction.atomic():
            lifecycle.cancel(visit, now=make.later(hours=1))
            began.set()
            counted.wait(10)
        connection.close()

    other = threading.Thread(target=cancel)
    other.start()
    began.wait(10)
    count()
    seen = reports.numbers(TWO_WEEKS, "visits")["visits"][0]
    counted.set()
    other.join()

    assert "cancelled" not in seen
    assert reports.numbers(TWO_WEEKS, "visits")["visits"][0]["cancelled"] == 1

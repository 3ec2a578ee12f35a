"""The times that suit who named days: found without looking at all that can be asked for."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import availability
from bookings.admin import times
from bookings.models import RequestedPeriod
from tests import make
from tests.bookings.test_availability_rows import DAY, WEDNESDAY, closed

pytestmark = pytest.mark.django_db


@pytest.fixture
def days_looked_at(monkeypatch):
    """The days whose opening hours were worked out."""
    days, worked_out = [], availability.open_intervals

    def noted(rules, day, zone):
        days.append(day)
        return worked_out(rules, day, zone)

    monkeypatch.setattr(availability, "open_intervals", noted)
    return days


@pytest.mark.parametrize("horizon", [60, 730, 3650])
def test_days_that_suit_are_found_without_looking_at_all_that_can_be_asked_for(days_looked_at, horizon):
    room = make.schedule(visit=make.visit_type(horizon_days=horizon, step_minutes=7))
    periods = [RequestedPeriod(weekday=1, part_of_day="morning"), RequestedPeriod(weekday=3)]
    asked = make.confirmed(room, asks_for="periods", starts_at=None, periods=periods)
    days_looked_at.clear()

    assert asked.visit_type.pk and asked.location.pk  # read from now on
    with CaptureQueriesContext(connection) as queries:
        found = times.suiting(asked, now=make.NOW)

    assert [room.location.local(slots[0].starts_at).strftime("%a %H:%M") for _, slots in found] == [
        "Tue 09:00",
        "Thu 09:00",
    ]
    assert len(queries) == 1 + 2 + 2 * len(periods)
    assert len(days_looked_at) <= 2 * availability.WINDOWS_AT_FIRST * 5


def test_days_that_suit_end_with_what_the_part_of_the_day_names():
    room = make.schedule()
    morning = RequestedPeriod(first_day=WEDNESDAY, last_day=WEDNESDAY, part_of_day="morning")
    afternoon = RequestedPeriod(first_day=WEDNESDAY, last_day=WEDNESDAY, part_of_day="afternoon")
    asked = make.confirmed(room, asks_for="periods", starts_at=None, periods=[morning, afternoon])

    hours = [
        [room.location.local(slot.starts_at).hour for slot in slots]
        for _, slots in times.suiting(asked, now=make.NOW)
    ]

    assert hours == [[9, 10, 11], [12, 13, 14, 15]]


def test_a_full_calendar_is_searched_to_its_end_in_few_questions():
    room = make.schedule(visit=make.visit_type(horizon_days=730))
    closed(room, make.NOW, make.NOW + 800 * DAY)
    asked = make.confirmed(room, asks_for="periods", starts_at=None, periods=[RequestedPeriod(weekday=2)])

    assert asked.visit_type.pk and asked.location.pk  # read from now on
    with CaptureQueriesContext(connection) as queries:
        found = times.suiting(asked, now=make.NOW)

    assert [slots for _, slots in found] == [[]]
    assert len(queries) <= 1 + 2 + 2 * 4

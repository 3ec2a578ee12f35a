"""What free times cost as the clinic grows old: run `python -m tests.benchmarks.free_slots`.

The times of four weeks, and the page of the journey that shows two of them, with 1,000, 100,000 and
1,000,000 appointments of the past in a scratch database. It ends with 1 where a million make either
more than 1.3 times as slow as a thousand.

Before that: what a clinic's set-up adds, in an empty calendar. Times that can be asked for ten years
ahead cost as much as those of two months; the page of a chair that is open around the clock, with a
start every five minutes, at most 4 times one open for ten hours with a start every half hour, which
is 14 times as many. It ends with 1 where one of these is not so.
"""

import sys
from datetime import time, timedelta
from time import perf_counter

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import availability
from bookings.admin import times
from bookings.models import AppointmentRequest, RequestedPeriod
from tests import make
from tests.benchmarks.table import Row, show

PAST = [1_000, 100_000, 1_000_000]
PROMISED_RATIO = 1.3
PROMISED_AROUND_THE_CLOCK = 4
CHAIRS = 4
RUNS = 100

# Copies of one request and its appointment, whatever columns these have. All are still "booked", as
# if nobody had ever noted who came, so that the index holds every one of them.
COLUMNS = [field.column for field in AppointmentRequest._meta.concrete_fields if not field.generated]
COPY_REQUESTS = f"""
    INSERT INTO bookings_appointmentrequest ({", ".join(COLUMNS)})
    SELECT {", ".join(f"copy.{column}" for column in COLUMNS)}
    FROM generate_series(%(low)s, %(high)s) AS n, bookings_appointmentrequest AS model,
    LATERAL jsonb_populate_record(NULL::bookings_appointmentrequest, to_jsonb(model) || jsonb_build_object(
        'id', n, 'reference', to_hex(n), 'submission', gen_random_uuid(), 'status', 'accepted',
        'expires_at', NULL
    )) AS copy WHERE model.id = %(model)s"""  # noqa: S608
COPY_APPOINTMENTS = """
    INSERT INTO bookings_appointment
    SELECT copy.* FROM generate_series(%(low)s, %(high)s) AS n, bookings_appointment AS model,
    LATERAL (SELECT %(begin)s + n / %(chairs)s * %(apart)s AS at) AS start,
    LATERAL jsonb_populate_record(NULL::bookings_appointment, to_jsonb(model) || jsonb_build_object(
        'id', n, 'request_id', n, 'uid', gen_random_uuid(), 'status', 'booked', 'held_until', NULL,
        'schedule_id', (%(schedules)s)[n %% %(chairs)s + 1],
        'period', tstzrange(at, at + interval '60 minutes'),
        'occupied', tstzrange(at, at + interval '75 minutes')
    )) AS copy WHERE model.request_id = %(model)s"""


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_free_slots"):
        yield from measure_set_ups()
        yield from measure()


def measure_set_ups():
    """What the days ahead and the hours of a clinic add to its free times."""
    now = timezone.now()
    usual = set_up("usual", horizon_days=60)
    far = set_up("far", horizon_days=3650)
    always = set_up("always", hours=(time(0), time(23, 59)), step_minutes=5)

    def two_weeks(rooms):
        visit, place = rooms[0].visit_types.get(), rooms[0].location
        today = place.local(now).date()
        return lambda: availability.free_slots(visit, place, today, 14, now=now)

    def days_that_suit(rooms):
        days = [RequestedPeriod(weekday=day, part_of_day="morning") for day in (1, 3, 4)]
        asked = make.confirmed(rooms[0], asks_for="periods", starts_at=None, periods=days, now=now)
        return lambda: times.suiting(asked, now=now)

    for name, act in {"free times of two weeks": two_weeks, "days that suit": days_that_suit}.items():
        before, ours = quickest(act(usual)), quickest(act(far))
        yield Row(f"{name}, 3,650 days ahead", ours, "ms", before, "with 60 days", most_ratio=PROMISED_RATIO)
    pages = [page_of_times(rooms[0].visit_types.get().slug) for rooms in (usual, always)]
    before, ours = (quickest(page) for page in pages)
    yield Row(
        "page of times, around the clock, every 5 minutes",
        *(ours, "ms", before, "10 hours, every 30 minutes"),
        most_ratio=PROMISED_AROUND_THE_CLOCK,
    )


def set_up(slug, *, hours=(time(8), time(18)), step_minutes=30, **fields):
    """Four chairs of a location that is open every day, for a kind of visit of their own."""
    place = make.location(slug=slug, weekdays=range(7), hours=hours)
    visit = make.visit_type(slug=slug, step_minutes=step_minutes, **fields)
    return [make.schedule(place, visit, name=f"Chair {number}") for number in range(CHAIRS)]


def measure():
    place = make.location(slug="place", weekdays=range(7), hours=(time(8), time(18)))
    visit = make.visit_type(slug="visit", minutes_after=15, step_minutes=30)
    schedules = [make.schedule(place, visit, name=f"Chair {number}") for number in range(CHAIRS)]
    now = timezone.now()
    today = place.local(now).date()
    first = availability.free_slots(visit, place, today, 28, now=now)[0]
    model = make.submitted(schedules[0], starts_at=first.starts_at, now=now)
    filler = Filler(model, [schedule.pk for schedule in schedules])
    half_full = CHAIRS * 28 * 24 * 60 // 150
    filler.add(half_full, begin=now + timedelta(days=2), apart=timedelta(minutes=150))
    page = page_of_times("visit")

    def four_weeks():
        assert availability.free_slots(visit, place, today, 28, now=now)

    def when_page():
        assert page().status_code == 200

    acts = {"free times of four weeks": four_weeks, "page of times, two weeks": when_page}
    reference = {}
    for count in PAST:
        filler.add_past(count, until=now - timedelta(days=1))
        for name, act in acts.items():
            ours = quickest(act)
            before = reference.setdefault(name, ours)
            if count > PAST[0]:
                figure, beside = f"{name}, {count:,} past visits", f"with {PAST[0]:,}"
                promised = PROMISED_RATIO if count == PAST[-1] else None
                yield Row(figure, ours, "ms", before, beside, most_ratio=promised)


class Filler:
    """Fills the schedules with copies of a request, each chair one visit after the other."""

    def __init__(self, model, schedules):
        self.model, self.schedules, self.next_id, self.past = model.pk, schedules, 1_000, 0

    def add(self, count, *, begin, apart):
        low, self.next_id = self.next_id, self.next_id + count
        values = {
            "low": low,
            "high": low + count - 1,
            "begin": begin - low // CHAIRS * apart,
            "apart": apart,
            "chairs": CHAIRS,
            "schedules": self.schedules,
            "model": self.model,
        }
        with connection.cursor() as cursor:
            cursor.execute(COPY_REQUESTS, values)
            cursor.execute(COPY_APPOINTMENTS, values)
            cursor.execute("ANALYZE")

    def add_past(self, total, *, until):
        """Make it `total` visits before `until`, each chair's new ones before those already there."""
        apart = timedelta(minutes=75)
        begin = until - (self.past // CHAIRS + 1) * apart
        self.add(total - self.past, begin=begin, apart=-apart)
        self.past = total


def page_of_times(slug):
    """A patient's browser in front of the page of times: calling it asks for the page."""
    client = Client()
    response = client.post(reverse("request_first_step"), {"who": "me"})
    response = client.post(response.url, {"visit": slug})
    return lambda: client.get(response.url)


def quickest(act):
    """Milliseconds of the quickest of many runs: what the work costs where nothing else disturbs it."""
    act()
    took = []
    for _ in range(RUNS):
        begin = perf_counter()
        act()
        took.append(perf_counter() - begin)
    return min(took) * 1000


if __name__ == "__main__":
    sys.exit(show(figures()))

"""The arithmetic of free times against an oracle that looks at the clock every quarter of an hour."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, islice
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bookings import availability
from bookings.models import Closure, OpeningHours, VisitType
from tests import make

TICK = timedelta(minutes=15)  # no zone of today changes its clocks between two of these
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Where something happens to the clock, or to the calendar, on that day or in the night after it.
DAYS = [
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("America/New_York", date(2028, 2, 29)),
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2027, 10, 31)),
    ("America/Phoenix", date(2027, 3, 14)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # the clocks go back by half an hour
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("Asia/Kathmandu", date(2028, 2, 28)),  # 5:45 ahead
    ("Pacific/Kiritimati", date(2027, 12, 31)),  # 14 hours ahead
    ("Africa/Cairo", date(2027, 4, 30)),  # there is no midnight
    ("America/Havana", date(2027, 11, 7)),  # midnight comes twice
    ("America/Santiago", date(2027, 4, 3)),  # the last hour of the day comes twice
    ("Antarctica/Troll", date(2027, 3, 28)),  # the clocks jump by two hours
]


@lru_cache(maxsize=64)
def clock(zone, first_day, days):
    """Every tick from two days before to three days after: the instants, and what the clock shows."""
    begin = datetime.combine(first_day - 2 * DAY, time.min, UTC)
    instants = [begin + number * TICK for number in range((days + 5) * DAY // TICK)]
    return instants, [instant.astimezone(zone).replace(tzinfo=None) for instant in instants]


def oracle(visit, rules, closed, taken, first_day, days, zone):
    """What `free_starts` promises, one plain sentence after the other, for times on whole ticks."""
    instants, walls = clock(zone, first_day, days)
    latest_so_far = list(accumulate(walls, max))
    earliest_to_come = list(accumulate(reversed(walls), min))[::-1]
    is_open, is_on_a_step = [False] * len(instants), [False] * len(instants)
    for rule in rules:
        for number in range(-1, days + 3):
            day = first_day + number * DAY
            if (
                day.weekday() != rule.weekday
                or (rule.valid_from is not None and day < rule.valid_from)
                or (rule.valid_until is not None and day > rule.valid_until)
            ):
                continue
            opens, closes = datetime.combine(day, rule.opens), datetime.combine(day, rule.closes)
            if closes <= opens:
                closes += DAY
            # It has opened once the clock has shown the hour, until nothing before closing time is to come.
            ticks = [
                tick
                for tick in range(len(instants))
                if latest_so_far[tick] >= opens and earliest_to_come[tick] < closes
            ]
            for tick in ticks:
                is_open[tick] = True
                if (instants[tick] - instants[ticks[0]]) % timedelta(minutes=visit.step_minutes) == 0 * TICK:
                    is_on_a_step[tick] = True
    is_closed = [any(start <= instant < end for start, end in closed) for instant in instants]
    is_taken = [any(start <= instant < end for start, end in taken) for instant in instants]

    def ticks_of(count):
        return count // 15

    def is_free(tick):
        visible = range(tick, tick + ticks_of(visit.minutes))
        occupied = range(
            visible.start - ticks_of(visit.minutes_before), visible.stop + ticks_of(visit.minutes_after)
        )
        return all(is_open[at] and not is_closed[at] for at in visible) and not any(
            is_taken[at] for at in occupied
        )

    return [
        instants[tick]
        for tick in range(len(instants))
        if is_on_a_step[tick] and first_day <= walls[tick].date() < first_day + days * DAY and is_free(tick)
    ]


def wall(tick):
    return time(tick % 96 // 4, tick % 4 * 15)


@st.composite
def worlds(draw):
    """All that decides about one schedule's starts on a day or two, around something strange."""
    name, day = draw(st.sampled_from(DAYS))
    zone = ZoneInfo(name)
    first_day = day + draw(st.integers(-1, 1)) * DAY
    near = st.integers(-1, 2).map(lambda number: first_day + number * DAY)
    some_day = st.one_of(st.none(), st.none(), near)
    ranges = st.builds(
        lambda opens, length, **when: OpeningHours(opens=wall(opens), closes=wall(opens + length), **when),
        st.integers(0, 12) | st.integers(0, 95),
        st.integers(1, 95),
        weekday=near.map(date.weekday),
        valid_from=some_day,
        valid_until=some_day,
    )
    rules = draw(st.lists(ranges, min_size=1, max_size=5))
    midnight = datetime.combine(first_day, time.min, zone).astimezone(UTC)
    periods = st.builds(
        lambda start, length: (midnight + start * TICK, midnight + (start + length) * TICK),
        st.integers(-24, 240),
        st.integers(1, 16),
    )
    buffers = st.sampled_from([0, 0, 15, 30, 60])
    visit = VisitType(
        minutes=draw(st.sampled_from([15, 30, 45, 60, 60, 90, 1425])),
        step_minutes=draw(st.sampled_from([15, 30, 45, 60])),
        minutes_before=draw(buffers),
        minutes_after=draw(buffers),
    )
    closed = draw(st.lists(periods, max_size=2))
    taken = draw(st.lists(periods, max_size=4))
    return visit, rules, closed, taken, first_day, draw(st.integers(1, 2)), zone


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_a_start_is_free_exactly_where_a_look_at_the_clock_says_so(world):
    assert availability.free_starts(*world) == oracle(*world)


def instants_that_show(wall, zone):
    """All instants at which the clocks of the zone show `wall`: tried with each offset used around it."""
    as_utc = wall.replace(tzinfo=UTC)
    offsets = {(as_utc + hours * timedelta(hours=1)).astimezone(zone).utcoffset() for hours in range(-48, 49)}
    tried = {as_utc - offset for offset in offsets}
    return sorted(instant for instant in tried if instant.astimezone(zone).replace(tzinfo=None) == wall)


def clock_of(instant, zone):
    return instant.astimezone(zone).replace(tzinfo=None)


any_day = st.tuples(
    st.sampled_from(sorted(available_timezones())), st.dates(date(1970, 1, 2), date(2060, 1, 1))
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(DAYS) | any_day, st.times() | st.times(max_value=time(4)))
@example(("America/New_York", date(2027, 3, 14)), time(2, 30, 0, 100_000))
@example(("America/New_York", date(2027, 11, 7)), time(1, 30))
@example(("Pacific/Apia", date(2011, 12, 30)), time(12))  # a day that was left out
def test_a_wall_time_is_an_instant_in_every_zone(named_day, wall):
    zone, day = ZoneInfo(named_day[0]), named_day[1]
    naive = datetime.combine(day, wall)

    first, last = (availability.instant(day, wall, zone, fold=fold) for fold in (0, 1))

    if shown_at := instants_that_show(naive, zone):
        assert [first, last] == [shown_at[0], shown_at[-1]]
    else:
        before = clock_of(first - timedelta.resolution, zone)
        assert first == last and before < naive < clock_of(first, zone)


def plain_starts(visit, rules, closed, taken, first_day, days, zone):
    """What `free_starts` promises once more: each start of each opening tried by itself, on any minute."""
    around = [first_day + number * DAY for number in range(-1, days + visit.minutes // 1440 + 2)]
    openings = [opening for day in around for opening in availability.open_intervals(rules, day, zone)]
    length, step = timedelta(minutes=visit.minutes), timedelta(minutes=visit.step_minutes)

    def is_open_throughout(at, end):
        while at < end:
            closings = [closes for opens, closes in openings if opens <= at < closes]
            if not closings:
                return False
            at = max(closings)
        return True

    def is_free(start):
        first = start - timedelta(minutes=visit.minutes_before)
        last = start + length + timedelta(minutes=visit.minutes_after)
        return (
            first_day <= start.astimezone(zone).date() < first_day + days * DAY
            and is_open_throughout(start, start + length)
            and all(end <= start or begin >= start + length for begin, end in closed)
            and all(end <= first or begin >= last for begin, end in taken)
        )

    tried = {
        start
        for opens, closes in openings
        for number in range((closes - opens) // step + 1)
        if (start := opens + number * step) < closes
    }
    return sorted(filter(is_free, tried))


any_minute = st.integers(0, 1439).map(lambda number: time(number // 60, number % 60))


@st.composite
def odd_worlds(draw):
    """Like `worlds`, on any minute: steps of 7, visits of 50 minutes, closures at 9:13."""
    name, day = draw(st.sampled_from(DAYS))
    zone, days = ZoneInfo(name), draw(st.integers(1, 4))
    first_day = day + draw(st.integers(-2, 1)) * DAY
    hours = st.builds(
        OpeningHours,
        opens=any_minute | st.just(time(0)),
        closes=any_minute | st.just(time(0)),
        weekday=st.integers(-1, 4).map(lambda number: (first_day + number * DAY).weekday()),
    ).filter(lambda rule: rule.opens != rule.closes)
    midnight = datetime.combine(first_day, time.min, zone).astimezone(UTC)
    periods = st.builds(
        lambda start, length: (midnight + start * MINUTE, midnight + (start + length) * MINUTE),
        st.integers(-1440, 5 * 1440),
        st.integers(1, 400),
    )
    visit = VisitType(
        minutes=draw(st.sampled_from([5, 20, 50, 60, 95, 1440, 2000])),
        step_minutes=draw(st.sampled_from([5, 7, 11, 15, 50, 120])),
        minutes_before=draw(st.sampled_from([0, 0, 3, 40])),
        minutes_after=draw(st.sampled_from([0, 0, 10, 200])),
    )
    rules = draw(st.lists(hours, min_size=1, max_size=6))
    return (
        visit,
        rules,
        draw(st.lists(periods, max_size=3)),
        draw(st.lists(periods, max_size=6)),
        first_day,
        days,
        zone,
    )


@settings(max_examples=100, deadline=None)
@given(odd_worlds())
def test_a_start_is_free_exactly_where_trying_it_by_itself_says_so(world):
    assert availability.free_starts(*world) == plain_starts(*world)


@pytest.mark.django_db
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    step=st.sampled_from([5, 7, 30, 120]),
    notice=st.integers(0, 72),
    horizon=st.sampled_from([2, 60, 730, 3650]),
    has_own_hours=st.booleans(),
    wanted=st.lists(st.integers(0, 40), max_size=3),
    ahead=st.integers(0, 300),
)
def test_the_times_of_a_clinic_are_those_of_its_chairs_tried_one_by_one(
    step, notice, horizon, has_own_hours, wanted, ahead
):
    """The clocks change in its second week. At once or lazily, on any days: the same times."""
    now = datetime(2027, 3, 5, 15, 20, tzinfo=UTC)
    soonest, last = now + timedelta(hours=notice), now.date() + horizon * DAY
    visit = make.visit_type(
        minutes=50, step_minutes=step, minutes_after=15, notice_hours=notice, horizon_days=horizon
    )
    place = make.location(hours=(time(20), time(3)), weekdays=[5, 6])
    chairs = [make.schedule(place, visit, f"Chair {number}") for number in range(3)]
    if has_own_hours:
        chairs[0].opening_hours.create(location=place, weekday=6, opens=time(0), closes=time(23, 59))
    closed = (now + 2 * DAY, now + 2 * DAY + timedelta(hours=5))
    Closure.objects.create(location=place, schedule=chairs[1], starts_at=closed[0], ends_at=closed[1])
    for number in wanted:
        free = availability.free_slots(visit, place, now.date(), 14, now=now)
        for slot in free[number : number + 1]:
            make.submitted(chairs[0], starts_at=slot.starts_at, email=f"{uuid4()}@example.com", now=now)

    def tried(first_day, days):
        counts = Counter()
        for chair in chairs:
            rules = chair.opening_hours.all() or place.opening_hours.filter(schedule=None)
            taken = [(one.occupied.lower, one.occupied.upper) for one in chair.appointments.all()]
            closures = [closed] if chair == chairs[1] else []
            counts.update(plain_starts(visit, rules, closures, taken, first_day, days, place.zone))
        return sorted(
            pair for pair in counts.items() if pair[0] >= soonest and place.local(pair[0]).date() <= last
        )

    for first_day, days in [(now.date(), 12), (now.date() + min(ahead, horizon) * DAY, 8)]:
        slots = availability.free_slots(visit, place, first_day, days, now=now)
        assert [(slot.starts_at, slot.schedules) for slot in slots] == tried(first_day, days)
    days = (availability.days_of(now.date() + number * DAY, 1, place.zone) for number in range(horizon + 1))
    windows = ((max(begin, soonest), end) for begin, end in days if soonest < end)
    lazily = availability.Calendar(visit, place, now=now).slots(windows)
    at_once = availability.free_slots(visit, place, now.date(), horizon + 1, now=now)
    assert list(islice(lazily, 1000)) == at_once[:1000]

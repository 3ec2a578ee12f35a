"""Which slots are free: reads and arithmetic only.

Weekly rules are wall time of the location; everything that is compared or added is an instant in
UTC, so that an hour is an hour on the days when the clocks change.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import groupby, islice, repeat
from operator import itemgetter
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from bookings.intervals import ALWAYS, Interval, instant_of, merged, possible_starts, ticks, without
from bookings.models import Appointment, Closure, Location, OpeningHours, Schedule, VisitType

ANSWER_BEFORE_VISIT = timedelta(hours=2)
LONGEST_HOLIDAY = 30  # days
WINDOWS_AT_FIRST = 7  # looked into at once, and twice as many each time after


@dataclass(frozen=True, order=True)
class Slot:
    """A start and an end that could be booked, in UTC, and how many schedules could take it."""

    starts_at: datetime
    ends_at: datetime
    schedules: int


def free_slots(
    visit_type: VisitType, location: Location, first_day: date, days: int, *, now: datetime
) -> list[Slot]:
    """The slots of `visit_type` that start on `days` local days from `first_day`, earliest first.

    `now` is an aware instant. Slots sooner than the visit type's notice or later than its horizon
    are left out; a start exactly at the notice is in.
    """
    earliest, latest_day = limits(visit_type, location, now=now)
    first = max(first_day, location.local(earliest).date())
    days = min(days - (first - first_day).days, (latest_day - first).days + 1)
    if days <= 0:
        return []
    begin, end = days_of(first, days, location.zone)
    possible = Calendar(visit_type, location, now=now).starts([(max(begin, earliest), end)])
    free = Counter(start for runs in possible.values() for start in set().union(*runs))
    length = minutes(visit_type.minutes)
    return [Slot(at := instant_of(start), at + length, count) for start, count in sorted(free.items())]


def nearest(visit_type: VisitType, location: Location, around: datetime, *, now: datetime) -> list[Slot]:
    """Up to 6 free slots closest to the instant `around`, on its day or 7 days on either side of it.

    Where `around` cannot be asked for (any more, or yet), they are those closest to what can.
    """
    earliest, latest_day = limits(visit_type, location, now=now)
    around = min(max(around, earliest), instant(latest_day, time.max, location.zone))
    first_day = location.local(around).date() - timedelta(days=7)
    slots = free_slots(visit_type, location, first_day, 15, now=now)
    return sorted(sorted(slots, key=lambda slot: abs(slot.starts_at - around))[:6])


def limits(visit_type: VisitType, location: Location, *, now: datetime) -> tuple[datetime, date]:
    """The first instant and the last local day for which `visit_type` may be asked at `now`."""
    return (
        now.astimezone(UTC) + timedelta(hours=visit_type.notice_hours),
        location.local(now).date() + timedelta(days=visit_type.horizon_days),
    )


def _open_from(location, rules, closed, *, now):
    """When the location is open from `now` on, what is closed left out, in order."""
    today = location.local(now).date()
    for offset in range(-1, LONGEST_HOLIDAY if rules else 0):
        for opens, closes in open_intervals(rules, today + timedelta(days=offset), location.zone):
            at = max(opens, now)
            for start, end in [*closed, (closes, closes)]:
                if at < min(start, closes):
                    yield at, min(start, closes)
                at = max(at, end)


def schedules_free_at(
    visit_type: VisitType, location: Location, starts_at: datetime, *, now: datetime
) -> list[Schedule]:
    """The schedules that could take a visit starting at `starts_at` (aware), in their order."""
    starts_at = starts_at.astimezone(UTC)  # in a repeated hour other zones' times equal nothing, PEP 495
    window = (starts_at, starts_at + timedelta.resolution)
    possible = Calendar(visit_type, location, now=now).starts([window])
    return [schedule for schedule, runs in possible.items() if runs]


def visits_on(day: date, location: Location, *, now: datetime) -> Counter:
    """How many visits and times held at `now` each schedule (by its key) has on the local `day`."""
    midnight = instant(day, time.min, location.zone)
    next_midnight = instant(day + timedelta(days=1), time.min, location.zone)
    return Counter(
        occupying(now=now)
        .filter(schedule__location=location, occupied__overlap=(midnight, next_midnight))
        .values_list("schedule", flat=True)
    )


def occupying(*, now: datetime) -> QuerySet[Appointment]:
    """The visits and holds that take time at `now`, of all schedules. An overdue hold takes none."""
    overdue = Q(status=Appointment.Status.PENDING, held_until__lte=now)
    return Appointment.objects.filter(~overdue, status__in=Appointment.OCCUPYING)


def occupied_by(visit_type: VisitType, starts_at: datetime) -> Interval:
    """The period of a visit with the time that its schedule is taken before and after it.

    `starts_at` is aware, in any zone; what comes out is in UTC.
    """
    starts_at = starts_at.astimezone(UTC)  # to add to local time would count hours of the wall clock
    return (
        starts_at - minutes(visit_type.minutes_before),
        starts_at + minutes(visit_type.minutes + visit_type.minutes_after),
    )


def starts_by_schedule(
    visit_type: VisitType, location: Location, first_day: date, days: int, *, now: datetime
) -> dict[Schedule, set[int]]:
    """For each schedule that takes the visit type: its possible starts on these local days, as ticks.

    Four queries, whatever the history. An overdue hold occupies nothing.
    """
    window = days_of(first_day, days, location.zone)
    possible = Calendar(visit_type, location, now=now).starts([window])
    return {schedule: set().union(*runs) for schedule, runs in possible.items()}


class Calendar:
    """When visits of one type could start in the schedules of a location that take it, as of `now`.

    To make one takes two queries, for the schedules and their weekly hours; each look at windows of
    time takes two more, for what is closed and what is taken then.
    """

    def __init__(self, visit_type: VisitType, location: Location, *, now: datetime):
        self.visit_type, self.zone, self.now = visit_type, location.zone, now
        schedules = visit_type.schedules.filter(location=location, is_active=True)
        self.schedules = list(schedules.order_by("position", "name"))
        self.concerned = Q(location=location, schedule=None) | Q(schedule__in=self.schedules)
        # What is in no order joins no other tables to make one.
        rules = list(OpeningHours.objects.filter(self.concerned).order_by())
        self.hours = {schedule: hours_of(schedule, rules) for schedule in self.schedules}

    def starts(self, windows: Sequence[Interval]) -> dict[Schedule, list[range]]:
        """For each schedule the runs of its possible starts within the windows, which are in order."""
        reach = (
            occupied_by(self.visit_type, windows[0][0])[0],
            occupied_by(self.visit_type, windows[-1][1])[1],
        )
        closures = list(
            Closure.objects.filter(self.concerned, starts_at__lt=reach[1], ends_at__gt=reach[0]).order_by()
        )
        taken = _taken(self.schedules, reach, now=self.now)
        in_hours: dict[tuple, list[range]] = {}  # most schedules are open like others of their location
        found = {}
        for schedule, rules in self.hours.items():
            key = tuple(rule.pk for rule in rules)
            if key not in in_hours:
                in_hours[key] = starts_in_hours(self.visit_type, rules, windows, self.zone)
            closed = [
                (closure.starts_at, closure.ends_at)
                for closure in closures
                if closure.schedule_id in (None, schedule.pk)
            ]
            refused = refused_starts(self.visit_type, closed, taken[schedule.pk], windows)
            found[schedule] = [part for run in in_hours[key] for part in without(run, refused)]
        return found

    def slots(self, windows: Iterable[Interval]) -> Iterator[Slot]:
        """The free slots that start in the windows (in order, sharing no time), earliest first.

        Nothing is worked out that is not asked for: the windows are looked into a few at a time.
        """
        ahead, count = iter(windows), WINDOWS_AT_FIRST
        length = minutes(self.visit_type.minutes)
        while some := list(islice(ahead, count)):
            possible = enumerate(self.starts(some).values())
            starts = merge(*(zip(run, repeat(number)) for number, runs in possible for run in runs))
            for start, schedules in groupby(starts, key=itemgetter(0)):
                at = instant_of(start)
                yield Slot(at, at + length, len({number for _, number in schedules}))
            count *= 2


def reply_until(location: Location, starts_at: datetime | None, *, now: datetime) -> datetime:
    """When the answer to a request (or to an offer) for `starts_at` is due; None names no exact time.

    The close of the second working day after today, but two hours before the visit at the latest;
    where even these are over, halfway there. Where that is in the night, the close of the day before;
    where nobody is there until the day of the visit, halfway from its opening. In UTC.
    """
    now = now.astimezone(UTC)
    rules = list(OpeningHours.objects.filter(location=location, schedule=None).order_by())
    closures = Closure.objects.filter(location=location, schedule=None, ends_at__gt=now)
    closed = sorted(closures.values_list("starts_at", "ends_at"))
    close = _close_of_second_working_day(location, rules, closed, now=now)
    if starts_at is None:
        return close
    starts_at = starts_at.astimezone(UTC)
    due = min(close, max(starts_at - ANSWER_BEFORE_VISIT, now + (starts_at - now) / 2))
    last_open = None
    for opens, closes in _open_from(location, rules, closed, now=now):
        if opens >= due:
            if last_open is None and opens < starts_at:
                return opens + (starts_at - opens) / 2
            break
        last_open = max(last_open or closes, closes)
    return min(due, last_open or due)


def _close_of_second_working_day(location, rules, closed, *, now):
    """A working day is one on which the location opens and is not closed as it ends.

    A location without hours has two plain days.
    """
    today = location.local(now).date()
    closings = []
    for offset in range(1, 60):
        openings = open_intervals(rules, today + timedelta(days=offset), location.zone)
        closing = max((closes for _, closes in openings), default=None)
        if closing and not any(start < closing <= end for start, end in closed):
            closings.append(closing)
        if len(closings) == 2:
            return closings[1]
    return now + timedelta(days=2)


def _taken(schedules, window, *, now):
    """What is occupied in the window, by schedule: the one query that looks at the history."""
    taken: dict[int, list[Interval]] = {schedule.pk: [] for schedule in schedules}
    taken_then = occupying(now=now).filter(schedule__in=schedules, occupied__overlap=window)
    # Two instants are read in half the time of a range.
    for schedule_id, *occupied in taken_then.order_by().values_list(
        "schedule_id", "occupied__startswith", "occupied__endswith"
    ):
        taken[schedule_id].append(tuple(occupied))
    return taken


# Pure arithmetic, without database


def free_starts(
    visit_type: VisitType,
    rules: Iterable[OpeningHours],
    closed: Iterable[Interval],
    taken: Iterable[Interval],
    first_day: date,
    days: int,
    zone: ZoneInfo,
) -> list[datetime]:
    """When a visit could start in one schedule on `days` local days from `first_day`, as instants.

    The visit itself lies in open time and in nothing `closed`; the visit with the time before and
    after it shares nothing with what is `taken`.
    """
    windows = [days_of(first_day, days, zone)]
    refused = refused_starts(visit_type, closed, taken, windows)
    in_hours = starts_in_hours(visit_type, rules, windows, zone)
    starts = {start for run in in_hours for part in without(run, refused) for start in part}
    return [instant_of(start) for start in sorted(starts)]


def starts_in_hours(
    visit_type: VisitType, rules: Iterable[OpeningHours], windows: Sequence[Interval], zone: ZoneInfo
) -> list[range]:
    """Every start by the weekly hours alone, of at least all days that the windows touch."""
    length = minutes(visit_type.minutes)
    days = {
        # From the day before, for hours that cross midnight, to the day on which the last visit ends.
        begin.astimezone(zone).date() + timedelta(days=offset)
        for begin, end in windows
        for offset in range(-1, (end - begin + length).days + 3)
    }
    rules = list(rules)
    openings = [opening for day in sorted(days) for opening in open_intervals(rules, day, zone)]
    return possible_starts(openings, minutes(visit_type.step_minutes), length)


def refused_starts(
    visit_type: VisitType, closed: Iterable[Interval], taken: Iterable[Interval], windows: Sequence[Interval]
) -> list[tuple[int, int]]:
    """When no visit may start, as half-open intervals of ticks in order.

    That is outside the windows, and wherever the visit would share time with what is `closed`, or the
    visit with the time before and after it with what is `taken`.
    """
    length, before, after = (
        minutes(count) // timedelta.resolution
        for count in (visit_type.minutes, visit_type.minutes_before, visit_type.minutes_after)
    )
    edges = [ALWAYS[0], *(ticks(edge) for window in windows for edge in window), ALWAYS[1]]
    return merged(
        [
            *zip(edges[::2], edges[1::2], strict=True),
            *((ticks(start) - length + 1, ticks(end)) for start, end in closed),
            *((ticks(start) - length - after + 1, ticks(end) + before) for start, end in taken),
        ]
    )


def days_of(first_day: date, days: int, zone: ZoneInfo) -> Interval:
    """From the first midnight to the last of so many local days."""
    return instant(first_day, time.min, zone), instant(first_day + timedelta(days=days), time.min, zone)


def hours_of(schedule: Schedule, rules: Iterable[OpeningHours]) -> list[OpeningHours]:
    """The weekly hours that hold for a schedule: its own, or where it has none those of its location."""
    own = [rule for rule in rules if rule.schedule_id == schedule.pk]
    shared = (schedule.location_id, None)
    return own or [rule for rule in rules if (rule.location_id, rule.schedule_id) == shared]


def open_intervals(rules: Iterable[OpeningHours], day: date, zone: ZoneInfo) -> list[Interval]:
    """When a place with these weekly rules is open from the local `day` on, as instants.

    It opens when the clock first reaches the opening time and closes when the clock no longer shows
    anything before the closing time. So a wall time that the clocks skip means the instant at which
    they jump, and of a repeated hour the whole is open.
    """
    found = []
    for rule in rules:
        if rule.weekday != day.weekday():
            continue
        if (rule.valid_from and day < rule.valid_from) or (rule.valid_until and day > rule.valid_until):
            continue
        closing_day = day if rule.closes > rule.opens else day + timedelta(days=1)
        opens = instant(day, rule.opens, zone)
        closes = _closing(closing_day, rule.closes, zone)
        if opens < closes:
            found.append((opens, closes))
    return sorted(found)


def _closing(day, wall, zone):
    """The second of two equal wall times only where the moment before comes twice as well."""
    before = datetime.combine(day, wall, zone) - timedelta.resolution
    comes_twice = before.utcoffset() != before.replace(fold=1).utcoffset()
    return instant(day, wall, zone, fold=int(comes_twice))


def instant(day: date, wall: time, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """The UTC instant of a wall time; `fold` picks one of two where the hour repeats (PEP 495).

    A wall time that does not exist is the instant of the jump, neither an hour early nor late.
    """
    local = datetime.combine(day, wall, zone)
    first, second = (local.replace(fold=choice).astimezone(UTC) for choice in (0, 1))
    if first > second:  # in a gap fold=0 reads later than fold=1
        return _jump_between(second, first, zone)
    return second if fold else first


def _jump_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant between the two at which the zone's offset changes: zones change on whole seconds."""
    before = before.replace(microsecond=0)
    seconds = range(int((after - before).total_seconds()) + 1)
    offset = before.astimezone(zone).utcoffset()

    def has_jumped(second):
        return (before + timedelta(seconds=second)).astimezone(zone).utcoffset() != offset

    return before + timedelta(seconds=bisect_left(seconds, True, key=has_jumped))


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)

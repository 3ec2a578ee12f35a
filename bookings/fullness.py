"""How full the schedules are: what is taken of the time that is open."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import DateField, DurationField, ExpressionWrapper, F, Func, Q, Sum

from bookings.availability import Interval, hours_of, instant, merged, minutes, open_intervals
from bookings.models import Appointment, Closure, Location, OpeningHours, Schedule

A_DAY = timedelta(days=1)
Visit = Appointment.Status


class LocalDay(Func):
    """The day of an instant in a time zone, both given as expressions."""

    template = "(%(expressions)s)::date"
    arg_joiner = " AT TIME ZONE "
    output_field = DateField()


def during(first: date, end: date, zones: Iterable[ZoneInfo]) -> tuple[datetime, datetime]:
    """From when to when it is, in one of these zones or another, a day from `first` on and before `end`."""
    bounds = [(instant(first, time.min, zone), instant(end, time.min, zone)) for zone in zones]
    return min(begin for begin, _ in bounds), max(end for _, end in bounds)


@dataclass(frozen=True)
class Use:
    """How much of a schedule's open time is taken on one day, in minutes."""

    schedule: Schedule
    day: date
    open: int
    taken: int


def use(first: date, days: int, *, location: Location | None = None) -> list[Use]:
    """The use of each active schedule on each of these local days, in order of schedule and day.

    Open is what the weekly hours give less what is closed; taken is what visits and holds occupy,
    the time before and after them too. Visits outside opening hours count, so taken may be more.
    """
    schedules = schedules_of(location)
    if not schedules:
        return []
    around = during(first, first + A_DAY * days, {each.location.zone for each in schedules})
    rules = list(OpeningHours.objects.filter(location__in={each.location_id for each in schedules}))
    closures = list(Closure.objects.filter(starts_at__lt=around[1], ends_at__gt=around[0]))
    taken = _taken(schedules, around)
    openings = {}  # most schedules are open like others of their location: these are worked out once
    uses = []
    for schedule in schedules:
        hours, closed = hours_of(schedule, rules), _closed(schedule, closures)
        for day in (first + A_DAY * number for number in range(days)):
            key = (tuple(rule.pk for rule in hours), day)
            if key not in openings:
                openings[key] = merged(open_intervals(hours, day, schedule.location.zone))
            opened = total_minutes(without(openings[key], closed))
            uses.append(Use(schedule, day, open=opened, taken=taken[schedule.pk, day]))
    return uses


def schedules_of(location: Location | None) -> list[Schedule]:
    """Those that are in use, of one location or (None) of all, in their order."""
    schedules = Schedule.objects.filter(is_active=True).select_related("location")
    return list(schedules.filter(location=location) if location else schedules)


def _taken(schedules, around):
    """Minutes that are occupied, by schedule and the local day on which the visit starts."""
    was_there = Q(status__in=[*Appointment.OCCUPYING, Visit.FULFILLED, Visit.NOSHOW])
    rows = Appointment.objects.filter(
        was_there, schedule__in=schedules, period__startswith__gte=around[0], period__startswith__lt=around[1]
    )
    day = LocalDay(F("period__startswith"), F("schedule__location__time_zone"))
    length = ExpressionWrapper(F("occupied__endswith") - F("occupied__startswith"), DurationField())
    sums = rows.order_by().values("schedule_id", day=day).annotate(length=Sum(length))
    taken: dict[tuple[int, date], int] = defaultdict(int)
    for row in sums:
        taken[row["schedule_id"], row["day"]] = row["length"] // minutes(1)
    return taken


def _closed(schedule, closures):
    """When closures take its time away."""
    return merged(
        (each.starts_at, each.ends_at)
        for each in closures
        if each.location_id == schedule.location_id and each.schedule_id in (None, schedule.pk)
    )


def without(intervals: list[Interval], others: list[Interval]) -> list[Interval]:
    """What is left of the intervals outside the others; both as `merged` makes them."""
    left = []
    for start, end in intervals:
        for closes, reopens in others:
            if closes < end and reopens > start:
                if closes > start:
                    left.append((start, closes))
                start = max(start, min(reopens, end))
        if start < end:
            left.append((start, end))
    return left


def total_minutes(intervals: Iterable[Interval]) -> int:
    """How many minutes the intervals have together."""
    return sum((end - start) // minutes(1) for start, end in intervals)

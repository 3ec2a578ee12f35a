"""How a time stands in each schedule, and which times would suit: read before anything is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice

from bookings import availability
from bookings.availability import hours_of, instant, minutes, open_intervals
from bookings.intervals import Interval, merged, possible_starts, ticks
from bookings.models import (
    Appointment,
    AppointmentRequest,
    Closure,
    Location,
    OpeningHours,
    RequestedPeriod,
    Schedule,
    VisitType,
)

NOT_FOR_IT = "not for this kind of visit"
PER_PERIOD = 4  # times shown for each period that would suit


@dataclass(frozen=True)
class Standing:
    """How one time stands in one schedule, the request's own hold left aside.

    `objections` are the rules that it would break, as parts of a sentence; staff may set them aside.
    Who has taken it (`taken_by`) is in the way always.
    """

    schedule: Schedule
    taken_by: Appointment | None
    objections: tuple[str, ...]
    is_regular: bool

    @property
    def is_free(self) -> bool:
        return self.taken_by is None and not self.objections


def standings(
    visit_type: VisitType,
    location: Location,
    starts_at: datetime,
    *,
    besides: AppointmentRequest,
    now: datetime,
) -> list[Standing]:
    """Every schedule of the location with what speaks against this time: those that are free first.

    `starts_at` is aware. Five queries, whatever the history.
    """
    period = (starts_at, starts_at + minutes(visit_type.minutes))
    schedules = list(location.schedules.prefetch_related("visit_types"))
    hours = list(OpeningHours.objects.filter(location=location))
    closures = list(Closure.objects.filter(location=location, starts_at__lt=period[1], ends_at__gt=period[0]))
    taken = _taken(location, availability.occupied_by(visit_type, starts_at), besides=besides, now=now)
    found = [
        _standing(
            schedule,
            visit_type,
            period,
            hours_of(schedule, hours),
            [one for one in closures if one.schedule_id in (None, schedule.pk)],
            taken.get(schedule.pk),
            location,
        )
        for schedule in schedules
    ]
    return sorted(found, key=lambda one: (not one.is_free, bool(one.objections)))


def standing_in(
    schedule: Schedule,
    visit_type: VisitType,
    starts_at: datetime,
    *,
    besides: AppointmentRequest | None = None,
    now: datetime,
) -> Standing:
    """The same for one schedule."""
    found = standings(visit_type, schedule.location, starts_at, besides=besides, now=now)
    return next(standing for standing in found if standing.schedule == schedule)


def _standing(schedule, visit_type, period, rules, closures, taken_by, location):
    day = location.local(period[0]).date()
    around = [day + timedelta(days=offset) for offset in range(-1, 3)]
    openings = [opening for each in around for opening in open_intervals(rules, each, location.zone)]
    objections = []
    if not schedule.is_active:
        objections.append("not in use")
    if visit_type not in schedule.visit_types.all():
        objections.append(NOT_FOR_IT)
    objections += [f"closed: {closure.get_reason_display().lower()}" for closure in closures]
    if not any(opens <= period[0] and period[1] <= closes for opens, closes in merged(openings)):
        objections.append("outside the opening hours")
    runs = possible_starts(sorted(openings), minutes(visit_type.step_minutes), period[1] - period[0])
    is_regular = any(ticks(period[0]) in run for run in runs)
    return Standing(schedule, taken_by, tuple(objections), is_regular)


def _taken(location, occupied, *, besides, now):
    visits = availability.occupying(now=now).filter(schedule__location=location, occupied__overlap=occupied)
    return {one.schedule_id: one for one in visits.exclude(request=besides).select_related("request")}


def rules_broken(
    visit_type: VisitType, location: Location, starts_at: datetime, *, now: datetime
) -> list[str]:
    """What the time itself would break wherever it is: notice and horizon, as parts of a sentence."""
    earliest, latest_day = availability.limits(visit_type, location, now=now)
    if starts_at < earliest:
        return [f"sooner than the notice of {visit_type.notice_hours} hours"]
    if location.local(starts_at).date() > latest_day:
        return [f"more than {visit_type.horizon_days} days ahead"]
    return []


def suiting(
    request: AppointmentRequest, *, now: datetime
) -> list[tuple[RequestedPeriod, list[availability.Slot]]]:
    """For each period that the patient named, the first free times in it.

    Two queries, and two or a few more for each period: only its own days are looked into, and no more
    of them than it takes to find the times that are shown.
    """
    periods = list(request.periods.all())
    if not periods or request.visit_type is None:
        return []
    calendar = availability.Calendar(request.visit_type, request.location, now=now)
    return [
        (period, list(islice(calendar.slots(_windows(period, request, now=now)), PER_PERIOD)))
        for period in periods
    ]


def _windows(period: RequestedPeriod, request: AppointmentRequest, *, now: datetime) -> Iterator[Interval]:
    """The times of the days that suit, from the minimum notice to the horizon."""
    zone, parts = request.location.zone, RequestedPeriod.PartOfDay
    earliest, latest_day = availability.limits(request.visit_type, request.location, now=now)
    today = request.location.local(earliest).date()
    first, last = max(period.first_day or today, today), min(period.last_day or latest_day, latest_day)
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        if period.weekday is not None and day.weekday() != period.weekday:
            continue
        midnight, next_midnight = availability.days_of(day, 1, zone)
        noon = instant(day, time(12), zone)
        begin = noon if period.part_of_day == parts.AFTERNOON else midnight
        end = noon if period.part_of_day == parts.MORNING else next_midnight
        if earliest < end:
            yield max(begin, earliest), end


def suits(period: RequestedPeriod, local: datetime) -> bool:
    """Whether a start, as the clock of the place shows it, lies in the period."""
    parts = RequestedPeriod.PartOfDay
    is_morning = local.time() < time(12)
    return (
        (period.weekday is None or local.weekday() == period.weekday)
        and (period.first_day is None or period.first_day <= local.date() <= period.last_day)
        and (period.part_of_day == parts.ANY or (period.part_of_day == parts.MORNING) is is_morning)
    )


def read_wall_time(day, hour, location: Location) -> list[datetime]:
    """The instants at which the clock of the place shows this day and hour.

    None where the clocks skip it, two where the hour repeats, else one (PEP 495).
    """
    first, second = (instant(day, hour, location.zone, fold=fold) for fold in (0, 1))
    shown = location.local(first)
    if (shown.date(), shown.time()) != (day, hour):
        return []
    return [first] if first == second else [first, second]

"""Claiming a time in one schedule, and letting it go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bookings import availability
from bookings.lifecycle.transitions import TimeGone
from bookings.models import Appointment, AppointmentRequest, Location, Schedule, VisitType

Held = Appointment.Status.PENDING


@dataclass(frozen=True)
class Choice:
    """A time at a place for a kind of visit; `starts_at` is aware.

    With a `schedule` the choice is staff's own: opening hours, closures and notice do not bind it.
    Other visits always do. `reason` is one of Event.Override, for a choice that breaks these rules.
    """

    visit_type: VisitType
    location: Location
    starts_at: datetime
    schedule: Schedule | None = None
    reason: str = ""

    def __post_init__(self):
        # In UTC an hour is an hour, also when what staff typed carries a zone that changes its clocks.
        object.__setattr__(self, "starts_at", self.starts_at.astimezone(UTC))


def wanted(request: AppointmentRequest) -> Choice | None:
    """What the patient asked for; None where no exact time was named."""
    if request.wanted_at is None:
        return None
    return Choice(request.visit_type, request.location, request.wanted_at)


def lock_schedules(choice: Choice) -> list[Schedule]:
    """The schedules that might take the visit, locked in the order of their keys."""
    possible = Schedule.objects.filter(location=choice.location)
    if choice.schedule:
        possible = possible.filter(pk=choice.schedule.pk)
    else:
        possible = possible.filter(visit_types=choice.visit_type)
    return _locked(possible)


def lock_all_schedules(location: Location) -> list[Schedule]:
    """All schedules of the location, locked in the same order, for whoever sets it up.

    To be called first in the transaction: patients lock schedules, and then the location by referring to it.
    """
    return _locked(Schedule.objects.filter(location=location))


def _locked(schedules):
    return list(schedules.order_by("pk").select_for_update(of=["self"]))


def is_askable(choice: Choice, *, now: datetime) -> bool:
    """Whether a patient may ask for this time at `now`: after the notice and within the horizon."""
    earliest, latest_day = availability.limits(choice.visit_type, choice.location, now=now)
    return earliest <= choice.starts_at and choice.location.local(choice.starts_at).date() <= latest_day


def claim(
    request: AppointmentRequest,
    choice: Choice,
    schedules: Iterable[Schedule],
    *,
    status: str,
    now: datetime,
    held_until: datetime | None = None,
    among: Iterable[Schedule] | None = None,
) -> Appointment | None:
    """Take the time in one of the locked schedules, for the time that the request holds or anew.

    With `among` only one of these is taken; where none of them is free but another one is, the request
    holds nothing any more, and None comes back. Overdue holds in the way are let go. Raises TimeGone;
    the caller's transaction then leaves the old time as it was.
    """
    occupied = availability.occupied_by(choice.visit_type, choice.starts_at)
    appointment = request.appointments.select_for_update().filter(status__in=Appointment.OCCUPYING).first()
    if appointment:  # its own old time is not in its way
        Appointment.objects.filter(pk=appointment.pk).update(status=Appointment.Status.CANCELLED)
    else:
        appointment = Appointment(request=request)
    Appointment.objects.filter(
        schedule__in=schedules, status=Held, held_until__lte=now, occupied__overlap=occupied
    ).update(status=Appointment.Status.CANCELLED)
    schedule = choice.schedule or _schedule_for(choice, among=among, now=now)
    if schedule is None:
        return None
    appointment.schedule = schedule
    appointment.period = DateTimeTZRange(
        choice.starts_at, choice.starts_at + availability.minutes(choice.visit_type.minutes)
    )
    appointment.occupied = DateTimeTZRange(*occupied)
    appointment.status, appointment.held_until = status, held_until
    # The one that we choose ourselves was found free a moment ago, under its lock.
    if choice.schedule and _is_taken(choice.schedule, occupied):
        raise TimeGone
    appointment.save()
    return appointment


def confirm_hold(request: AppointmentRequest, choice: Choice) -> Appointment | None:
    """Book the time that the locked request holds, where that is the one chosen; else None."""
    mine = request.appointments.select_related("schedule").select_for_update(of=["self"])
    held = mine.filter(status=Held).first()
    if held is None or not is_the_same(held, choice):
        return None
    held.status, held.held_until = Appointment.Status.BOOKED, None
    held.save()
    return held


def is_the_same(appointment: Appointment, choice: Choice) -> bool:
    """Whether the appointment already is what was chosen: the time, its length, the place, the schedule."""
    occupied = (appointment.occupied.lower, appointment.occupied.upper)
    return (
        appointment.starts_at == choice.starts_at
        and occupied == availability.occupied_by(choice.visit_type, choice.starts_at)
        and appointment.schedule.location_id == choice.location.pk
        and choice.schedule in (None, appointment.schedule)
    )


def hold_on(request: AppointmentRequest, *, until: datetime, now: datetime) -> bool:
    """Hold the time of the locked request for longer; False where it holds none any more."""
    return bool(request.appointments.filter(status=Held, held_until__gt=now).update(held_until=until))


def let_go(request: AppointmentRequest) -> int:
    """Free the time that the locked request holds; how many times that were, 0 or 1."""
    return request.appointments.filter(status=Held).update(status=Appointment.Status.CANCELLED)


def _schedule_for(choice, *, among, now):
    """The free schedule with the fewest visits that day; of several, the first in order.

    Raises TimeGone where none is free. With `among` one of these, or None where none of them is.
    """
    place = choice.location
    free = availability.schedules_free_at(choice.visit_type, place, choice.starts_at, now=now)
    if not free:
        raise TimeGone
    if among is not None:
        free = [schedule for schedule in free if schedule in among]
    if len(free) < 2:
        return free[0] if free else None
    busy = availability.visits_on(place.local(choice.starts_at).date(), place, now=now)
    return min(free, key=lambda schedule: (busy[schedule.pk], schedule.position, schedule.pk))


def _is_taken(schedule, occupied):
    taken = Appointment.objects.filter(status__in=Appointment.OCCUPYING, occupied__overlap=occupied)
    return taken.filter(schedule=schedule).exists()

"""When the law wants a written estimate: 45 CFR 149.610(b)(1)(vi), the No Surprises Act.

It is for people without insurance and for those who do not use theirs for this visit.
"""

from datetime import date, datetime, time, timedelta

from bookings.availability import instant
from bookings.models import Appointment, AppointmentRequest, Closure, Estimate, Location

A_DAY = timedelta(days=1)
# A visit so many business days ahead, and how many business days the clinic has, longest first.
CLOCKS = [(10, 3), (3, 1)]


def draft(request: AppointmentRequest, visit: Appointment | None) -> Estimate:
    """The estimate of the request's visit as it would be given now, not saved.

    Its price is None where the visit type has none yet, its `starts_at` where there is no visit.
    """
    visit_type, location = request.visit_type, request.location
    return Estimate(
        request=request,
        starts_at=visit.starts_at if visit else None,
        visit=visit_type.name if visit_type else "",
        summary=visit_type.summary if visit_type else "",
        price=visit_type.price if visit_type else None,
        location=location,
        address=location.address,
    )


def given(request: AppointmentRequest, visit: Appointment) -> Estimate | None:
    """The last estimate that was given for this very visit: its kind, its time and its place."""
    wanted = (visit.starts_at, request.visit_type.name, request.location_id)
    fit = [one for one in request.estimates.all() if (one.starts_at, one.visit, one.location_id) == wanted]
    return fit[-1] if fit else None


def due_on(location: Location, starts_at: datetime, *, booked_at: datetime) -> date | None:
    """The last day, local, for the written estimate of a visit that was booked at `booked_at`.

    Booked 3 or more business days ahead: 1 business day after the booking; 10 or more: 3 business
    days. None for a visit that is sooner: then only who asks for an estimate must get one.
    """
    booked, visit = location.local(booked_at).date(), location.local(starts_at).date()
    holidays = list(
        Closure.objects.filter(
            location=location,
            schedule=None,
            reason=Closure.Reason.HOLIDAY,
            starts_at__lt=starts_at + 7 * A_DAY,
            ends_at__gt=booked_at,
        ).values_list("starts_at", "ends_at")
    )

    def is_business(day):
        """Monday to Friday, unless a holiday closes the location at noon."""
        noon = instant(day, time(12), location.zone)
        return day.weekday() < 5 and not any(start <= noon < end for start, end in holidays)

    days = [booked + A_DAY * number for number in range((visit - booked).days)]
    ahead = sum(is_business(day) for day in days)
    for least, given in CLOCKS:
        if ahead >= least:
            return _after(booked, given, is_business)
    return None


def _after(day, given, is_business):
    while given:
        day += A_DAY
        given -= is_business(day)
    return day

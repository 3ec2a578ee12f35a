"""Who pays for the visit, and the written estimate for those who pay by themselves."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import estimates
from bookings.lifecycle.transitions import Refused, Status, lock
from bookings.models import Appointment, AppointmentRequest, Estimate, Event


@transaction.atomic
def record_payment(
    request: AppointmentRequest, *, pays_self: bool, by: AbstractBaseUser, now: datetime
) -> AppointmentRequest:
    """Whether the patient pays without insurance; from a booked visit on, the estimate has its day.

    No status changes, so links and messages stay true.
    """
    locked = lock(request)
    locked.pays_self = pays_self
    set_estimate_day(locked, now=now)
    locked.save(update_fields=["pays_self", "estimate_due_on"])
    Event.objects.create(
        request=locked, verb="payment", from_status=locked.status, to_status=locked.status, by=by, at=now
    )
    return locked


def set_estimate_day(locked: AppointmentRequest, *, now: datetime) -> None:
    """Set (not save) the day by which the locked request's estimate is due, or none.

    The clock began when the visit was booked; for a visit that is just being booked that is `now`.
    """
    booked = locked.events.filter(to_status=Status.ACCEPTED).exclude(from_status=Status.ACCEPTED).last()
    visit = locked.appointment
    is_owed = locked.pays_self and visit and visit.status == Appointment.Status.BOOKED
    locked.estimate_due_on = (
        estimates.due_on(locked.location, visit.starts_at, booked_at=booked.at if booked else now)
        if is_owed
        else None
    )


@transaction.atomic
def give_estimate(request: AppointmentRequest, *, how: str, by: AbstractBaseUser, now: datetime) -> Estimate:
    """The written estimate went to the patient; `how` is one of Estimate.How. Raises Refused."""
    locked = lock(request)
    visit = locked.appointment
    if visit is None or visit.status != Appointment.Status.BOOKED:
        raise Refused("There is no booked visit to estimate.")
    if locked.visit_type.price is None:
        raise Refused(f"{locked.visit_type} has no price yet. A manager can add it.")
    Event.objects.create(
        request=locked, verb="estimate", from_status=locked.status, to_status=locked.status, by=by, at=now
    )
    return Estimate.objects.create(
        request=locked,
        starts_at=visit.starts_at,
        visit=locked.visit_type.name,
        price=locked.visit_type.price,
        how=how,
        by=by,
        at=now,
    )

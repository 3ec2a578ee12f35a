"""Who pays for the visit, and the written estimate for those who pay by themselves."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import estimates, messages
from bookings.lifecycle.transitions import Refused, lock, lock_as_it_is
from bookings.models import Appointment, AppointmentRequest, Estimate, Event, Message

Kind = Message.Kind
SCHEDULES = ("accept", "accept_offer", "reschedule")


@transaction.atomic
def record_payment(
    request: AppointmentRequest, *, pays_self: bool | None, by: AbstractBaseUser, now: datetime
) -> AppointmentRequest:
    """Whether the patient pays without insurance; None where that is not known yet.

    From a booked visit on, the estimate has its day. No status changes, so links and messages stay true.
    """
    locked = lock(request)
    locked.pays_self = pays_self
    set_estimate_day(locked, scheduled_at=_scheduled_at(locked) or now)
    locked.save(update_fields=["pays_self", "estimate_due_on"])
    _record(locked, verb="payment", by=by, now=now)
    return locked


def set_estimate_day(locked: AppointmentRequest, *, scheduled_at: datetime) -> None:
    """Set (not save) the day by which the locked request's estimate is due, or none.

    The clock began when the visit was given the time that it has, at `scheduled_at`.
    """
    locked.estimate_due_on = None
    visit = locked.appointment if locked.pays_self else None
    if visit and visit.status == Appointment.Status.BOOKED and not estimates.given(locked, visit):
        locked.estimate_due_on = estimates.due_on(locked.location, visit.starts_at, booked_at=scheduled_at)


@transaction.atomic
def give_estimate(request: AppointmentRequest, *, how: str, by: AbstractBaseUser, now: datetime) -> Estimate:
    """The patient gets the written estimate; `how` is one of Estimate.How.

    What it says is kept, so a later price does not change it. By email the patient is told that it
    stands on their page. Raises Refused.
    """
    locked = lock(request)
    visit = locked.appointment
    if visit is None or visit.status != Appointment.Status.BOOKED:
        raise Refused("There is no booked visit to estimate.")
    if locked.visit_type.price is None:
        raise Refused(f"{locked.visit_type} has no price yet. A manager can add it.")
    estimate = estimates.draft(locked, visit)
    estimate.how, estimate.by, estimate.at = how, by, now
    estimate.save()
    locked.estimate_due_on = None
    locked.save(update_fields=["estimate_due_on"])
    _record(locked, verb="estimate", by=by, now=now, reason=how)
    if how == Estimate.How.EMAIL:
        _send(locked, now=now)
    return estimate


def open_estimate(request: AppointmentRequest, *, now: datetime) -> None:
    """The patient opens the last estimate; the first time is kept."""
    with transaction.atomic():
        estimate = lock_as_it_is(request).estimates.last()
        if estimate and estimate.opened_at is None:
            estimate.opened_at = now
            estimate.save(update_fields=["opened_at"])


def _send(locked, *, now):
    if not locked.email:
        raise Refused("There is no email address. Give the estimate by hand or by post.")
    waiting = locked.messages.filter(kind=Kind.ESTIMATE, version=locked.version, status=Message.Status.QUEUED)
    if not waiting.exists():
        messages.send_again(locked, Kind.ESTIMATE, now=now)
        if waiting.exists():
            return
    raise Refused("An email about it is on its way, or has just left. Wait 10 minutes before the next one.")


def _scheduled_at(locked):
    """When the visit got the time that it has: a move to another room at that time is none."""
    last = None
    for event in locked.events.filter(verb__in=SCHEDULES):
        if last is None or event.starts_at != last.starts_at:
            last = event
    return last and last.at


def _record(locked, *, verb, by, now, reason=""):
    Event.objects.create(
        request=locked,
        verb=verb,
        from_status=locked.status,
        to_status=locked.status,
        reason=reason,
        by=by,
        at=now,
    )

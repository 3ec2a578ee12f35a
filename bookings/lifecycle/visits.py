"""The verbs of a booked appointment: moved, cancelled, and what came of it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import messages
from bookings.lifecycle import claims
from bookings.lifecycle.claims import Choice
from bookings.lifecycle.estimates import set_estimate_day
from bookings.lifecycle.transitions import Refused, already, lock, move_appointment, record, win_or_say_gone
from bookings.models import Appointment, AppointmentRequest, Message

NOSHOW_CAN_BE_UNDONE_FOR = timedelta(days=7)

Status, Kind = Appointment.Status, Message.Kind


def may_be_changed_until(appointment: Appointment) -> datetime:
    """Until when the patient can cancel or move the visit without phoning."""
    notice = timedelta(hours=appointment.request.visit_type.change_notice_hours)
    return appointment.starts_at - notice


def cancel(
    request: AppointmentRequest, *, now: datetime, by: AbstractBaseUser | None = None, reason: str = "patient"
) -> Appointment:
    """Cancel the booked visit, for one of Appointment.CancelReason; its time is free again.

    Raises Refused, for a patient (`by` is None) also after the notice.
    """
    with transaction.atomic():
        locked = lock(request)
        appointment = _booked(locked)
        _patient_is_in_time(locked, appointment, by=by, now=now)
        if appointment:
            appointment.cancel_reason, appointment.sequence = reason, appointment.sequence + 1
        move_appointment(locked, appointment, Status.CANCELLED, verb="cancel", by=by, now=now, reason=reason)
        messages.owe(locked, Kind.CANCELLED, now=now)
        return appointment


def reschedule(
    request: AppointmentRequest, choice: Choice, *, now: datetime, by: AbstractBaseUser | None = None
) -> Appointment:
    """Move the booked visit: the new time is claimed before the old one is let go, or nothing happens.

    The visit stays the same one for calendars: its UID is kept, SEQUENCE rises (RFC 5545 3.8.7.4).
    Raises TimeGone or Refused (also for the past, and for who has arrived; for a patient also after the
    notice).
    """

    def change():
        locked = lock(request)
        schedules = claims.lock_schedules(choice)
        appointment = _booked(locked)
        if appointment is None or appointment.status != Status.BOOKED:
            raise Refused(already(locked))
        _patient_is_in_time(locked, appointment, by=by, now=now)
        if choice.starts_at <= now or (by is None and not claims.is_askable(choice, now=now)):
            raise Refused("Choose a time that is still ahead and that we offer.")
        if claims.is_the_same(appointment, choice) and choice.visit_type == locked.visit_type:
            return appointment
        was = (appointment.starts_at, locked.visit_type, locked.location)
        freed = (appointment.schedule, appointment.occupied)
        moved = claims.claim(locked, choice, schedules, status=Status.BOOKED, now=now)
        moved.sequence += 1
        moved.save()
        locked.location, locked.visit_type = choice.location, choice.visit_type
        if was != (choice.starts_at, choice.visit_type, choice.location):
            set_estimate_day(locked, scheduled_at=now)
        record(
            locked,
            verb="reschedule",
            by=by,
            now=now,
            before=Status.BOOKED,
            after=Status.BOOKED,
            starts_at=moved.starts_at,
            reason=choice.reason,
            freed=freed,
        )
        messages.owe(locked, Kind.RESCHEDULED, now=now)
        messages.remind(moved, now=now)
        return moved

    return win_or_say_gone(change)


def arrive(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """The patient is here. Raises Refused, also before the day of the visit at its location."""
    return _mark(request, Status.ARRIVED, verb="arrive", by=by, now=now)


def fulfil(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """The visit took place. Raises Refused, also before it began."""
    return _mark(request, Status.FULFILLED, verb="fulfil", by=by, now=now, only_after_start=True)


def mark_noshow(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """The patient did not come. A person says so, never the clock. Raises Refused, also before the start."""
    return _mark(request, Status.NOSHOW, verb="noshow", by=by, now=now, only_after_start=True)


def undo_noshow(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """The patient had come after all. Raises Refused, also later than 7 days after the start, or TimeGone."""

    def undo():
        locked = lock(request)
        appointment = locked.appointments.select_for_update().filter(status=Status.NOSHOW).first()
        if appointment and now > appointment.starts_at + NOSHOW_CAN_BE_UNDONE_FOR:
            raise Refused("This is more than 7 days ago. Ask a manager.")
        return move_appointment(locked, appointment, Status.BOOKED, verb="undo_noshow", by=by, now=now)

    return win_or_say_gone(undo)


def enter_in_error(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """This visit should never have been written down; it stays on record as an error.

    A time that is only held is no visit yet: its request is declined or withdrawn. Raises Refused.
    """
    with transaction.atomic():
        locked = lock(request)
        return move_appointment(
            locked, locked.appointment, Status.ENTERED_IN_ERROR, verb="enter_in_error", by=by, now=now
        )


@transaction.atomic
def _mark(request, status, *, verb, by, now, only_after_start=False):
    locked = lock(request)
    appointment = _booked(locked)
    local = locked.location.local
    if appointment and (
        now < appointment.starts_at
        if only_after_start
        else local(now).date() < local(appointment.starts_at).date()
    ):
        raise Refused(f"This visit starts on {locked.location.time_in_words(appointment.starts_at)}.")
    return move_appointment(locked, appointment, status, verb=verb, by=by, now=now)


def _booked(locked):
    return locked.appointments.select_for_update().filter(status__in=[Status.BOOKED, Status.ARRIVED]).first()


def _patient_is_in_time(locked, appointment, *, by, now):
    if by is None and appointment and now > may_be_changed_until(appointment):
        raise Refused(f"It is too late to change this visit here. Please phone {locked.location.phone}.")

"""The verbs of booking. The only writer of the status of a request or an appointment.

Each verb is one transaction: lock (request, then schedules, then appointments), check the table of
transitions, write, record the event, owe the message.
"""

import secrets
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import Error, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bookings import availability, messages
from bookings.models import Appointment, AppointmentRequest, Event, Location, Message, Schedule, VisitType

REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0 O 1 I: it is read out on the phone
# Postgres says "no" to a race in four ways: exclusion and unique violation, deadlock, serialization
# failure. A unique one means the same submission a second time, which the second attempt then finds.
LOST_RACES = {"23P01", "23505", "40P01", "40001"}

Status = AppointmentRequest.Status


class Refused(Exception):
    """A verb that cannot be done now; the message is a sentence for the person who tried."""


class TimeGone(Refused):
    """The wanted time is not free (any more)."""

    def __init__(self):
        super().__init__("That time has just gone. Choose another one.")


def submit(
    *,
    submission: UUID,
    visit_type: VisitType,
    location: Location,
    starts_at: datetime,
    patient_name: str,
    contact_by: str,
    now: datetime,
    asked_by: str = "",
    email: str = "",
    phone: str = "",
    via: str = AppointmentRequest.Via.WEB,
    by: AbstractBaseUser | None = None,
) -> AppointmentRequest:
    """Take a request and hold the time `starts_at` (aware) for it until the clinic's answer is due.

    `submission` names the form: sending it again gives the same request. `by` is the member of
    staff who enters it, None for the patient. Raises TimeGone.
    """

    def claim():
        schedules = _lock_schedules(visit_type, location)
        if earlier := AppointmentRequest.objects.filter(submission=submission).first():
            return earlier
        earliest, latest_day = availability.limits(visit_type, location, now=now)
        if starts_at < earliest or location.local(starts_at).date() > latest_day:
            raise TimeGone
        request = AppointmentRequest.objects.create(
            reference=new_reference(),
            submission=submission,
            status=Status.PENDING,
            created_via=via,
            created_at=now,
            reply_until=availability.reply_until(location, starts_at, now=now),
            visit_type=visit_type,
            location=location,
            wanted_at=starts_at,
            patient_name=patient_name,
            asked_by=asked_by,
            email=email,
            phone=phone,
            contact_by=contact_by,
        )
        hold = _claimed(request, schedules, now=now)
        hold.held_until = request.reply_until
        hold.save()
        Event.objects.create(request=request, verb="submit", to_status=request.status, by=by, at=now)
        messages.owe(request, Message.Kind.RECEIVED, now=now)
        return request

    return _win_or_say_gone(claim)


def accept(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> Appointment:
    """Say yes: the held time becomes a booked appointment. Raises Refused (also for the past) or TimeGone.

    A hold that ran out meanwhile is claimed again where its time is still free.
    """

    def decide():
        locked = _lock(request)
        _move(locked, Status.ACCEPTED, verb="accept", by=by, now=now)
        if locked.wanted_at <= now:
            raise Refused(f"The time has passed: {locked.location.time_in_words(locked.wanted_at)}.")
        appointment = (
            locked.appointments.select_for_update().filter(status=Appointment.Status.PENDING).first()
        )
        if appointment is None:
            schedules = _lock_schedules(locked.visit_type, locked.location)
            appointment = _claimed(locked, schedules, now=now)
        appointment.status, appointment.held_until = Appointment.Status.BOOKED, None
        appointment.save()
        messages.owe(locked, Message.Kind.ACCEPTED, now=now)
        return appointment

    return _win_or_say_gone(decide)


@transaction.atomic
def decline(request: AppointmentRequest, *, by: AbstractBaseUser, reason: str, now: datetime) -> None:
    """Say no, with one of AppointmentRequest.DeclineReason, and free the time. Raises Refused."""
    locked = _lock(request)
    _move(locked, Status.DECLINED, verb="decline", by=by, now=now, reason=reason)
    locked.appointments.filter(status=Appointment.Status.PENDING).update(status=Appointment.Status.CANCELLED)
    messages.owe(locked, Message.Kind.DECLINED, now=now)


def new_reference() -> str:
    """Eight letters and digits that cannot be misheard, like K7QF-2M9D. They open nothing."""
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _win_or_say_gone(attempt):
    """Run `attempt` in a transaction; where it loses a race, once more; then say that the time is gone."""
    for last in (False, True):
        try:
            with transaction.atomic():
                return attempt()
        except Error as error:
            if getattr(error.__cause__, "sqlstate", None) not in LOST_RACES:
                raise
            if last:
                raise TimeGone from error


def _lock(request):
    return AppointmentRequest.objects.select_for_update().get(pk=request.pk)


def _move(request, status, *, verb, by, now, reason=""):
    """Check the transition, write it, and record who did it."""
    if status not in AppointmentRequest.NEXT[Status(request.status)]:
        raise Refused(_already(request))
    Event.objects.create(
        request=request, verb=verb, from_status=request.status, to_status=status, by=by, at=now
    )
    request.status, request.reason, request.version = status, reason, request.version + 1
    request.save(update_fields=["status", "reason", "version"])


def _already(request):
    last = request.events.select_related("by").last()
    who = last.by.get_username() if last.by else "the patient"
    when = request.location.time_in_words(last.at)
    return f"This request is already {request.get_status_display()}: {who}, {when}."


def _lock_schedules(visit_type, location):
    return list(
        Schedule.objects.filter(visit_types=visit_type, location=location)
        .order_by("pk")
        .select_for_update(of=["self"])
    )


def _claimed(request, schedules, *, now):
    """A time for the request in one of the locked schedules, not yet saved. Raises TimeGone."""
    visit_type, location, starts_at = request.visit_type, request.location, request.wanted_at
    occupied = availability.occupied_by(visit_type, starts_at)
    Appointment.objects.filter(
        schedule__in=schedules,
        status=Appointment.Status.PENDING,
        held_until__lte=now,
        occupied__overlap=occupied,
    ).update(status=Appointment.Status.CANCELLED)
    return Appointment(
        request=request,
        schedule=_schedule_for(visit_type, location, starts_at, now=now),
        period=DateTimeTZRange(starts_at, starts_at + availability.minutes(visit_type.minutes)),
        occupied=DateTimeTZRange(*occupied),
        status=Appointment.Status.PENDING,
    )


def _schedule_for(visit_type, location, starts_at, *, now):
    """The free schedule with the fewest visits that day; of several, the first in order."""
    free = availability.schedules_free_at(visit_type, location, starts_at, now=now)
    if not free:
        raise TimeGone
    busy = availability.visits_on(location.local(starts_at).date(), location)
    return min(free, key=lambda schedule: (busy[schedule.pk], schedule.position, schedule.pk))

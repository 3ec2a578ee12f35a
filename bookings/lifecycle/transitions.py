"""What all verbs share: one transaction, one order of locks, one way to change a status.

The order is always: request, then schedules by primary key, then appointments.
"""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import Error, OperationalError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bookings import availability
from bookings.models import Appointment, AppointmentRequest, Event, Schedule

# Postgres says "no" to a race in four ways: exclusion and unique violation, deadlock, serialization
# failure. A unique one means the same submission a second time, which the second attempt then finds.
LOST_RACES = {"23P01", "23505", "40P01", "40001"}
# And in two to whoever would have to wait for others: a lock that was not had in time, a deadlock.
BUSY = {"55P03", "40P01"}
UNVERIFIED_FOR = timedelta(days=7)
# The promise is `reply_until`; a request that nobody answered by then still waits for so long.
ANSWERED_LATE_FOR = timedelta(days=7)

Status = AppointmentRequest.Status


class Refused(Exception):
    """A verb that cannot be done now; the message is a sentence for the person who tried."""


class TimeGone(Refused):
    """The wanted time is not free (any more)."""

    def __init__(self):
        super().__init__("That time was just taken. Choose another one.")


class Busy(Refused):
    """Somebody else is changing the same at this moment; in the next one it can be done again."""

    def __init__(self):
        super().__init__("Somebody else is changing this right now. Nothing was saved; send it again.")


@contextmanager
def unless_busy():
    """A transaction for what somebody typed. Raises Busy where others are in its way: nothing is saved."""
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in BUSY:
            raise
        raise Busy from error


def win_or_say_gone(attempt: Callable):
    """Run `attempt` in a transaction; where it loses a race, once more; then raise TimeGone."""
    for last in (False, True):
        try:
            with transaction.atomic():
                return attempt()
        except Error as error:
            if getattr(error.__cause__, "sqlstate", None) not in LOST_RACES:
                raise
            if last:
                raise TimeGone from error


def lock(request: AppointmentRequest) -> AppointmentRequest:
    """The request, locked until the transaction ends.

    Raises Refused where it is no longer the version that was looked at: nobody decides about, or
    overwrites, what they have not seen.
    """
    locked = lock_as_it_is(request)
    if locked.version != request.version:
        visit = locked.appointments.order_by("pk").last()
        is_over = visit is not None and visit.status not in Appointment.OCCUPYING
        raise Refused(already(locked) if is_over or locked.status != request.status else _changed(locked))
    return locked


def lock_as_it_is(request: AppointmentRequest) -> AppointmentRequest:
    """The request as it is now, whatever was looked at, locked until the transaction ends.

    Raises Refused where it was erased: nothing is added to it any more.
    """
    # Not joined with its place: a row that waited for its lock is compared with the place it had before
    # (PostgreSQL 13.2.1), and one that was booked elsewhere meanwhile would not be found.
    locked = AppointmentRequest.objects.select_for_update().get(pk=request.pk)
    if locked.erased_at:
        day = locked.location.day_in_words(locked.erased_at)
        raise Refused(f"This request was erased on {day}. Nothing can be added to it.")
    return locked


def move(
    request: AppointmentRequest,
    status: str,
    *,
    verb: str,
    by: AbstractBaseUser | None,
    now: datetime,
    reason: str = "",
    override: str = "",
    starts_at: datetime | None = None,
) -> None:
    """Give the locked request its next status and record who did it. Raises Refused.

    Whatever becomes `pending` waits for the clinic anew, with a new promise of when it answers.
    `reason` is for a refusal; `override` says why a rule was set aside.
    """
    if status not in AppointmentRequest.NEXT[Status(request.status)]:
        raise Refused(already(request))
    before, request.status, request.reason = request.status, status, reason
    if status == Status.PENDING:
        wanted_at = request.wanted_at if request.wanted_at and request.wanted_at > now else None
        request.reply_until = availability.reply_until(request.location, wanted_at, now=now)
    if status not in AppointmentRequest.OPEN:
        request.network = ""  # it holds nothing for a stranger any more
    request.expires_at = expiry(request, now=now)
    record(
        request,
        verb=verb,
        by=by,
        now=now,
        before=before,
        after=status,
        starts_at=starts_at,
        reason=reason or override,
    )


def expiry(request: AppointmentRequest, *, now: datetime) -> datetime | None:
    """When the request ends by itself in the status it has: None for one that is decided.

    One for an exact time ends with that time, unless another one was offered.
    """
    if request.status not in AppointmentRequest.OPEN:
        return None
    if request.status == Status.UNVERIFIED:
        ends = now + UNVERIFIED_FOR
    elif request.status == Status.WAITLISTED:
        return now + timedelta(days=request.visit_type.horizon_days)
    else:
        ends = max(request.reply_until, now) + ANSWERED_LATE_FOR
    still_ahead = request.wanted_at and request.wanted_at > now and request.status != Status.OFFERED
    return min(ends, request.wanted_at) if still_ahead else ends


def record(
    request: AppointmentRequest,
    *,
    verb: str,
    by: AbstractBaseUser | None,
    now: datetime,
    before: str,
    after: str,
    starts_at: datetime | None = None,
    reason: str = "",
    freed: tuple[Schedule, DateTimeTZRange] | tuple[None, None] = (None, None),
    is_new_version: bool = True,
) -> None:
    """Save the locked request under its next version, with the event that says what was done.

    Links and messages speak of one version, so those from before are no longer true. `freed` is what
    the visit occupied before and where, if it was moved.
    """
    request.version += is_new_version
    request.save()
    Event.objects.create(
        request=request,
        verb=verb,
        from_status=before,
        to_status=after,
        by=by,
        at=now,
        starts_at=starts_at,
        reason=reason,
        freed_in=freed[0],
        freed=freed[1],
    )


def move_appointment(
    request: AppointmentRequest,
    appointment: Appointment | None,
    status: str,
    *,
    verb: str,
    by: AbstractBaseUser | None,
    now: datetime,
    reason: str = "",
) -> Appointment:
    """Give the appointment of the locked request its next status. Raises Refused."""
    if appointment is None or status not in Appointment.NEXT[Appointment.Status(appointment.status)]:
        raise Refused(already(request))
    before, appointment.status = appointment.status, status
    appointment.held_until = None
    appointment.save()
    record(
        request,
        verb=verb,
        by=by,
        now=now,
        before=before,
        after=status,
        starts_at=appointment.starts_at,
        reason=reason,
    )
    return appointment


def _changed(request):
    last = _last_change(request)
    when = request.location.time_in_words(last.at)
    return f"This request has changed since you looked at it: {last.who}, {when}. Look at it again."


@contextmanager
def unchanged_since(request: AppointmentRequest, version: int):
    """A transaction for what somebody decided who saw this version of the request.

    Raises Refused, saying who was first and when, where the request has changed since; and Busy.
    """
    with unless_busy():
        request.version = version
        lock(request)
        yield


def already(request: AppointmentRequest) -> str:
    """A sentence for whoever comes second: what the request is now, by whom, since when."""
    last = _last_change(request)
    when = request.location.time_in_words(last.at)
    appointment = request.appointments.order_by("pk").last()
    if request.status in AppointmentRequest.OPEN:
        state = f"stands at “{request.get_status_display()}”"
        return f"That is not possible now. This request {state}: {last.who}, {when}."
    if request.status == Status.ACCEPTED and appointment.status != Appointment.Status.BOOKED:
        return f"This visit is already marked “{appointment.get_status_display()}”: {last.who}, {when}."
    return f"This request is already {request.get_status_display()}: {last.who}, {when}."


def _last_change(request):
    """A phone call changes nothing."""
    return request.events.select_related("by").exclude(verb="phone").last()

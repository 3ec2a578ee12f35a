"""Forgetting who a patient is. What is counted stays: states, times, places, kinds of visit, events.

A backup still holds what was erased since it was made. Before one that was restored goes live, erase
again: run the worker's `purge` once for what was due by itself, and for what was erased sooner, take
the references from the log (each erasure leaves a line of it) and erase these requests in the admin.
So keep the log apart from the database for as long as the oldest backup, and backups for no longer
than the privacy page says.
"""

import logging
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import messages, retention
from bookings.lifecycle.transitions import Refused, lock, record
from bookings.models import Appointment, AppointmentRequest
from bookings.models.booking import ERASED

log = logging.getLogger("clinic.erasure")


def may_be_erased(request: AppointmentRequest, *, now: datetime) -> bool:
    """Whether nothing is left to do for the patient: the request has ended, its visit is over."""
    return not (request.erased_at or _why_not(request, now=now))


@transaction.atomic
def erase(request: AppointmentRequest, *, by: AbstractBaseUser | None, now: datetime) -> AppointmentRequest:
    """Forget who asked and all that was written about them; `by` is None for the clock.

    Name, addresses, needs, notes and the days that would suit are gone. The reference, the times and
    what was done remain, with an event that says who erased it and when. The patient's links die and
    no message is owed. Raises Refused for a request that is open and for a visit that is not over.
    """
    locked = lock(request)
    if why := _why_not(locked, now=now):
        raise Refused(why)
    return _erase(locked, by=by, now=now)


def purge(*, now: datetime) -> int:
    """Erase what has been kept for long enough; returns how many requests that were.

    One transaction for each, so that one that fails leaves the others alone. Of two workers the
    second finds nothing left to do.
    """
    done = 0
    for pk in retention.due(now=now).values_list("pk", flat=True):
        try:
            done += _erase_as_due(pk, now=now)
        except Exception as error:  # its own words may hold the whole row
            log.error("the purge could not erase request %s: %s", pk, type(error).__name__)
    if done:
        log.info("the purge erased %s requests", done)
    return done


@transaction.atomic
def _erase_as_due(pk, *, now):
    locked = AppointmentRequest.objects.select_for_update().filter(pk=pk, erased_at=None).first()
    if locked is None or _why_not(locked, now=now):
        return False
    _erase(locked, by=None, now=now)
    return True


def _erase(locked, *, by, now):
    for field, empty in ERASED.items():
        setattr(locked, field, empty)
    locked.erased_at = now
    record(locked, verb="erase", by=by, now=now, before=locked.status, after=locked.status)
    locked.notes.all().delete()
    locked.periods.all().delete()
    messages.forget(locked)
    transaction.on_commit(lambda: log.info("erased %s", locked.reference))
    return locked


def _why_not(request, *, now):
    if request.status in AppointmentRequest.OPEN:
        return "This request is still open. Decline or withdraw it first."
    visit = request.appointment
    if visit and visit.status in Appointment.OCCUPYING and visit.ends_at > now:
        return "The visit is not over yet. Cancel it first."
    return ""

"""What the clock does: holds, offers and requests that have run out."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from bookings import messages
from bookings.lifecycle import claims
from bookings.lifecycle.requests import end_offer
from bookings.lifecycle.transitions import Status, lock, move
from bookings.models import Appointment, AppointmentRequest, Message

log = logging.getLogger("clinic.sweep")


def sweep(*, now: datetime) -> int:
    """End what has run out by `now`; returns how many requests that were.

    One transaction for each, so that one that fails leaves the others alone.
    """
    overdue_holds = Appointment.objects.filter(status=Appointment.Status.PENDING, held_until__lte=now)
    done = _each(overdue_holds.values_list("request_id", flat=True), end_hold, now=now)
    expired = AppointmentRequest.objects.filter(expires_at__lte=now)
    return done + _each(expired.values_list("pk", flat=True), expire, now=now)


def end_hold(locked: AppointmentRequest, *, now: datetime) -> bool:
    """Let the overdue hold of the locked request go; an offer ends with it. False where there is none."""
    if not locked.appointments.filter(status=Appointment.Status.PENDING, held_until__lte=now).exists():
        return False
    if locked.status == Status.OFFERED:
        end_offer(locked, verb="lapse", now=now)
    else:
        claims.let_go(locked)
    return True


def expire(locked: AppointmentRequest, *, now: datetime) -> bool:
    """End the locked request that nobody answered, and tell the patient. False where it has not run out."""
    if locked.expires_at is None or locked.expires_at > now:
        return False
    was_waiting_for_us = locked.status in (Status.PENDING, Status.WAITLISTED)
    if locked.status == Status.OFFERED:
        end_offer(locked, verb="lapse", now=now)
        return True
    move(locked, Status.EXPIRED, verb="expire", by=None, now=now)
    claims.let_go(locked)
    if was_waiting_for_us:
        messages.owe(locked, Message.Kind.EXPIRED, now=now)
    return True


def _each(keys: list[int], act: Callable, *, now: datetime) -> int:
    done = 0
    for pk in list(keys):
        try:
            with transaction.atomic():
                done += act(lock(AppointmentRequest(pk=pk)), now=now)
        except Exception:  # the next one must still be looked at
            log.exception("the sweep could not end request %s", pk)
    return done

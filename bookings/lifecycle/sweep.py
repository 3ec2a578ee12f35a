"""What the clock does: holds, offers and requests that have run out."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from bookings import messages
from bookings.lifecycle import claims
from bookings.lifecycle.requests import end_offer
from bookings.lifecycle.transitions import Status, lock_as_it_is, move
from bookings.models import Appointment, AppointmentRequest, Message

HELD = Appointment.Status.PENDING

log = logging.getLogger("clinic.sweep")


def sweep(*, now: datetime) -> int:
    """End what has run out by `now`; returns how many requests that were.

    One transaction for each, so that one that fails leaves the others alone.
    """
    overdue_holds = Appointment.objects.filter(status=HELD, held_until__lte=now).values_list("request_id")
    # A newcomer may have taken an overdue hold before the sweep came.
    bare_offers = AppointmentRequest.objects.filter(status=Status.OFFERED).exclude(appointments__status=HELD)
    done = _each({*overdue_holds, *bare_offers.values_list("pk")}, end_hold, now=now)
    expired = AppointmentRequest.objects.filter(expires_at__lte=now)
    return done + _each(expired.values_list("pk"), expire, now=now)


def end_hold(locked: AppointmentRequest, *, now: datetime) -> bool:
    """Let the overdue hold of the locked request go; an offer ends with it. False where none is overdue."""
    if locked.appointments.filter(status=HELD, held_until__gt=now).exists():
        return False
    if locked.status == Status.OFFERED:
        end_offer(locked, verb="lapse", now=now)
        return True
    return bool(claims.let_go(locked))


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


def _each(keys: Iterable[tuple[int]], act: Callable, *, now: datetime) -> int:
    done = 0
    for (pk,) in sorted(keys):
        try:
            with transaction.atomic():
                done += act(lock_as_it_is(AppointmentRequest(pk=pk)), now=now)
        except Exception:  # the next one must still be looked at
            log.exception("the sweep could not end request %s", pk)
    return done

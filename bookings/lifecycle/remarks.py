"""What staff write down beside a request. It changes no status, so links and messages stay true."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings.lifecycle.transitions import Refused, lock_as_it_is
from bookings.models import AppointmentRequest, Event, Note


@transaction.atomic
def note(request: AppointmentRequest, text: str, *, by: AbstractBaseUser, now: datetime) -> Note:
    """Keep what a member of staff wants others to know. Raises Refused for no words at all."""
    if not text.strip():
        raise Refused("Write the note first.")
    return Note.objects.create(request=lock_as_it_is(request), text=text.strip(), by=by, at=now)


@transaction.atomic
def mark_phoned(
    request: AppointmentRequest, *, outcome: str, by: AbstractBaseUser, now: datetime, text: str = ""
) -> Event:
    """Somebody called the patient; `outcome` is one of Event.Call. `text` is kept as a note."""
    locked = lock_as_it_is(request)
    if text.strip():
        note(locked, text, by=by, now=now)
    return Event.objects.create(
        request=locked,
        verb="phone",
        from_status=locked.status,
        to_status=locked.status,
        by=by,
        at=now,
        reason=Event.Call(outcome),
    )

"""How the patient is reached, corrected."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import messages, shield
from bookings.lifecycle.transitions import Refused, Status, lock, move, record
from bookings.models import Appointment, AppointmentRequest, Message

# Each correction by a patient may send an email to an address that nobody has confirmed.
MOST_CORRECTIONS = 5

Kind = Message.Kind


@transaction.atomic
def correct_contact(
    request: AppointmentRequest,
    *,
    email: str,
    phone: str,
    contact_by: str,
    now: datetime,
    by: AbstractBaseUser | None = None,
) -> AppointmentRequest:
    """Another address or number.

    Where the address changes, links sent so far show nothing any more, what is still owed goes to the new
    one, and the way in is sent there anew, unless the request is suspect. A booked visit that had no address
    gets the reminders that are still ahead. Who takes an unconfirmed address back, and leaves a number,
    waits for the clinic at once, as who gave a number alone. Until an address is confirmed, the person
    who asked stays the one whose holds are counted. Raises Refused for a request that has ended.
    """
    locked = lock(request)
    if locked.status not in (*AppointmentRequest.OPEN, Status.ACCEPTED):
        raise Refused("This request has ended. Please ask anew.")
    if by is None and not may_correct_contact(locked):
        raise Refused(f"These details were changed many times. Please phone {locked.location.phone}.")
    is_new_address = email != locked.email
    if is_new_address:
        locked.address_since = locked.version + 1
    locked.email, locked.phone, locked.contact_by = email, phone, contact_by
    if locked.verified_at:
        locked.person = shield.person(email, phone)
    if locked.status == Status.UNVERIFIED and not (email or locked.is_suspect):
        move(locked, Status.PENDING, verb="correct_contact", by=by, now=now)
        messages.tell_staff(locked, now=now, is_news=by is None)
    else:
        record(
            locked,
            verb="correct_contact",
            by=by,
            now=now,
            before=locked.status,
            after=locked.status,
            is_new_version=is_new_address,
        )
    if is_new_address:
        messages.readdress(locked, now=now)
        _remind(locked, now=now)
    if is_new_address and not locked.is_suspect:
        messages.owe(locked, Kind.VERIFY if locked.status == Status.UNVERIFIED else Kind.LINK, now=now)
    return locked


def _remind(locked, *, now):
    """Who had no address when the visit was booked was owed nothing."""
    visit = locked.appointment
    is_owed = locked.messages.filter(version=locked.version, kind__in=messages.REMINDERS).exists()
    if visit and visit.status == Appointment.Status.BOOKED and not is_owed:
        messages.remind(visit, now=now)


def may_correct_contact(request: AppointmentRequest) -> bool:
    """Whether the patient has not corrected the address or number too often."""
    return request.events.filter(verb="correct_contact", by=None).count() < MOST_CORRECTIONS

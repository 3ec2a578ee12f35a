"""The trail of reads: who saw which patients' records, and when."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from bookings.models import AppointmentRequest, Viewing

Kind = Viewing.Kind


def viewed(by: AbstractBaseUser, shown: Iterable[AppointmentRequest], *, kind: str, now: datetime) -> Viewing:
    """Record that `by` is about to see these requests; `kind` is a Viewing.Kind, `now` is aware.

    To be called before the page is answered: where the row cannot be written, what is raised here
    ends the page, and nobody sees anything. What was searched for is not kept.
    """
    return Viewing.objects.create(by=by, kind=kind, requests=[request.pk for request in shown], at=now)

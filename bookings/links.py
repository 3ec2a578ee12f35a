"""Signed links: the patient's key to one request. They say nothing themselves.

With the version that they name they stop acting; from then on they only show how the request stands, and
where they went to another mailbox than the request has now, nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from bookings.models import AppointmentRequest

LASTS = timedelta(days=90)


class DeadLink(Exception):
    """A link that opens nothing: broken, forged, for something else, or too old."""


@dataclass(frozen=True)
class Link:
    """A link that was ours: the request it is for, and the version of the request that it speaks of."""

    request: AppointmentRequest
    version: int

    @property
    def is_current(self) -> bool:
        """Whether nothing was changed since; with an old link nobody changes anything any more."""
        return self.version == self.request.version

    @property
    def is_to_this_address(self) -> bool:
        """Whether it was made when the request had the address that it has now."""
        return self.version >= self.request.address_since


def url(request: AppointmentRequest, purpose: str, *, now: datetime) -> str:
    """The whole address; the purpose is the name of its page: `confirm_request` or `manage_request`."""
    return settings.SITE_URL + reverse(purpose, args=[token(request, purpose, now=now)])


def token(request: AppointmentRequest, purpose: str, *, now: datetime) -> str:
    """What stands in the address: the key and version of the request and the time, signed."""
    return _signer(purpose).sign_object([request.pk, request.version, int(now.timestamp())])


def read(text: str, purpose: str, *, now: datetime) -> Link:
    """The request that a link opens. Raises DeadLink, which says nothing about whether there is one."""
    try:
        pk, version, issued = _signer(purpose).unsign_object(text)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise DeadLink from error
    if now > datetime.fromtimestamp(issued, UTC) + LASTS:
        raise DeadLink
    requests = AppointmentRequest.objects.filter(erased_at=None).select_related("location", "visit_type")
    request = requests.filter(pk=pk).first()
    if request is None:
        raise DeadLink
    return Link(request, version)


def _signer(purpose):
    return signing.Signer(salt=f"bookings.links.{purpose}")

"""Tries at a password or a code: counted exactly across processes, and written down.

Counted before they are checked and given back where they were right, so that of many at once no more
than the cap reach the check. What is typed is nowhere kept.
"""

import ipaddress
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse

from bookings import shield
from bookings.models import AccountEvent
from bookings.shield import Cap

Kind = AccountEvent.Kind

# One name from one address: who mistypes five times may try again after a coffee.
A_PAIR = Cap(5, timedelta(minutes=15))
# A clinic behind one address has wrong tries of twenty people in an hour; those of strangers in its
# waiting room fill the cap, and people on a device they have used before still get in.
AN_ADDRESS = Cap(50, timedelta(hours=1))
# One name from everywhere.
A_NAME = Cap(20, timedelta(hours=1))
# Six digits, three of which are right at a time: 20 a day are one chance in 16,000.
A_CODE = [Cap(5, timedelta(minutes=15)), Cap(20, timedelta(days=1))]
# Links for a new password, asked for from one address.
RESETS = Cap(10, timedelta(hours=1))

KNOWN = "known-device" if settings.DEMO else "__Host-known-device"
KNOWN_FOR = timedelta(days=90)
LOCKED = "Too many wrong tries. Wait 15 minutes, then try again."


def record(kind: str, user: AbstractBaseUser | None, *, now: datetime, by: AbstractBaseUser | None = None):
    """Add a row to the trail of accounts; `kind` is an AccountEvent.Kind, `now` is aware."""
    AccountEvent.objects.create(kind=kind, user=user, by=by, at=now)


class Try:
    """One try at something of `user`, counted under (key, cap) pairs; narrowest first.

    `is_allowed` is False where one of them is full: then it counts in none, and must not be checked.
    """

    def __init__(self, user: AbstractBaseUser | None, counted: list[tuple[str, Cap]], *, now: datetime):
        self.user, self.now, self.taken, self.is_allowed = user, now, [], True
        for key, cap in counted:
            if not shield.count(key, *cap, now=now):
                self.is_allowed = False
                self.forgive()
                if shield.count(f"{key}, said", 1, cap.window, now=now):
                    record(Kind.LOCKED, user, now=now)
                return
            self.taken.append(key)

    def forgive(self) -> None:
        """It was right, or was never made: it counts no more."""
        for key in self.taken:
            shield.give_back(key, now=self.now)
        self.taken = []


def at_the_password(request: HttpRequest, name: str, *, now: datetime) -> Try:
    """A try to sign in as `name`, whether somebody has this name or not.

    A device on which that person has signed in before is counted by itself: no stranger can lock its
    owner out (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
    """
    user = get_user_model().objects.filter(username=name).first()
    if device := _known(request, user):
        return Try(user, [(f"device {device}", A_PAIR)], now=now)
    place = _address(request)
    counted = [(f"sign-in of {name} at {place}", A_PAIR), (f"sign-in of {name}", A_NAME)]
    if place:
        counted.insert(1, (f"sign-in at {place}", AN_ADDRESS))
    return Try(user, counted, now=now)


def at_a_code(user: AbstractBaseUser, *, now: datetime) -> Try:
    """A try at the second factor of somebody whose password was right."""
    return Try(user, [(f"code of {user.pk} in {cap.window}", cap) for cap in A_CODE], now=now)


def at_own_password(user: AbstractBaseUser, *, now: datetime) -> Try:
    """A try at the password by somebody who is signed in."""
    return Try(user, [(f"password of {user.pk}", A_PAIR)], now=now)


def may_ask_for_a_link(request: HttpRequest, email: str, *, now: datetime) -> bool:
    """Count a wish for a new password; False where this place or this mailbox has had its share."""
    place = _address(request)
    return (not place or shield.count(f"reset at {place}", *RESETS, now=now)) and shield.may_write_to(
        email, now=now
    )


def know(response: HttpResponse, user: AbstractBaseUser) -> None:
    """Remember that this person has signed in with both factors on this device."""
    response.set_cookie(
        KNOWN,
        signing.dumps([user.pk, secrets.token_urlsafe(8)], salt=KNOWN),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request, user):
    try:
        owner, device = signing.loads(request.COOKIES.get(KNOWN, ""), salt=KNOWN, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError):
        return None
    return device if user and owner == user.pk else None


def _address(request):
    """An IPv4 address or the /64 of an IPv6 one; None where we cannot tell senders apart."""
    address = shield.client_address(request.META)
    if address is None:
        return None
    return ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False)

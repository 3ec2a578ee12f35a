"""Where staff are signed in, and for how long.

A session ends after 15 idle minutes and after 12 hours in all: 45 CFR 164.312(a)(2)(iii) asks that it
ends, the figures are ours.
"""

import re
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from bookings.models import StaffSession

IDLE, AT_MOST = timedelta(minutes=settings.STAFF_IDLE_MINUTES), timedelta(hours=12)
# In the session: the key of its row, and whether this person has a second factor (for the demo).
ROW, HAS_APP = "staff_session", "has_app"

# What a User-Agent says, the more particular words first (the others' words stand in it as well).
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox|FxiOS": "Firefox", "Chrome|CriOS": "Chrome"}
BROWSERS["Safari"] = "Safari"
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "CrOS": "Chromebook"}
SYSTEMS |= {"Windows": "Windows", "Mac OS": "Mac", "Linux": "Linux"}


def in_words(user_agent: str) -> str:
    """A browser as people know it, like “Firefox on Windows”; never more than that is kept."""
    browser, system = (
        next((name for sign, name in names.items() if re.search(sign, user_agent)), other)
        for names, other in ((BROWSERS, "A browser"), (SYSTEMS, "a device we do not know"))
    )
    return f"{browser} on {system}"


def open_sessions(user: AbstractBaseUser, *, now: datetime) -> QuerySet[StaffSession]:
    """Where this person is signed in at the instant `now`."""
    return StaffSession.objects.filter(user_id=user.pk, used_at__gt=now - IDLE, began_at__gt=now - AT_MOST)


@receiver(user_logged_in)
def just_signed_in(request, user, **kwargs):
    begin(request, user, now=timezone.now())


def begin(request: HttpRequest, user: AbstractBaseUser, *, now: datetime) -> None:
    """Count this session's time from now on; rows of the same person that have ended are removed."""
    StaffSession.objects.filter(user=user).exclude(pk__in=open_sessions(user, now=now)).delete()
    device = in_words(request.headers.get("User-Agent", ""))
    row = StaffSession.objects.create(user=user, device=device, began_at=now, used_at=now)
    request.session[ROW] = row.pk
    request.session[HAS_APP] = has_app(user)


def goes_on(request: HttpRequest, user: AbstractBaseUser, *, now: datetime) -> bool:
    """Use the session at the instant `now`; False, and its end, where it has ended."""
    if open_sessions(user, now=now).filter(pk=request.session.get(ROW)).update(used_at=now):
        return True
    request.session.flush()
    return False


def end(user: AbstractBaseUser, *, but: int | None = None, only: int | None = None) -> int:
    """End the sessions of this person, all but one or only one of them; returns how many."""
    rows = StaffSession.objects.filter(user=user).exclude(pk=but)
    return (rows.filter(pk=only) if only else rows).delete()[0]


def forget(*, now: datetime) -> int:
    """Delete the rows of sessions that are over at the instant `now`; returns how many."""
    is_over = Q(used_at__lte=now - IDLE) | Q(began_at__lte=now - AT_MOST)
    return StaffSession.objects.filter(is_over).delete()[0]


def has_app(user: AbstractBaseUser) -> bool:
    """Whether this person has an authenticator app in use."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists()

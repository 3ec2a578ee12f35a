"""Tries at a password or a code: counted exactly across processes, and written down.

Counted before they are checked and given back where they were right, so that of many at once no more
than the cap reach the check. What is typed is nowhere kept.

No cap is shared by all addresses, except for codes, which nobody is asked for without the password. A
cap for one name from everywhere is a lockout that any stranger can cause (OWASP, Slow Down Online
Guessing Attacks with Device Cookies). So a stranger's tries use up the stranger's own address, and
whoever owns the account gets in from every other one. What that costs: a bot with 1,000 addresses has
10,000 guesses a day at one name, while a password has 15 characters, is not a common one, and opens
nothing without the second factor. The owner and the managers hear of it the same day: see note().
"""

import ipaddress
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice
from procrastinate.contrib.django import app

from bookings import shield
from bookings.models import AccountEvent
from bookings.shield import Cap

Kind = AccountEvent.Kind
A_DAY = timedelta(days=1)

# Somebody who mistypes five times may try again after a coffee. Ten in a day are a guess, not a slip.
A_FEW = [Cap(5, timedelta(minutes=15)), Cap(10, A_DAY)]
# A clinic behind one address has wrong tries of twenty people in an hour. It also bounds how many rows and
# how much hashing one address can cause.
AN_ADDRESS = Cap(50, timedelta(hours=1))
# One name from a /48 of IPv6, which one customer of a hosting company has: 65,536 addresses of ours.
# All names from there: each of its addresses would otherwise leave counts of fifty names in an hour.
A_SITE, A_SITE_FOR_ALL_NAMES = Cap(100, A_DAY), Cap(500, timedelta(hours=1))
# Six digits, three of which are right at a time: 20 a day are one chance in 16,000.
A_CODE = [Cap(5, timedelta(minutes=15)), Cap(20, A_DAY)]
# Links for a new password, asked for from one address, or from wherever senders cannot be told apart.
RESETS, RESETS_FROM_SOMEWHERE = Cap(10, timedelta(hours=1)), Cap(100, timedelta(hours=1))
# One link for as long as a link lives: where another one is refused, the last one in the mailbox still opens.
RESETS_TO_SOMEBODY = Cap(1, timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT))
# Wrong tries that are written down for one account and, together, for names that nobody has. These rows
# stay for six years, and strangers cause them. One more than this is a person in trouble or an attack.
NOTED = [Cap(20, timedelta(hours=1)), Cap(60, A_DAY)]

KNOWN = "known-device" if settings.DEMO else "__Host-known-device"
KNOWN_FOR = timedelta(days=90)
WAITS = {timedelta(minutes=15): "15 minutes", timedelta(hours=1): "an hour", A_DAY: "a day"}
LONGEST_PASSWORD = 1000  # characters; a longer one is refused before it is hashed
RECOVERY_CODE = 16  # characters of 32 different ones: 80 bits, which nobody guesses


def record(kind: str, user: AbstractBaseUser | None, *, now: datetime, by: AbstractBaseUser | None = None):
    """Add a row to the trail of accounts; `kind` is an AccountEvent.Kind, `now` is aware."""
    AccountEvent.objects.create(kind=kind, user=user, by=by, at=now)


def note(kind: str, user: AbstractBaseUser | None, *, now: datetime) -> None:
    """Record what a stranger can cause, up to a cap; above it the owner is warned in its place.

    `user` is None for a name that nobody has: that costs the same work.
    """
    who = user.pk if user else "nobody"
    if all(shield.count(f"noted of {who} in {cap.window}", *cap, now=now) for cap in NOTED):
        record(kind, user, now=now)
    else:
        warn(user, "password", now=now)


def warn(user: AbstractBaseUser | None, of: str, *, now: datetime) -> None:
    """Record that somebody is guessing, and email the owner: once a day for the “password” or the “code”."""
    if not shield.count(f"guesses at the {of} of {user.pk if user else 'nobody'}", 1, A_DAY, now=now):
        return
    record(Kind.GUESSING, user, now=now)
    if user:
        app.configure_task("tell_guessing").defer(user_id=user.pk, of=of)  # clinic_site.tasks imports us


def guessed_at(user: AbstractBaseUser, *, now: datetime) -> list[AccountEvent]:
    """What `user` may see of accounts that somebody guessed at in the day before `now`, the newest first."""
    if not user.has_perm("bookings.view_accountevent"):
        return []
    lately = AccountEvent.objects.filter(kind=Kind.GUESSING, at__gt=now - A_DAY)
    return list(lately.select_related("user"))


class Try:
    """One try at something of `user`, counted in one of several `ways`: the first that has room.

    A way is a list of (key, cap) pairs, counted all or not at all. `is_allowed` is False where no way has
    room: then it counts nowhere and must not be checked, and `refusal` says how long to wait.
    """

    def __init__(self, user: AbstractBaseUser | None, *ways: list[tuple[str, Cap]], now: datetime):
        self.user, self.now, self.taken = user, now, []
        self.is_allowed = any(self._count(way) for way in ways)
        if not self.is_allowed and shield.count(f"{self.full}, said", 1, self.wait, now=now):
            note(Kind.LOCKED, user, now=now)

    def _count(self, way):
        for key, cap in way:
            if not shield.count(key, *cap, now=self.now):
                self.full, self.wait = key, cap.window
                self.forgive()
                return False
            self.taken.append(key)
        return True

    @property
    def refusal(self) -> str:
        return f"Too many failed attempts. Wait {WAITS[self.wait]}, then try again."

    def forgive(self) -> None:
        """It was right, or was never made: it counts no more."""
        for key in self.taken:
            shield.give_back(key, now=self.now)
        self.taken = []


def at_the_password(request: HttpRequest, name: str, *, now: datetime) -> Try:
    """A try to sign in as `name`, whether somebody has this name or not.

    A device on which that person has signed in before is counted by itself, and by its address only
    once that count is full: so neither who shares its address nor who has stolen its cookie locks it out.
    """
    user = get_user_model().objects.filter(username=name).first()
    place = _address(request)
    # The address first: when it is full, names that are made up leave no rows.
    ways = [[(f"sign-in at {place}", AN_ADDRESS)] if place else []]
    site = place.supernet(new_prefix=48) if place and place.version == 6 else None
    if site:
        ways[0].append((f"sign-in at {site}", A_SITE_FOR_ALL_NAMES))
    ways[0] += _each(f"sign-in of {name} at {place}", A_FEW)
    if site:
        ways[0].append((f"sign-in of {name} at {site}", A_SITE))
    if device := _known(request, user):
        ways.insert(0, _each(f"device {device}", A_FEW))
    return Try(user, *ways, now=now)


def at_a_code(request: HttpRequest, user: AbstractBaseUser, code: str, *, now: datetime) -> Try:
    """A try at the second factor of somebody whose password was right.

    All addresses share one count of six digits: a thousand of them would guess these within a month. Who
    knows the password can fill it. The owner is warned, and still gets in on a known device (a link for a
    new password makes one), with a passkey, or with a recovery code, which is counted by address.
    """
    if len(code) == RECOVERY_CODE:
        ways = [_each(f"recovery code of {user.pk} at {_address(request)}", A_FEW)]
    else:
        ways = [_each(f"code of {user.pk}", A_CODE)]
    if device := _known(request, user):
        ways.insert(0, _each(f"code on device {device}", A_CODE))
    return Try(user, *ways, now=now)


def at_own_password(user: AbstractBaseUser, *, now: datetime) -> Try:
    """A try at the password by somebody who is signed in."""
    return Try(user, _each(f"password of {user.pk}", A_FEW), now=now)


def may_ask_for_a_link(request: HttpRequest, user_ids: list[int], *, now: datetime) -> bool:
    """Count a request for a new password for these accounts; False where this place has had its share.

    Who shares the place of a stranger still gets a link, once for as long as it lives. Nothing is counted
    against the address that was typed: it may be a patient's.
    """
    place = _address(request)
    if shield.count(f"reset at {place}", *(RESETS if place else RESETS_FROM_SOMEWHERE), now=now):
        return True
    keys = (f"reset of {user_id} at a full place" for user_id in user_ids)
    return any(shield.count(key, *RESETS_TO_SOMEBODY, now=now) for key in keys)


def may_send_a_link(user: AbstractBaseUser, *, now: datetime) -> bool:
    """Count an email with a link for a new password; False, recorded, where the last one still opens.

    No other email to that mailbox counts here, or strangers who ask for appointments in its name would
    keep its owner out.
    """
    key = f"reset to {user.pk}"
    if shield.count(key, *RESETS_TO_SOMEBODY, now=now):
        return True
    if shield.count(f"{key}, said", 1, A_DAY, now=now):
        record(Kind.LOCKED, user, now=now)
    return False


def know(response: HttpResponse, user: AbstractBaseUser, *, by_link: bool = False) -> None:
    """Remember this device as one of this person's: both factors were given on it, or a link sent to them.

    Ends by itself after 90 days, and once the password or the second factor is another one. Devices known
    by a link share one count: who reads somebody's mail gets no new tries at the code with each link.
    """
    device = f"by link of {user.pk}" if by_link else secrets.token_urlsafe(8)
    response.set_cookie(
        KNOWN,
        signing.dumps([user.pk, device, _as_now(user)], salt=KNOWN),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request, user):
    """What counts this device as one of `user`'s; None where it is not, or not any more."""
    try:
        owner, device, was = signing.loads(request.COOKIES.get(KNOWN, ""), salt=KNOWN, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError):
        return None
    return device if user and owner == user.pk and was == _as_now(user) else None


def _as_now(user):
    """A digest of the password and of which apps and passkeys there are; recovery codes may be new."""
    devices = sorted(
        device.persistent_id for device in devices_for_user(user) if not isinstance(device, StaticDevice)
    )
    return salted_hmac(KNOWN, "\n".join([user.password, *devices]), algorithm="sha256").hexdigest()


def _each(key, caps):
    return [(f"{key} in {cap.window}", cap) for cap in caps]


def _address(request):
    """An IPv4 address or the /64 of an IPv6 one; None where we cannot tell senders apart."""
    address = shield.client_address(request.META)
    if address is None:
        return None
    return ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False)

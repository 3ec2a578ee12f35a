"""The quiet defences of the public forms. Nobody is asked to solve a puzzle.

What looks like a robot is kept all the same, as suspect, for staff to look at: a wrong guess costs a
person a phone call, never their request. The page that follows is the same.
"""

import ipaddress
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import phonenumbers
from django.conf import settings
from django.core import signing
from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac

from bookings.models import Location, Tally

log = logging.getLogger("clinic.shield")

COUNTRY = "US"  # how a number without a country code is read

# Names of the fields in templates/components/shield.html. No browser and no password manager has a
# "subject" to fill in (HTML 4.10.18.7.1, the autofill field names); who fills in all there is does.
DECOY, BEGAN = "subject", "began"

# Autofill and one click on a short form take a person 3 to 5 seconds; a script takes none.
QUICKEST_PERSON = timedelta(seconds=2)


class Cap(NamedTuple):
    """So many in a window that begins with the first: never more than twice as many in any such time."""

    limit: int
    window: timedelta


# A clinic gets 20 to 60 requests on a good day and, on the day a newspaper writes about it, some 300:
# 60 in the busiest hour. An attack on a public form was 4,000 in one day (calcom/cal.com #9044), one
# every 22 seconds. Each that passes costs a time for 20 minutes and an e-mail to whoever was named.
#
# One IPv4 address or IPv6 /64: a home, a waiting room, the shared address of a phone company. Even on
# the newspaper's day nobody shares one with a fifth of all who ask. Of 4,000 pass 288.
AN_ADDRESS = Cap(12, timedelta(hours=1))
# An IPv4 /24 or IPv6 /48: what one customer of a hosting company can turn in. A university with its
# clinic stays below a third of all who ask in the busiest hour. Of 4,000 pass 480.
A_NETWORK = Cap(20, timedelta(hours=1))
# A family of six with one e-mail address, each once, and two times that were lost meanwhile. It is
# also how many e-mails a stranger can have us send to somebody else's address by asking.
A_PERSON = Cap(8, timedelta(days=1))
# All together: the newspaper's busiest half hour and a third more, twice what one network may. Short,
# so that after a flood people soon get through again. From thousands of networks, each with new
# names, pass 1,920 of 4,000; what is left to do then is in the log.
EVERYBODY = Cap(40, timedelta(minutes=30))
# A place gets 10 in its busiest hour, so a clinic with many has more.
FOR_EACH_PLACE = 10
# E-mails that anybody can have us send to an address without showing that it is theirs.
TO_AN_ADDRESS = Cap(12, timedelta(days=1))

# In a window hits only rise (save by what is given back), so one that is seen to be full is refused at
# once: a flood then writes nothing and waits for nobody. Those who still see room are decided one after
# the other by the lock on the row.
COUNT = """
    INSERT INTO bookings_tally AS tally (key, hits, ends_at)
    SELECT %(key)s, 1, %(ends_at)s WHERE NOT EXISTS (
        SELECT FROM bookings_tally WHERE key = %(key)s AND hits >= %(limit)s AND ends_at > %(now)s
    )
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN tally.ends_at <= %(now)s THEN 1 ELSE tally.hits + 1 END,
        ends_at = CASE WHEN tally.ends_at <= %(now)s THEN excluded.ends_at ELSE tally.ends_at END
    WHERE tally.hits < %(limit)s OR tally.ends_at <= %(now)s
"""


def person(email: str, phone: str) -> str:
    """One spelling for however a person writes their address or, without one, their number.

    “+tags”, capitals and the two ways to write a domain make no other person of an address; nor do
    spaces, brackets, other digits than ours and an extension of a number. Empty where both are.
    """
    if email:
        local, _, domain = email.strip().lower().rpartition("@")
        return f"{local.partition('+')[0] or local}@{_ascii(domain)}"
    try:
        number = phonenumbers.parse(phone, COUNTRY)
    except phonenumbers.NumberParseException:
        return phonenumbers.normalize_digits_only(phone)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def count(key: str, limit: int, window: timedelta, *, now: datetime) -> bool:
    """Count one more for `key`; False where `limit` (1 or more) were counted already in this window.

    One statement, so that however many processes count at once, exactly `limit` of them are told
    True. A window begins with the first one and ends `window` later; an instant at its end belongs
    to the next. Inside a transaction others wait for its end to count the same key.
    """
    values = {"key": _hashed(key), "limit": limit, "now": now, "ends_at": now + window}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        return cursor.rowcount == 1


def give_back(key: str, *, now: datetime) -> None:
    """Count one less for `key`: what count() was asked about came to nothing that is to be limited."""
    Tally.objects.filter(key=_hashed(key), hits__gt=0, ends_at__gt=now).update(hits=F("hits") - 1)


def forget(*, now: datetime) -> int:
    """Delete the windows that have ended; returns how many."""
    return Tally.objects.filter(ends_at__lte=now).delete()[0]


def stamp(posted: Mapping[str, str], *, now: datetime) -> str:
    """The signed time for a form's hidden field: of the first showing, also when it is shown again."""
    kept = posted.get(BEGAN, "")
    return kept if _began(kept) else _signer().sign(now.isoformat())


def is_suspect(posted: Mapping[str, str], meta: Mapping[str, str], person: str, *, now: datetime) -> bool:
    """Whether this may be a robot: `posted` is the form's data, `meta` the headers (request.META).

    `person` is what person() says. Counts the sender, so it is asked once for each form that is sent,
    outside a transaction. An old form is a person who took a break. What the decoy or the clock has
    caught is not counted, and one over a cap not in the wider ones: a flood from one place shuts out
    nobody elsewhere.
    """
    began = _began(posted.get(BEGAN, ""))
    if posted.get(DECOY, "").strip() or began is None or timedelta(0) <= now - began < QUICKEST_PERSON:
        return True
    if not all(count(key, *cap, now=now) for key, cap in _caps(meta, person)):
        return True
    limit = max(EVERYBODY.limit, FOR_EACH_PLACE * Location.objects.filter(is_listed=True).count())
    if count("everybody", limit, EVERYBODY.window, now=now):
        return False
    if count("everybody, said", 1, EVERYBODY.window, now=now):
        log.error("more than %s requests in %s: all others wait unheld for staff", limit, EVERYBODY.window)
    return True


def may_write_to(email: str, *, now: datetime) -> bool:
    """Count an e-mail that nobody has shown to be welcome; False where the address has had its share."""
    return count(f"mail to {person(email, '')}", *TO_AN_ADDRESS, now=now)


def client_address(meta: Mapping[str, str]) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Where the request comes from, as far as we can know; None where it is no address of the internet.

    Behind our proxy that is the last one in the header: all before it is what the sender claims. A
    private address is a proxy of which nobody told us, and would make one sender of everybody.
    """
    text = meta.get(settings.CLIENT_ADDRESS_HEADER, "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    return address if address.is_global else None


def _hashed(key):
    return salted_hmac("bookings.shield", key, algorithm="sha256").hexdigest()


def _caps(meta, person):
    """What a sender is counted as, the narrowest place first."""
    if address := client_address(meta):
        own, wide = (32, 24) if address.version == 4 else (64, 48)
        yield f"address {ipaddress.ip_network((address, own), strict=False)}", AN_ADDRESS
        yield f"network {ipaddress.ip_network((address, wide), strict=False)}", A_NETWORK
    yield f"person {person}", A_PERSON


def _began(text):
    try:
        return datetime.fromisoformat(_signer().unsign(text))
    except signing.BadSignature:
        return None


def _signer():
    return signing.Signer(salt="bookings.shield")


def _ascii(domain):
    try:
        return domain.encode("idna").decode()  # bücher.example is xn--bcher-kva.example
    except UnicodeError:
        return domain

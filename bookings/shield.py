"""The quiet defenses of the public forms, explained in docs/rate-limits.md. Nobody solves a puzzle.

What looks like a robot is kept all the same, as suspect, for staff to look at: a wrong guess costs a
person a phone call, never their request, and the page that follows says so.
"""

import ipaddress
import logging
import re
from collections.abc import Iterable, Mapping
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


HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# A clinic gets 20 to 60 requests on a good day and, on the day a newspaper writes about it, some 300:
# 60 in the busiest hour. An attack on a public form was 4,000 in one day (calcom/cal.com #9044), one
# every 22 seconds. How often one network (IPv4 /24, IPv6 /48: what one customer of a hosting company
# can turn in, or a university, or a part of a phone company) may ask in an hour is a setting; one
# address (IPv4, or IPv6 /64: a home, a waiting room) may half as often. Above that nothing is sent.
#
# All whose network cannot be told count as one: a proxy of which nobody told us would otherwise either
# let a flood through or lock everybody out. Four times the newspaper's busiest hour.
UNKNOWN_NETWORKS = Cap(240, HOUR)
# More than this from everybody together (10 for each place, where that is more) is said in the log.
# It refuses nobody: people who ask during a flood could not help it.
MANY, MANY_FOR_EACH_PLACE = Cap(40, timedelta(minutes=30)), 10

# Emails that a stranger can have us send by typing somebody's address. How many go to one mailbox in
# an hour is a setting; a network gets one fewer, so that no single one can use up what the owner needs.
TO_A_MAILBOX, TO_A_MAILBOX_FROM_A_NETWORK = Cap(12, DAY), Cap(4, DAY)
# Behind a domain with few mailboxes may stand one person. Behind these stand millions.
TO_A_DOMAIN, TO_A_DOMAIN_FROM_A_NETWORK = Cap(20, HOUR), Cap(10, HOUR)
# fmt: off
PROVIDERS = {
    "gmail.com", "yahoo.com", "ymail.com", "rocketmail.com", "hotmail.com", "outlook.com", "live.com",
    "msn.com", "icloud.com", "aol.com", "aim.com", "comcast.net", "verizon.net", "att.net", "sbcglobal.net",
    "bellsouth.net", "cox.net", "charter.net", "spectrum.net", "optonline.net", "earthlink.net",
    "frontier.com", "windstream.net", "centurylink.net", "juno.com", "mail.com", "email.com", "gmx.com",
    "gmx.net", "rr.com", "proton.me", "fastmail.com", "zoho.com", "hey.com", "yandex.com",
}
# fmt: on
# News of each kind to the clinic itself: the newspaper's busiest hour. The lists show all the rest.
TO_STAFF = Cap(60, HOUR)
# The same mailboxes under another name (support.apple.com/118230; proton.me/support/addresses-and-aliases),
# what makes no difference in them (Google: "Dots don't matter in Gmail addresses"), and whose name may stand
# before the domain (fastmail.help, "Plus addressing and subdomain addressing").
ALIASES = {"googlemail.com": "gmail.com", "me.com": "icloud.com", "mac.com": "icloud.com"}
ALIASES |= {"protonmail.com": "proton.me", "pm.me": "proton.me"}
IGNORED = {"gmail.com": ".", "proton.me": ".-_"}
NAME_BEFORE_DOMAIN = {"fastmail.com"}

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
        ends_at = CASE WHEN tally.ends_at <= %(now)s OR tally.hits = 0
            THEN excluded.ends_at ELSE tally.ends_at END
    WHERE tally.hits < %(limit)s OR tally.ends_at <= %(now)s
"""


def person(email: str, phone: str) -> str:
    """One spelling for however a person writes their address or, without one, their number.

    It tells people apart and is never written to. "+tags", capitals, quotation marks (RFC 5321 4.1.2),
    the two ways to write a domain and, where a provider ignores them, dots make no other person of an
    address; nor do spaces, brackets, other digits than ours and an extension of a number. Empty where
    both are.
    """
    if email:
        local, _, domain = email.strip().lower().rpartition("@")
        if len(local) > 2 and local[0] == local[-1] == '"':
            local = re.sub(r"\\(.)", r"\1", local[1:-1])
        domain = _ascii(domain)
        domain = ALIASES.get(domain, domain)
        if (above := domain.partition(".")[2]) in NAME_BEFORE_DOMAIN:
            local, domain = domain.removesuffix(f".{above}"), above
        local = local.partition("+")[0] or local
        return f"{local.translate(dict.fromkeys(map(ord, IGNORED.get(domain, '')))) or local}@{domain}"
    try:
        number = phonenumbers.parse(phone, COUNTRY)
    except phonenumbers.NumberParseException:
        return phonenumbers.normalize_digits_only(phone)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def count(key: str, limit: int, window: timedelta, *, now: datetime) -> bool:
    """Count one more for `key`; False where `limit` (1 or more) were counted already in this window.

    One statement, so that however many processes count at once, exactly `limit` of them are told
    True. A window begins with the first one (anew where all were given back) and ends `window` later;
    an instant at its end belongs to the next. Inside a transaction others wait for its end to count
    the same key.
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


def is_suspect(posted: Mapping[str, str], meta: Mapping[str, str], *, now: datetime) -> bool:
    """Whether this may be a robot: `posted` is the form's data, `meta` the headers (request.META).

    Counts the sender, so it is asked once for each form that is sent, outside a transaction. An old
    form is a person who took a break. What the decoy or the clock has caught is not counted, and one
    over a cap not in the wider ones: a flood from one place shuts out nobody elsewhere.
    """
    began = _began(posted.get(BEGAN, ""))
    if posted.get(DECOY, "").strip() or began is None or timedelta(0) <= now - began < QUICKEST_PERSON:
        return True
    if not all(count(key, *cap, now=now) for key, cap in _caps(meta, now=now)):
        return True
    limit = max(MANY.limit, MANY_FOR_EACH_PLACE * Location.objects.filter(is_listed=True).count())
    is_many = not count("everybody", limit, MANY.window, now=now)
    if is_many and count("everybody, said", 1, MANY.window, now=now):
        log.error("more than %s requests in %s: look at the list Unverified", limit, MANY.window)
    return False


def may_write_to(email: str, network: str, *, now: datetime) -> bool:
    """Count an email that nobody has shown to be welcome; False where there were enough of them.

    `network` is what network() says of who caused it, empty where that is not known. Counted are the
    mailbox, however it is written, its domain, and the network: all of them, or none.
    """
    return _count_all(_caps_of_mail(email, network), now=now)


def was_welcome(email: str, network: str, *, now: datetime) -> None:
    """Count one email less: its reader has confirmed that they asked for it. A family needs several."""
    for keys, _ in _caps_of_mail(email, network):
        hashed = [_hashed(key) for key in keys]
        counted = Tally.objects.filter(key__in=hashed, hits__gt=0, ends_at__gt=now).order_by("-ends_at")
        if newest := counted.first():
            Tally.objects.filter(pk=newest.pk, hits__gt=0).update(hits=F("hits") - 1)


def _caps_of_mail(email, network):
    """What an email to that address is counted as: keys of which one is counted, with their cap."""
    mailbox = person(email, "")
    most, domain = settings.LIMITS["emails_to_mailbox"], mailbox.rpartition("@")[2]
    if network:
        yield _slots(f"mail to {mailbox} from {network}", most - 1), Cap(1, HOUR)
        yield [f"mail to {mailbox} from {network}"], TO_A_MAILBOX_FROM_A_NETWORK
    yield _slots(f"mail to {mailbox}", most), Cap(1, HOUR)
    yield [f"mail to {mailbox}"], TO_A_MAILBOX
    for one in _domains(domain):
        if network:
            yield [f"mail to @{one} from {network}"], TO_A_DOMAIN_FROM_A_NETWORK
        yield [f"mail to @{one}"], TO_A_DOMAIN
    if network:
        yield [f"mail from {network}"], Cap(settings.LIMITS["requests_from_network"], HOUR)


def _domains(domain):
    """The domain and the two that it may lie in, for who has one has all below it; none of a provider."""
    labels = domain.split(".")
    above = [".".join(labels[-number:]) for number in (2, 3)]
    if len(labels[-1]) == 2 and len(labels[-2:][0]) <= 3:
        del above[0]  # like co.uk, below which people have nothing in common
    return [] if PROVIDERS.intersection([domain, *above]) else sorted({domain, *above})


def _slots(key, most):
    """Keys of which each is counted once in an hour.

    A window begins with its first hit, so `most` in one window could be twice as many in some hour;
    of these there are never more than `most`, in whatever hour.
    """
    return [f"{key}, {number}" for number in range(most)]


def _count_all(counted: Iterable[tuple[list[str], Cap]], *, now):
    """Count one of the keys of each pair; where one of them finds no room, none is counted."""
    taken = []
    for keys, cap in counted:
        key = next((key for key in keys if count(key, *cap, now=now)), None)
        if key is None:
            for earlier in taken:
                give_back(earlier, now=now)
            return False
        taken.append(key)
    return True


def network(meta: Mapping[str, str]) -> str:
    """A code for the network that a request comes from: the same one for each of its addresses.

    Without the site's secret key nobody can tell which network it is. Empty where it is not known.
    """
    address = client_address(meta)
    return _hashed(f"network {_around(address, 24, 48)}") if address else ""


def client_address(meta: Mapping[str, str]) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Where the request comes from, as far as we can know; None where it is no address of the internet.

    Behind our proxy that is the last one in the header: all before it is what the sender claims. A
    private address, or one that a phone company uses inside (RFC 6598), is a proxy of which nobody told
    us. An IPv4 address that travels inside an IPv6 one (mapped, 6to4 of RFC 3056, Teredo of RFC 4380)
    counts as what it is: whoever has one has all of these.
    """
    text = meta.get(settings.CLIENT_ADDRESS_HEADER, "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.version == 6:
        teredo = address.teredo
        address = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address
    return address if address.is_global else None


def _hashed(key):
    return salted_hmac("bookings.shield", key, algorithm="sha256").hexdigest()


def _caps(meta, *, now):
    """What a sender is counted as, the narrowest place first."""
    most = settings.LIMITS["requests_from_network"]
    if address := client_address(meta):
        yield f"address {_around(address, 32, 64)}", Cap(most // 2, HOUR)
        yield f"network {_around(address, 24, 48)}", Cap(most, HOUR)
        return
    if not settings.DEMO and count("unknown, said", 1, HOUR, now=now):
        log.warning("a request came from no address of the internet: does the proxy pass it on?")
    yield "unknown", UNKNOWN_NETWORKS


def _around(address, of_4, of_6):
    """The network of an address, of so many bits in IPv4 and in IPv6."""
    return ipaddress.ip_network((address, of_4 if address.version == 4 else of_6), strict=False)


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

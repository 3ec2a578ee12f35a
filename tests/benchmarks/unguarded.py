"""The site for a web server in a benchmark. All its patients come from one address, and none takes a
breath: the caps and the shortest time of a person are wide here, or robots would be measured."""

from datetime import timedelta

from clinic_site.wsgi import application  # first: it sets Django up

# isort: split
from bookings import shield

__all__ = ["application"]

for cap in ("UNKNOWN_NETWORKS", "TO_A_DOMAIN", "TO_A_MAILBOX", "TO_STAFF"):
    assert isinstance(getattr(shield, cap), shield.Cap), f"{cap} has another name now"
    setattr(shield, cap, shield.Cap(1_000_000, timedelta(hours=1)))
shield.QUICKEST_PERSON = timedelta(0)

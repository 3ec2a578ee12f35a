"""The site for a web server in a benchmark. All its patients come from one address, and none takes a
breath: the caps and the shortest time of a person are wide here, or robots would be measured."""

from datetime import timedelta

from clinic_site.wsgi import application  # first: it sets Django up

# isort: split
from bookings import shield

__all__ = ["application"]

for cap in ("AN_ADDRESS", "A_NETWORK", "A_PERSON", "EVERYBODY", "TO_AN_ADDRESS"):
    setattr(shield, cap, shield.Cap(1_000_000, timedelta(hours=1)))
shield.QUICKEST_PERSON = timedelta(0)

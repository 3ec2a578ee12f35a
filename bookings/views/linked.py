"""A link from elsewhere that names a place, a kind of visit and a time: `?location=&visit=&start=`.

Whoever publishes our free times links to one of them like this, and may add parameters of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from bookings import availability
from bookings.models import Location, VisitType
from bookings.questions import locations_for, visits, visits_after_consultation


@dataclass(frozen=True)
class Linked:
    """What a link names of what there is; `start` is the instant, also where it is not free."""

    visit_type: VisitType | None
    location: Location | None
    start: datetime | None
    is_free: bool
    near: list[datetime]
    is_odd: bool = False  # it names something that there is not (any more)
    later: VisitType | None = None  # it names a visit that comes after a consultation only

    @property
    def query(self) -> str:
        return query(self.visit_type, self.location, self.start)

    @property
    def time(self) -> str:
        return self.location.time_in_words(self.start) if self.start else ""

    @property
    def near_links(self) -> list[tuple[str, str]]:
        """The words and the query of each free time nearby."""
        return [
            (self.location.time_in_words(start), query(self.visit_type, self.location, start))
            for start in self.near
        ]

    def answers(self) -> dict:
        """The answers that a journey begins with."""
        found = {}
        if self.location:
            found["before"] = {"where": {"where": self.location.slug}}
        if self.visit_type:
            found["visit"] = {"visit": self.visit_type.slug}
        if self.visit_type and self.location:
            found["where"] = {"where": self.location.slug}
        if self.is_free:
            found["when"] = {"asks_for": "time", "start": self.start.isoformat()}
        return found


def read(parameters: Mapping[str, str], *, now: datetime) -> Linked | None:
    """What the parameters of a page name; None where they name nothing. Never raises."""
    if not any(parameters.get(name) for name in ("visit", "location", "start")):
        return None
    visit_type = visits().filter(slug=parameters.get("visit", "")).first()
    possible = locations_for(visit_type.slug) if visit_type else Location.objects.filter(is_listed=True)
    location = possible.filter(slug=parameters.get("location", "")).first()
    if not (visit_type and location):
        later = visits_after_consultation().filter(slug=parameters.get("visit", "")).first()
        if later and not visit_type:
            return Linked(None, location, None, False, [], later=later)
        found = {"visit": visit_type, "location": location, "start": None}
        is_odd = any(parameters.get(name) and not found[name] for name in found)
        return Linked(visit_type, location, None, False, [], is_odd)
    start = _instant(parameters.get("start", ""))
    if start is None:
        around, free = now, []
    else:
        around, free = (
            start,
            availability.free_slots(visit_type, location, location.local(start).date(), 1, now=now),
        )
    if any(slot.starts_at == start for slot in free):
        return Linked(visit_type, location, start, True, [])
    near = availability.nearest(visit_type, location, around, now=now)
    return Linked(visit_type, location, start, False, [slot.starts_at for slot in near])


def query(visit_type: VisitType, location: Location, start: datetime | None) -> str:
    """The parameters of a link to this time, without the question mark."""
    named = {"visit": visit_type and visit_type.slug, "location": location and location.slug}
    named["start"] = start and start.isoformat()
    return urlencode({name: value for name, value in named.items() if value})


def _instant(text):
    """An aware time from ISO 8601; a "+" that became a space on its way is one again."""
    try:
        start = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    # The first and last year hold times that have no date in some zone.
    return start if start.utcoffset() is not None and 2000 <= start.year <= 2200 else None

"""How the desk is doing, by week and location. A week begins on Monday at midnight of the location."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Least

from bookings.counting import A_WEEK, COUNTS, TENTH, WAITS, add, counted_days, summed, with_waits
from bookings.fullness import A_DAY, schedules_of
from bookings.models import ChangedDay, CountedDay, CountedWeek, Location


@dataclass(frozen=True)
class Span:
    """Whole weeks from a Monday on, of one location or (None) of all."""

    first: date
    weeks: int
    location: Location | None = None

    @property
    def mondays(self) -> list[date]:
        return [self.first + A_WEEK * number for number in range(self.weeks)]

    @property
    def is_long(self) -> bool:
        """Whether a table of each week at each place is more than anybody reads on a screen."""
        return self.weeks > 13 and not self.location


def numbers(span: Span, *keys: str, of_each: bool = True) -> dict[str, list[dict]]:
    """The rows of these reports by their keys (COUNTS and "schedules"; of all where none is named).

    Each report has its numbers by week and place (where `of_each` is wanted: of a year that is much),
    then by place, then by week; what is not grouped by is left out, and so are numbers that are 0 and
    weeks in which there was nothing. The place of "schedules" is a schedule.
    Days that were counted when they were over are not read again, whatever happened on them.
    """
    keys = keys or (*COUNTS, "schedules")
    places = _places(span)
    weeks = _kept_weeks(span, places)
    days = _kept_days(span, places, besides=weeks)
    missing = {
        day
        for place in places.values()
        for week in span.mondays
        if (week, place.pk) not in weeks
        for day in days_of(week, since=place.since)
        if (day, place.pk) not in days
    }
    zones = {place.zone for place in places.values()}
    for day_and_place, counted in counted_days(sorted(missing), keys, zones, span.location).items():
        days.setdefault(day_and_place, counted)
    names = {(key, str(pk)): str(place) for key in COUNTS for pk, place in places.items()}
    if "schedules" in keys:
        names |= {("schedules", str(one.pk)): str(one) for one in schedules_of(span.location)}
    sums = {key: {} for key in keys}
    for pk, place in places.items():
        for week in span.mondays:
            parts = [days.get((day, pk), {}) for day in days_of(week, since=place.since)]
            counted = weeks.get((week, pk)) or summed(parts, keys)
            for key in keys:
                for of, row in counted.get(key, {}).items():
                    name = names.get((key, of))
                    # Two places may have one name, like one that moved across the street.
                    if name and (first := sums[key].setdefault((week, name), row)) is not row:
                        add(first, row)
    return {key: _with_totals(sums[key], of_each=of_each) for key in keys}


def _places(span):
    """The locations by their keys, with the first day (`since`) on which something happened there.

    A place is not counted as open before that, and a new one does not make old days be read again.
    """
    firsts = [
        Subquery(days.objects.filter(location=OuterRef("pk")).order_by("day").values("day")[:1])
        for days in (CountedDay, ChangedDay)
    ]
    places = Location.objects.annotate(since=Least(*firsts)).exclude(since=None)
    return {place.pk: place for place in places if span.location in (None, place)}


def days_of(week: date, *, since: date = date.min) -> list[date]:
    """The seven days from that Monday on, without those before `since`."""
    days = [week + A_DAY * number for number in range(7)]
    return [day for day in days if day >= since]


def _kept_weeks(span, places):
    """The numbers of weeks that have been summed and of which no day has changed, by Monday and place."""
    changed = ChangedDay.objects.filter(
        location=OuterRef("location"), day__gte=OuterRef("monday"), day__lt=OuterRef("monday") + A_WEEK
    )
    # A version before writes sums without packed waits.
    sums = CountedWeek.objects.exclude(packed_waits=None)
    kept = sums.filter(~Exists(changed), location__in=places, monday__in=span.mondays)
    return {(monday, place): numbers for monday, place, numbers in with_waits(kept)}


def _kept_days(span, places, *, besides):
    """The numbers of days that have been counted and have not changed, by day and place."""
    weeks = [week for week in span.mondays if any((week, place) not in besides for place in places)]
    changed = ChangedDay.objects.filter(location=OuterRef("location"), day=OuterRef("day"))
    days = [day for week in weeks for day in days_of(week)]
    kept = CountedDay.objects.filter(~Exists(changed), location__in=places, day__in=days)
    return {(day, place): numbers for day, place, numbers in with_waits(kept)}


def _with_totals(sums, *, of_each):
    """Rows of what has these sums by week and place, with those of each place and of each week."""
    by_place, by_week = {}, {}
    for (week, place), one in sums.items():
        add(by_place.setdefault(place, {}), one)
        add(by_week.setdefault(week, {}), one)
    by_both = sorted(sums.items(), key=lambda pair: pair[0][0]) if of_each else []
    rows = [{"week": week, "place": place, **one} for (week, place), one in by_both]
    rows += [{"place": place, **one} for place, one in by_place.items()]
    rows += [{"week": week, **one} for week, one in sorted(by_week.items())]
    for row in rows:
        if WAITS in row:
            waits = row.pop(WAITS)
            row |= {"median": percentile(waits, 0.5), "ninetieth": percentile(waits, 0.9)}
    return rows


def percentile(waits: Iterable[Sequence[int]], share: float) -> timedelta | None:
    """The time below which so large a share of all these lies, as PostgreSQL's percentile_cont.

    Each of the sequences is in order, in tenths of an hour; None where all are empty.
    """
    parts = [part for part in waits if part]
    if not parts:
        return None
    place = share * (sum(map(len, parts)) - 1)
    below, above = _at(floor(place), parts), _at(ceil(place), parts)
    return TENTH * (below + (above - below) * (place - floor(place)))


def _at(place, parts):
    """The number at that place of what these sorted parts are together, found without putting them together.

    Of each part only as many numbers are looked at as its length has binary digits, so a year of a busy
    clinic takes hardly longer than one of a quiet one.
    """

    def how_many_up_to(number):
        return sum([bisect_right(part, number) for part in parts])

    numbers = range(min(part[0] for part in parts), max(part[-1] for part in parts) + 1)
    return numbers[bisect_right(numbers, place, key=how_many_up_to)]

"""What is counted of a day, in numbers only: nothing here tells one patient from another.

What is about requests counts on the day on which they were asked, what is about visits on the day of
the visit, both as the clock of the location shows them. A day that is over is counted once, and again
when something of it has changed; seven of them are summed to a week. Weekly hours, and which schedules
are in use, count as they are when a day is counted: a later change of them is no change of the day.
"""

import struct
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from zoneinfo import ZoneInfo

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Cast, Coalesce, Extract, Round, TruncWeek

from bookings.fullness import A_DAY, LocalDay, during, use
from bookings.models import (
    Appointment,
    AppointmentRequest,
    ChangedDay,
    CountedDay,
    CountedWeek,
    Event,
    Location,
    Message,
)

A_WEEK = timedelta(days=7)
# What counts as an answer of the clinic.
REPLIES = ["accept", "offer", "decline", "waitlist"]
# Waits are shown in tenths of an hour, and kept in them.
TENTH, WAITS = timedelta(minutes=6), "waits"
LONGEST = 32_767  # a wait of 136 days; a longer one is kept as that

Status, Visit = AppointmentRequest.Status, Appointment.Status


def monday(day: date) -> date:
    """The Monday of that day's week."""
    return day - A_DAY * day.weekday()


def count_days(*, now: datetime, at_most: int = 92) -> int:
    """Count the days that are over at `now` (aware) and have changed, and sum the weeks that are complete.

    Gives how many days were counted, at most so many; 0 once there is nothing left to do.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One counts at a time, so that none writes what it saw earlier over what was seen later.
            cursor.execute(f"LOCK TABLE {CountedDay._meta.db_table} IN EXCLUSIVE MODE")
        # Read before the numbers are: what changes in between leaves a row that we do not know of.
        changed = defaultdict(list)
        for pk, place, day in ChangedDay.objects.order_by("pk").values_list("pk", "location_id", "day"):
            changed[day, place].append(pk)
        places = Location.objects.in_bulk()
        today = {pk: place.local(now).date() for pk, place in places.items()}
        quiet = _quiet(changed, today)
        over = [(day, place) for day, place in sorted({*changed, *quiet}) if day < today[place]][:at_most]
        zones = {place.zone for place in places.values()}
        found = counted_days(sorted({day for day, _ in over}), (*COUNTS, "schedules"), zones)
        CountedDay.objects.bulk_create(
            [
                CountedDay(location_id=place, day=day, numbers=numbers, waits=waits)
                for day, place in over
                for numbers, waits in [_kept(found[day, place])]
            ],
            update_conflicts=True,
            unique_fields=["location", "day"],
            update_fields=["numbers", "waits"],
        )
        # Of a day that is not over, one row is enough to know it by.
        known = [pk for each in changed for pk in changed[each][: None if each in over else -1]]
        ChangedDay.objects.filter(pk__in=known).delete()
        if not over:
            _sum_weeks()
    return len(over)


def _quiet(changed, today):
    """The days on which nothing happened, since the first of their location on which something did."""
    known = defaultdict(set)
    for day, place in [*changed, *CountedDay.objects.values_list("day", "location_id")]:
        known[place].add(day)
    return {
        (day, place)
        for place, days in known.items()
        for day in (min(days) + A_DAY * number for number in range((today[place] - min(days)).days))
        if day not in days
    }


def _sum_weeks():
    """Sum each week whose seven days have been counted, unless it is summed."""
    sums = CountedWeek.objects.exclude(packed_waits=None)
    is_summed = Exists(sums.filter(location=OuterRef("location"), monday=OuterRef("week")))
    days = CountedDay.objects.annotate(week=TruncWeek("day")).filter(~is_summed)
    by_week = defaultdict(list)
    for day, place, numbers in with_waits(days):
        by_week[monday(day), place].append(numbers)
    CountedWeek.objects.bulk_create(
        [
            CountedWeek(location_id=place, monday=week, numbers=numbers, packed_waits=_packed(waits))
            for (week, place), days in by_week.items()
            if len(days) == 7
            for numbers, waits in [_kept(summed(days, (*COUNTS, "schedules")))]
        ],
        update_conflicts=True,
        unique_fields=["location", "monday"],
        update_fields=["numbers", "packed_waits"],
    )


def _kept(numbers):
    """These numbers as they are kept, without what is empty, and the waits in order, which stand beside."""
    waits = [row.pop(WAITS) for row in numbers.get("replies", {}).values()]
    return {key: rows for key, rows in numbers.items() if rows}, sorted(chain(*chain(*waits)))


def with_waits(kept: QuerySet) -> Iterable[tuple[date, int, dict]]:
    """Of kept days or weeks the day or Monday, the place and the numbers as they were counted.

    Read as plain rows: of a year they are hundreds.
    """
    of_weeks = kept.model is CountedWeek
    columns = ("monday", "packed_waits") if of_weeks else ("day", "waits")
    for first, waits, place, numbers in kept.values_list(*columns, "location_id", "numbers"):
        if replies := numbers.get("replies"):
            replies[str(place)][WAITS] = [_unpacked(waits) if of_weeks else waits]
        yield first, place, numbers


def _packed(waits):
    """Numbers in 2 bytes each, the low one first (with a sign: days counted long ago have waits below 0)."""
    return struct.pack(f"<{len(waits)}h", *waits)


def _unpacked(packed):
    """The numbers as a sequence, made without looking at each of them."""
    waits = array("h", packed)
    if sys.byteorder == "big":
        waits.byteswap()
    return waits


def summed(parts: Iterable[dict], keys: Iterable[str]) -> dict:
    """The numbers of several days, of these reports, as those of one."""
    sums = {key: {} for key in keys}
    for part in parts:
        for key in keys:
            for of, row in part.get(key, {}).items():
                add(sums[key].setdefault(of, {}), row)
    return sums


def add(sums: dict, found: dict) -> None:
    """Add the numbers of one row to those of another; lists of waits stand one after the other."""
    for name, number in found.items():
        sums[name] = sums[name] + number if name in sums else number


def counted_days(
    days: list[date], keys: Iterable[str], zones: Iterable[ZoneInfo], location: Location | None = None
) -> dict[tuple[date, int], dict]:
    """The numbers of these local days from the rows themselves: by day and place, report and what it is of.

    `days` are in order, `zones` are those of all places that are meant; None means all places.
    """
    found = defaultdict(dict)
    if not days:
        return found
    for key in keys:
        if key in COUNTS:
            for row in _grouped(days, zones, location, **COUNTS[key]()):
                place = row.pop("place")
                found[row.pop("day"), place][key] = {str(place): row}
    if "schedules" in keys:
        for begin, end in _runs(days):
            for each in use(begin, (end - begin).days, location=location):
                of_day = found[each.day, each.schedule.location_id].setdefault("schedules", {})
                of_day[str(each.schedule.pk)] = {"open": each.open, "taken": each.taken}
    return found


def _runs(days):
    """The first day of each row of days without a gap, and the day after the row."""
    for _, run in groupby(enumerate(days), lambda pair: pair[1] - A_DAY * pair[0]):
        run = [day for _, day in run]
        yield run[0], run[-1] + A_DAY


def _grouped(days, zones, location, rows, *, at, place, **numbers):
    """The numbers of these rows by day and place, where `at` leads to their time.

    Only the rows of these days are read, through an index on `at`, and once.
    """
    around = Q()
    for first, end in _runs(days):
        begins, ends = during(first, end, zones)
        around |= Q(**{f"{at}__gte": begins, f"{at}__lt": ends})
    rows = rows.filter(around).annotate(day=LocalDay(F(at), F(f"{place}__time_zone")), place=F(place))
    if location:
        rows = rows.filter(**{place: location})
    # Postgres cannot guess how many rows a condition on `day` leaves, and would choose a slow way.
    wanted = set(days)
    for row in rows.order_by("day", "place").values("day", "place").annotate(**numbers):
        if row["day"] in wanted:
            if WAITS in row:
                waits = sorted(min(max(tenths, 0), LONGEST) for tenths in row[WAITS] if tenths is not None)
                row |= {"answered": len(waits), WAITS: [waits]}
            yield {name: number for name, number in row.items() if number or name == WAITS}


def _requests():
    """How many were asked and what came of them; `unconfirmed` of the expired were never confirmed."""
    unconfirmed = Event.objects.filter(request=OuterRef("pk"), verb="expire", from_status=Status.UNVERIFIED)
    # Not Exists: for that Postgres may read such events of all the years at once.
    first = Subquery(unconfirmed.values("pk")[:1])
    return {
        "rows": AppointmentRequest.objects.all(),
        "at": "created_at",
        "place": "location",
        "asked": Count("pk"),
        **{str(status): Count("pk", filter=Q(status=status)) for status in Status},
        "unconfirmed": Count(first, filter=Q(status=Status.EXPIRED)),
    }


def _replies():
    """How long patients who asked on the website waited for the first answer, and how many have one.

    The wait begins when the request reached the clinic: confirmed, where that was asked for.
    """
    answers = Event.objects.filter(request=OuterRef("pk"), verb__in=REPLIES, by__isnull=False)
    first = Subquery(answers.order_by("at").values("at")[:1])
    wait = ExpressionWrapper(first - Coalesce("verified_at", "created_at"), output_field=DurationField())
    return {
        "rows": AppointmentRequest.objects.filter(created_via=AppointmentRequest.Via.WEB),
        "at": "created_at",
        "place": "location",
        "asked": Count("pk"),
        WAITS: ArrayAgg(Cast(Round(Extract(wait, "epoch") / TENTH.seconds), IntegerField()), default=[]),
    }


def _visits():
    """What came of the visits that were booked; holds and errors are none."""
    was_one = Q(status__in=[Visit.BOOKED, Visit.ARRIVED, Visit.FULFILLED, Visit.NOSHOW])
    return {
        "rows": Appointment.objects.filter(was_one | (Q(status=Visit.CANCELLED) & ~Q(cancel_reason=""))),
        "at": "period__startswith",
        "place": "schedule__location",
        "booked": Count("pk"),
        "fulfilled": Count("pk", filter=Q(status=Visit.FULFILLED)),
        "noshow": Count("pk", filter=Q(status=Visit.NOSHOW)),
        "cancelled": Count("pk", filter=Q(status=Visit.CANCELLED)),
        "unresolved": Count("pk", filter=Q(status__in=[Visit.BOOKED, Visit.ARRIVED])),
    }


def _cancellations():
    """How long before its start a visit was cancelled, and by whom."""
    notice = ExpressionWrapper(F("starts_at") - F("at"), output_field=DurationField())
    return {
        "rows": Event.objects.filter(verb="cancel").annotate(notice=notice),
        "at": "starts_at",
        "place": "request__location",
        "cancelled": Count("pk"),
        "under_a_day": Count("pk", filter=Q(notice__lt=A_DAY)),
        "under_a_week": Count("pk", filter=Q(notice__gte=A_DAY, notice__lt=A_WEEK)),
        "earlier": Count("pk", filter=Q(notice__gte=A_WEEK)),
        "by_patient": Count("pk", filter=Q(by=None)),
        "by_clinic": Count("pk", filter=Q(by__isnull=False)),
    }


def _messages():
    """What became of the email to patients that was due in these weeks."""
    return {
        "rows": Message.objects.exclude(kind__in=Message.TO_STAFF),
        "at": "due_at",
        "place": "request__location",
        "owed": Count("pk"),
        **{str(status): Count("pk", filter=Q(status=status)) for status in Message.Status},
    }


COUNTS = {
    "requests": _requests,
    "replies": _replies,
    "visits": _visits,
    "cancellations": _cancellations,
    "messages": _messages,
}

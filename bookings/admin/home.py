"""The staff's first page: what needs doing now, in numbers that lead to lists, and two pictures."""

from collections import defaultdict
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from bookings import charts, counting, fullness, reports
from bookings.admin import columns, lists
from bookings.admin.day import phone_address
from bookings.availability import hours_of, merged, minutes, occupied_by, occupying, open_intervals
from bookings.models import Appointment, AppointmentRequest, Closure, Event, Location, OpeningHours
from bookings.reports import Span

WEEKS, DAYS = 8, 14
AHEAD, LOOKED_AT = timedelta(days=DAYS), 100
TO_DO = ["needs_reply", "unverified", "mail_problems", "unresolved", "estimates"]

Visit = Appointment.Status


def desk(user, *, now: datetime) -> dict:
    """What the home shows of bookings to this member of staff; nothing without the right to see requests."""
    if not user.has_perm("bookings.view_appointmentrequest"):
        return {}
    locations = list(Location.objects.all())
    return {
        "to_do": to_do(now=now),
        "today": today(locations, now=now),
        "could_come": could_come(now=now),
        "asked": asked(now=now),
        "fullness": full(locations, now=now),
        "may_see_reports": user.has_perm("bookings.view_reports"),
    }


def to_do(*, now):
    """How many wait for what: name, number, how many of them are late, and where they are listed."""
    numbers = lists.counts(TO_DO, now=now)
    late = AppointmentRequest.objects.filter(lists.needs_reply(now), reply_until__lt=now).count()
    return [
        {
            "name": lists.LISTS[name].label,
            "number": numbers[name],
            "late": late if name == "needs_reply" else 0,
            "url": listed(list=name),
        }
        for name in TO_DO
    ]


def today(locations, *, now):
    """The visits of each location's own today: how many, and how many of these patients have come."""
    numbers = {
        row.pop("schedule__location"): row
        for row in lists.visits_today(now=now)
        .order_by()
        .values("schedule__location")
        .annotate(number=Count("pk"), came=Count("pk", filter=Q(status__in=[Visit.ARRIVED, Visit.FULFILLED])))
    }
    return [
        {
            "place": place,
            "url": listed(list="today", location__id__exact=place.pk),
            **numbers.get(place.pk, {"number": 0, "came": 0}),
        }
        for place in locations
    ]


def could_come(*, now):
    """Times of the next days that were given back and are free still, each with who waits for it.

    Who waits longest comes first and is named once, with the first such time; the page it leads to
    offers that very time. Seven queries, however many there are.
    """
    given_back = _given_back(now=now)
    waiting = AppointmentRequest.objects.filter(status=AppointmentRequest.Status.WAITLISTED)
    longest = waiting.order_by("created_at", "pk").select_related("visit_type", "location")
    rules = list(OpeningHours.objects.all()) if given_back else []
    found = []
    for asked in longest.prefetch_related("periods")[:LOOKED_AT] if given_back else []:
        time = next((one for one in given_back if _suits(asked, *one) and _is_open(asked, *one, rules)), None)
        if time:
            given_back = [one for one in given_back if not _overlap(one, time)]
            starts_at = _start(asked, time[1])
            url = f"{phone_address(time[0], starts_at)}#waiting"
            found.append({"asked": asked, "when": asked.location.time_in_words(starts_at), "url": url})
    return found


def _given_back(*, now):
    """The schedules and the times (with those before and after the visit) that are free again, by time."""
    soon = (now, now + AHEAD)
    cancelled = Appointment.objects.filter(status=Visit.CANCELLED, period__startswith__range=soon)
    # Few events are moves: told so, Postgres expects few rows, and begins at the index by itself.
    moved = Event.objects.filter(freed__isnull=False, freed__startswith__range=soon)
    found = [
        *_still_free(cancelled, "schedule", "occupied", now=now),
        *_still_free(moved, "freed_in", "freed", now=now),
    ]
    return sorted(found, key=lambda one: (one[1].lower, one[0].pk))


def _still_free(rows, schedule, time, *, now):
    taken = occupying(now=now).filter(schedule=OuterRef(schedule), occupied__overlap=OuterRef(time))
    closed = Closure.objects.filter(
        Q(schedule=None) | Q(schedule=OuterRef(schedule)),
        location=OuterRef(f"{schedule}__location"),
        starts_at__lt=OuterRef(f"{time}__endswith"),
        ends_at__gt=OuterRef(f"{time}__startswith"),
    )
    open_ones = rows.filter(~Exists(closed), **{f"{schedule}__is_active": True})
    free = open_ones.filter(~Exists(taken)).order_by(time)
    free = free.select_related(f"{schedule}__location").prefetch_related(f"{schedule}__visit_types")
    return [(getattr(row, schedule), getattr(row, time)) for row in free[:LOOKED_AT]]


def _start(asked, time):
    """When the visit that is waited for would begin in the time that was given back."""
    return time.lower + minutes(asked.visit_type.minutes_before)


def _overlap(one, other):
    """A time may have been given back more than once."""
    return one[0] == other[0] and one[1].lower < other[1].upper and other[1].lower < one[1].upper


def _suits(asked, schedule, time):
    starts_at = _start(asked, time)
    return (
        schedule.location_id == asked.location_id
        and asked.visit_type in schedule.visit_types.all()
        and occupied_by(asked.visit_type, starts_at)[1] <= time.upper
        and columns.suits(asked, starts_at)
    )


def _is_open(asked, schedule, time, rules):
    """Whether the place still opens then: it may have other hours than when the time was taken."""
    place, starts_at = schedule.location, _start(asked, time)
    hours = hours_of(schedule, rules)
    days = [place.local(starts_at).date() + timedelta(days=number) for number in (-1, 0, 1)]
    openings = merged(opening for day in days for opening in open_intervals(hours, day, place.zone))
    ends_at = starts_at + minutes(asked.visit_type.minutes)
    return any(opens <= starts_at and ends_at <= closes for opens, closes in openings)


def asked(*, now):
    """Requests and first replies of the last weeks: picture and table."""
    this_week = counting.monday(timezone.localdate(now))
    span = Span(this_week - counting.A_WEEK * (WEEKS - 1), WEEKS)
    found = reports.numbers(span, "replies", of_each=False)["replies"]
    by_week = {row["week"]: row for row in found if "place" not in row}
    rows = [
        (week, *(by_week.get(week, {}).get(number, 0) for number in ("asked", "answered")))
        for week in span.mondays
    ]
    series = [("asked", [row[1] for row in rows]), ("answered", [row[2] for row in rows])]
    labels = [f"{week.month}/{week.day}" for week in span.mondays]
    caption = f"Requests from the website in the last {WEEKS} weeks, and how many have an answer"
    return {"picture": charts.columns("asked", caption, labels, series), "caption": caption, "rows": rows}


def full(locations, *, now):
    """How full each of the next days is at each location: the share of open time that is taken."""
    todays = {place.pk: place.local(now).date() for place in locations}
    sums = defaultdict(lambda: [0, 0])
    # It may be tomorrow already in the east.
    for use in fullness.use(min(todays.values()), DAYS + 1) if todays else []:
        of_day = sums[use.schedule.location_id, use.day]
        of_day[0] += use.open
        of_day[1] += use.taken
    return [_fullness(place, todays[place.pk], sums) for place in locations]


def _fullness(place, first, sums):
    rows = []
    for day in (first + timedelta(days=number) for number in range(DAYS)):
        opened, taken = sums[place.pk, day]
        rows.append((day, round(100 * taken / opened) if opened else None))
    caption = f"{place}: share of open time that is taken, in percent"
    labels = [f"{day:%a}"[0] + f"\n{day.day}" for day, _ in rows]
    picture = charts.columns(
        f"full-{place.pk}", caption, labels, [("taken", [share for _, share in rows])], top=100
    )
    return {"place": place, "picture": picture, "caption": caption, "rows": rows}


def listed(**filters):
    return f"{reverse('admin:bookings_appointmentrequest_changelist')}?{urlencode(filters)}"

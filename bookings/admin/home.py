"""The staff's first page: what needs doing now, in numbers that lead to lists, and two pictures."""

from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse

from bookings import charts, reports
from bookings.admin import columns, lists
from bookings.admin.day import day_address
from bookings.availability import instant
from bookings.models import Appointment, AppointmentRequest, Location
from bookings.reports import Span

WEEKS, DAYS = 8, 14
WAITING_SHOWN = 10  # of each location
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
        "could_come": [each for place in locations for each in could_come(place, now=now)],
        "asked": asked(now=now),
        "fullness": [full(place, now=now) for place in locations],
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
    found = []
    for place in locations:
        day = place.local(now).date()
        midnight = instant(day, time.min, place.zone)
        visits = Appointment.objects.filter(
            schedule__location=place,
            status__in=[Visit.BOOKED, Visit.ARRIVED, Visit.FULFILLED, Visit.NOSHOW],
            period__startswith__gte=midnight,
            period__startswith__lt=instant(day + timedelta(days=1), time.min, place.zone),
        )
        numbers = visits.aggregate(
            number=Count("pk"), came=Count("pk", filter=Q(status__in=[Visit.ARRIVED, Visit.FULFILLED]))
        )
        found.append({"place": place, "url": listed(list="today", location__id__exact=place.pk), **numbers})
    return found


def could_come(place, *, now):
    """Who waits at a place and could have a time that is free in the next days: the first one that suits.

    The longest waiting first, at most so many; the day it leads to offers the time.
    """
    waiting = columns.waiting_at(place)[:WAITING_SHOWN]
    if not waiting:
        return []
    sheet = columns.Sheet(place, place.local(now).date(), DAYS, now=now)
    return [
        {
            "asked": asked,
            "when": place.time_in_words(start),
            "url": day_address(place, place.local(start).date()),
        }
        for asked in waiting
        if (start := _first_that_suits(asked, sheet))
    ]


def _first_that_suits(asked, sheet):
    starts = (start for day in sheet.days for start, _ in sheet.starts_for(asked, day))
    return next((start for start in starts if columns.suits(asked, start)), None)


def asked(*, now):
    """Requests and first replies of the last weeks: picture and table."""
    span = Span(reports.monday(now.date()) - reports.A_WEEK * (WEEKS - 1), WEEKS)
    by_week = {row["week"]: row for row in reports.answered(span) if "place" not in row}
    rows = [
        (week, by_week[week]["asked"], by_week[week]["answered"]) if week in by_week else (week, 0, 0)
        for week in span.mondays
    ]
    series = [("asked", [row[1] for row in rows]), ("answered", [row[2] for row in rows])]
    labels = [f"{week.month}/{week.day}" for week in span.mondays]
    caption = f"Requests from the website in the last {WEEKS} weeks, and how many have an answer"
    return {"picture": charts.columns("asked", caption, labels, series), "caption": caption, "rows": rows}


def full(place, *, now):
    """How full each of the next days is at a location: the share of open time that is taken."""
    first = place.local(now).date()
    days = [first + timedelta(days=number) for number in range(DAYS)]
    minutes = {day: [0, 0] for day in days}
    for use in reports.use(first, DAYS, location=place):
        minutes[use.day][0] += use.open
        minutes[use.day][1] += use.taken
    rows = [
        (day, round(100 * taken / opened) if opened else None) for day, (opened, taken) in minutes.items()
    ]
    caption = f"{place}: share of open time that is taken, in percent"
    labels = [f"{day:%a}"[0] + f"\n{day.day}" for day in days]
    picture = charts.columns(
        f"full-{place.pk}", caption, labels, [("taken", [share for _, share in rows])], top=100
    )
    return {"place": place, "picture": picture, "caption": caption, "rows": rows}


def listed(**filters):
    return f"{reverse('admin:bookings_appointmentrequest_changelist')}?{urlencode(filters)}"

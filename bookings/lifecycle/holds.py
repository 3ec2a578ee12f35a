"""How much of a schedule may be held at once by requests from the website that nobody has answered.

Otherwise whoever has a few mailboxes could hold every time there is. What is shared out is the time of
two weeks that is not booked: one network may hold a tenth of it (a setting). Once a quarter is held,
the rest is for networks that hold nothing there yet; once half is held, nobody's time is held, and
staff decide. docs/rate-limits.md has the reasons.

What staff hold, or enter, is neither limited nor counted.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Q

from bookings.availability import days_of, hours_of, occupied_by, occupying, open_intervals
from bookings.fullness import total_minutes, without
from bookings.intervals import merged
from bookings.lifecycle.claims import Choice
from bookings.models import Appointment, AppointmentRequest, Closure, OpeningHours, Schedule

DAYS = 14
# Of the time that is not booked: from here on a network may hold one time only, and nobody another one.
ONE_EACH_FROM, NONE_FROM = 1 / 4, 1 / 2

FROM_STRANGERS = Q(
    status=Appointment.Status.PENDING,
    request__created_via=AppointmentRequest.Via.WEB,
    request__status__in=[AppointmentRequest.Status.UNVERIFIED, AppointmentRequest.Status.PENDING],
)


def with_room(
    request: AppointmentRequest, choice: Choice, schedules: Iterable[Schedule], *, now: datetime
) -> list[Schedule]:
    """Those of the locked schedules in which one more time may be held for the request.

    All that its network holds in a schedule counts, whenever it is; what the request itself holds does
    not. A network that is not known is limited by what everybody holds alone.
    """
    schedules = list(schedules)
    if not schedules:
        return []
    wanted = total_minutes([occupied_by(choice.visit_type, choice.starts_at)])
    held = _held(request, schedules, now=now)
    unbooked = _unbooked(choice, schedules, now=now)
    return [
        schedule
        for schedule in schedules
        if _has_room(wanted, held[schedule.pk], unbooked[schedule.pk], request.network)
    ]


def _has_room(wanted, held, unbooked, network):
    """All in minutes; `held` by the code of the network."""
    together = sum(held.values())
    if not together:
        return True  # however little is left, it can be asked for
    if together >= unbooked * NONE_FROM:
        return False
    if not network or not held[network]:
        return True
    most = unbooked * settings.LIMITS["percent_held_by_network"] / 100
    return held[network] + wanted <= most and together + wanted <= unbooked * ONE_EACH_FROM


def _held(request, schedules, *, now):
    """Minutes held in each schedule (by its key) for strangers, by the code of their network."""
    holds = Appointment.objects.filter(FROM_STRANGERS, schedule__in=schedules, held_until__gt=now)
    rows = holds.exclude(request=request).values_list("schedule", "request__network", "occupied")
    held = defaultdict(lambda: defaultdict(int))
    for schedule, network, occupied in rows.order_by():
        held[schedule][network] += total_minutes([(occupied.lower, occupied.upper)])
    return held


def _unbooked(choice, schedules, *, now):
    """Minutes of each schedule (by its key) that are open and not booked, in two weeks.

    These are the next ones, or where the time that is wanted comes later, those from its day on.
    """
    place = choice.location
    wanted_day, today = place.local(choice.starts_at).date(), place.local(now).date()
    first = today if wanted_day < today + timedelta(days=DAYS) else wanted_day
    begin, end = days_of(first, DAYS, place.zone)
    window = occupied_by(choice.visit_type, begin)[0], occupied_by(choice.visit_type, end)[1]
    rules = list(OpeningHours.objects.filter(Q(location=place, schedule=None) | Q(schedule__in=schedules)))
    closures = Closure.objects.filter(location=place, starts_at__lt=window[1], ends_at__gt=window[0])
    booked = (
        occupying(now=now)
        .filter(schedule__in=schedules, occupied__overlap=window)
        .exclude(pk__in=Appointment.objects.filter(FROM_STRANGERS, schedule__in=schedules).values("pk"))
    )
    taken = defaultdict(list)
    for schedule, *occupied in booked.order_by().values_list(
        "schedule", "occupied__startswith", "occupied__endswith"
    ):
        taken[schedule].append(tuple(occupied))
    for closure in closures:
        for schedule in schedules:
            if closure.schedule_id in (None, schedule.pk):
                taken[schedule.pk].append((closure.starts_at, closure.ends_at))
    return {
        schedule.pk: total_minutes(
            without(_openings(hours_of(schedule, rules), first, place.zone), merged(taken[schedule.pk]))
        )
        for schedule in schedules
    }


def _openings(rules, first: date, zone):
    days = (first + timedelta(days=number) for number in range(DAYS))
    return merged(opening for day in days for opening in open_intervals(rules, day, zone))

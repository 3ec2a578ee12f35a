"""How the desk is doing, in numbers only: nothing here tells one patient from another.

A week begins on Monday at midnight of the location. What is about requests counts in the week in
which they were asked, what is about visits in the week of the visit.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import (
    Aggregate,
    Count,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
)
from django.db.models.functions import Coalesce

from bookings.availability import Interval, merged, minutes, open_intervals
from bookings.models import (
    Appointment,
    AppointmentRequest,
    Closure,
    Event,
    Location,
    Message,
    OpeningHours,
    Schedule,
)

A_WEEK, A_DAY = timedelta(days=7), timedelta(days=1)
# What counts as an answer of the clinic.
REPLIES = ["accept", "offer", "decline", "waitlist"]

Status, Visit = AppointmentRequest.Status, Appointment.Status


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
    def end(self) -> date:
        """The Monday after."""
        return self.first + A_WEEK * self.weeks


def monday(day: date) -> date:
    """The Monday of that day's week."""
    return day - A_DAY * day.weekday()


class LocalWeek(Func):
    """The Monday of an instant's week in a time zone, both given as expressions."""

    template = "date_trunc('week', %(expressions)s)::date"
    arg_joiner = " AT TIME ZONE "
    output_field = DateField()


class Percentile(Aggregate):
    """PostgreSQL's percentile_cont: the length of time that so large a share stays below."""

    template = "percentile_cont(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def requests(span: Span) -> list[dict]:
    """How many were asked and what came of them; `unconfirmed` of the expired were never confirmed."""
    unconfirmed = Q(events__verb="expire", events__from_status=Status.UNVERIFIED)
    return _grouped(
        AppointmentRequest.objects.all(),
        span,
        at="created_at",
        place="location",
        asked=Count("pk", distinct=True),
        **{str(status): Count("pk", distinct=True, filter=Q(status=status)) for status in Status},
        unconfirmed=Count("pk", distinct=True, filter=unconfirmed),
    )


def replies(span: Span) -> list[dict]:
    """How long patients who asked on the website waited for the first answer: median and 90th percentile.

    The wait begins when the request reached the clinic: confirmed, where that was asked for.
    """
    first = Event.objects.filter(request=OuterRef("pk"), verb__in=REPLIES, by__isnull=False).order_by("at")
    wait = Subquery(first.values("at")[:1]) - Coalesce("verified_at", "created_at")
    return _grouped(
        AppointmentRequest.objects.filter(created_via=AppointmentRequest.Via.WEB).annotate(
            wait=ExpressionWrapper(wait, output_field=DurationField())
        ),
        span,
        at="created_at",
        place="location",
        asked=Count("pk"),
        answered=Count("pk", filter=Q(wait__isnull=False)),
        median=Percentile("wait", share=0.5),
        ninetieth=Percentile("wait", share=0.9),
    )


def visits(span: Span) -> list[dict]:
    """What came of the visits that were booked; holds and errors are none."""
    was_one = Q(status__in=[Visit.BOOKED, Visit.ARRIVED, Visit.FULFILLED, Visit.NOSHOW])
    return _grouped(
        Appointment.objects.filter(was_one | (Q(status=Visit.CANCELLED) & ~Q(cancel_reason=""))),
        span,
        at="period__startswith",
        place="schedule__location",
        booked=Count("pk"),
        fulfilled=Count("pk", filter=Q(status=Visit.FULFILLED)),
        noshow=Count("pk", filter=Q(status=Visit.NOSHOW)),
        cancelled=Count("pk", filter=Q(status=Visit.CANCELLED)),
        unresolved=Count("pk", filter=Q(status__in=[Visit.BOOKED, Visit.ARRIVED])),
    )


def cancellations(span: Span) -> list[dict]:
    """How long before its start a visit was cancelled, and by whom."""
    notice = ExpressionWrapper(F("starts_at") - F("at"), output_field=DurationField())
    return _grouped(
        Event.objects.filter(verb="cancel").annotate(notice=notice),
        span,
        at="starts_at",
        place="request__location",
        cancelled=Count("pk"),
        under_a_day=Count("pk", filter=Q(notice__lt=A_DAY)),
        under_a_week=Count("pk", filter=Q(notice__gte=A_DAY, notice__lt=A_WEEK)),
        earlier=Count("pk", filter=Q(notice__gte=A_WEEK)),
        by_patient=Count("pk", filter=Q(by=None)),
        by_clinic=Count("pk", filter=Q(by__isnull=False)),
    )


def messages(span: Span) -> list[dict]:
    """What became of the e-mail to patients that was due in these weeks."""
    return _grouped(
        Message.objects.exclude(kind__in=Message.TO_STAFF),
        span,
        at="due_at",
        place="request__location",
        owed=Count("pk"),
        **{str(status): Count("pk", filter=Q(status=status)) for status in Message.Status},
    )


def _grouped(found, span, *, at, place, **numbers):
    """These numbers by week and place, then by place, then by week; what is not grouped by is left out."""
    found = found.annotate(week=LocalWeek(F(at), F(f"{place}__time_zone")), place=F(f"{place}__name")).filter(
        week__gte=span.first, week__lt=span.end
    )
    if span.location:
        found = found.filter(**{place: span.location})
    groups = [("week", "place"), ("place",), ("week",)]
    return [row for group in groups for row in found.order_by(*group).values(*group).annotate(**numbers)]


@dataclass(frozen=True)
class Use:
    """How much of a schedule's open time is taken on one day, in minutes."""

    schedule: Schedule
    day: date
    open: int
    taken: int


def use(first: date, days: int, *, location: Location | None = None) -> list[Use]:
    """The use of each active schedule on each of these local days, in order of schedule and day.

    Open is what the weekly hours give less what is closed; taken is what visits and holds occupy,
    the time before and after them too. Visits outside opening hours count, so taken may be more.
    """
    schedules = Schedule.objects.filter(is_active=True).select_related("location")
    schedules = list(schedules.filter(location=location) if location else schedules)
    midnight = datetime.combine(first, time.min, UTC)
    around = (midnight - A_DAY, midnight + A_DAY * (days + 1))  # a day more, for any time zone
    hours = list(OpeningHours.objects.filter(location__in={each.location_id for each in schedules}))
    closures = list(Closure.objects.filter(starts_at__lt=around[1], ends_at__gt=around[0]))
    taken = _taken(schedules, around)
    return [
        Use(
            schedule,
            day,
            open=_minutes(_open(schedule, day, hours, closures)),
            taken=taken[schedule.pk, day],
        )
        for schedule in schedules
        for day in (first + A_DAY * number for number in range(days))
    ]


def _taken(schedules, around):
    """Minutes that are occupied, by schedule and the local day on which the visit starts."""
    zones = {each.pk: each.location.zone for each in schedules}
    was_there = Q(status__in=[*Appointment.OCCUPYING, Visit.FULFILLED, Visit.NOSHOW])
    rows = Appointment.objects.filter(was_there, schedule__in=schedules, period__startswith__range=around)
    taken: dict[tuple[int, date], int] = defaultdict(int)
    for schedule, starts_at, begins, ends in rows.order_by().values_list(
        "schedule_id", "period__startswith", "occupied__startswith", "occupied__endswith"
    ):
        taken[schedule, starts_at.astimezone(zones[schedule]).date()] += _minutes([(begins, ends)])
    return taken


def _open(schedule, day, hours, closures):
    """The open time of that local day that no closure takes away."""
    own = [rule for rule in hours if rule.schedule_id == schedule.pk]
    rules = own or [
        rule for rule in hours if rule.schedule_id is None and rule.location_id == schedule.location_id
    ]
    closed = merged(
        (each.starts_at, each.ends_at)
        for each in closures
        if each.location_id == schedule.location_id and each.schedule_id in (None, schedule.pk)
    )
    return _without(merged(open_intervals(rules, day, schedule.location.zone)), closed)


def _without(intervals: list[Interval], others: list[Interval]) -> list[Interval]:
    """What is left of the intervals outside the others; both as `merged` makes them."""
    left = []
    for start, end in intervals:
        for closes, reopens in others:
            if closes < end and reopens > start:
                if closes > start:
                    left.append((start, closes))
                start = max(start, min(reopens, end))
        if start < end:
            left.append((start, end))
    return left


def _minutes(intervals: list[tuple[datetime, datetime]]) -> int:
    return sum((end - start) // minutes(1) for start, end in intervals)

"""How the desk is doing, in numbers only: nothing here tells one patient from another.

A week begins on Monday at midnight of the location. What is about requests counts in the week in
which they were asked, what is about visits in the week of the visit.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    Count,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Cast, Coalesce, Extract

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


class LocalDay(LocalWeek):
    """The day of an instant in a time zone, likewise."""

    template = "(%(expressions)s)::date"


def percentile(seconds: list[float], share: float) -> timedelta | None:
    """The time below which so large a share lies, as PostgreSQL's percentile_cont; the list is sorted."""
    if not seconds:
        return None
    place = share * (len(seconds) - 1)
    below, above = seconds[int(place)], seconds[min(int(place) + 1, len(seconds) - 1)]
    return timedelta(seconds=below + (above - below) * (place - int(place)))


def requests(span: Span) -> list[dict]:
    """How many were asked and what came of them; `unconfirmed` of the expired were never confirmed."""
    unconfirmed = Event.objects.filter(request=OuterRef("pk"), verb="expire", from_status=Status.UNVERIFIED)
    # Not Exists: for that Postgres may read such events of all the years at once.
    first = Subquery(unconfirmed.values("pk")[:1])
    return _grouped(
        AppointmentRequest.objects.all(),
        span,
        at="created_at",
        place="location",
        asked=Count("pk"),
        **{str(status): Count("pk", filter=Q(status=status)) for status in Status},
        unconfirmed=Count(first, filter=Q(status=Status.EXPIRED)),
    )


def answered(span: Span) -> list[dict]:
    """How many asked on the website, and how many of them have an answer."""
    return _grouped(**_from_the_web(span), answered=Count(_first_answer()))


def replies(span: Span) -> list[dict]:
    """How long patients who asked on the website waited for the first answer: median and 90th percentile.

    The wait begins when the request reached the clinic: confirmed, where that was asked for.
    """
    wait = ExpressionWrapper(
        _first_answer() - Coalesce("verified_at", "created_at"), output_field=DurationField()
    )
    seconds = Cast(Extract(wait, "epoch"), FloatField())
    rows = _grouped(**_from_the_web(span), waits=ArrayAgg(seconds, default=[]))
    for row in rows:
        waits = sorted(wait for wait in row.pop("waits") if wait is not None)
        row |= {
            "answered": len(waits),
            "median": percentile(waits, 0.5),
            "ninetieth": percentile(waits, 0.9),
        }
    return rows


def _first_answer():
    answers = Event.objects.filter(request=OuterRef("pk"), verb__in=REPLIES, by__isnull=False)
    return Subquery(answers.order_by("at").values("at")[:1])


def _from_the_web(span):
    asked = AppointmentRequest.objects.filter(created_via=AppointmentRequest.Via.WEB)
    return {"found": asked, "span": span, "at": "created_at", "place": "location", "asked": Count("pk")}


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
    """These numbers by week and place, then by place, then by week; what is not grouped by is left out.

    Only the rows of these weeks are read, through an index on `at`, and once.
    """
    begin, end = (datetime.combine(day, time.min, UTC) for day in (span.first, span.end))
    around = {f"{at}__gte": begin - A_DAY, f"{at}__lt": end + A_DAY}  # a day more, for any time zone
    found = found.filter(**around).annotate(
        week=LocalWeek(F(at), F(f"{place}__time_zone")), place=F(f"{place}__name")
    )
    if span.location:
        found = found.filter(**{place: span.location})
    rows = found.order_by("week", "place").values("week", "place").annotate(**numbers)
    # Postgres cannot guess how many rows a condition on `week` leaves, and would choose a slow way.
    rows = [row for row in rows if span.first <= row["week"] < span.end]
    return [*rows, *_summed(rows, "place", numbers), *_summed(rows, "week", numbers)]


def _summed(rows, name, numbers):
    sums = {}
    for row in rows:
        one = sums.setdefault(row[name], {name: row[name]})
        for number in numbers:
            one[number] = one[number] + row[number] if number in one else row[number]
    return [sums[each] for each in sorted(sums)]


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
    openings = {}  # most schedules are open like others of their location: these are worked out once
    return [
        Use(
            schedule,
            day,
            open=_minutes(_open(schedule, day, hours, closures, openings)),
            taken=taken[schedule.pk, day],
        )
        for schedule in schedules
        for day in (first + A_DAY * number for number in range(days))
    ]


def _taken(schedules, around):
    """Minutes that are occupied, by schedule and the local day on which the visit starts."""
    was_there = Q(status__in=[*Appointment.OCCUPYING, Visit.FULFILLED, Visit.NOSHOW])
    rows = Appointment.objects.filter(was_there, schedule__in=schedules, period__startswith__range=around)
    day = LocalDay(F("period__startswith"), F("schedule__location__time_zone"))
    length = ExpressionWrapper(F("occupied__endswith") - F("occupied__startswith"), DurationField())
    sums = rows.order_by().values("schedule_id", day=day).annotate(length=Sum(length))
    taken: dict[tuple[int, date], int] = defaultdict(int)
    for row in sums:
        taken[row["schedule_id"], row["day"]] = row["length"] // minutes(1)
    return taken


def _open(schedule, day, hours, closures, known):
    """The open time of that local day that no closure takes away; `known` keeps what was worked out."""
    own = any(rule.schedule_id == schedule.pk for rule in hours)
    key = (schedule.location_id, schedule.pk if own else None, day)
    if key not in known:
        rules = [
            rule for rule in hours if rule.schedule_id == key[1] and rule.location_id == schedule.location_id
        ]
        known[key] = merged(open_intervals(rules, day, schedule.location.zone))
    closed = merged(
        (each.starts_at, each.ends_at)
        for each in closures
        if each.location_id == schedule.location_id and each.schedule_id in (None, schedule.pk)
    )
    return _without(known[key], closed)


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

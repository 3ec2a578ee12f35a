"""The lists of the front desk: what waits for somebody, in the order in which it should be done."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib import admin, messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from bookings.availability import instant
from bookings.models import Appointment, AppointmentRequest, Event, Location, Message

Status, Visit = AppointmentRequest.Status, Appointment.Status
TO_COME_OR_CAME = (Visit.BOOKED, Visit.ARRIVED, Visit.FULFILLED, Visit.NOSHOW)


@dataclass(frozen=True)
class List:
    """One list: which requests stand in it at an instant, and in which order."""

    label: str
    requests: Callable[[datetime], Q]
    order: tuple[str, ...]
    empty: str


def needs_reply(now: datetime) -> Q:
    return Q(status=Status.PENDING)


def unverified(now: datetime) -> Q:
    return Q(status=Status.UNVERIFIED)


def waiting(now: datetime) -> Q:
    return Q(status=Status.WAITLISTED)


def today(now: datetime) -> Q:
    """Visits of the day that it is at each location."""
    return Q(pk__in=visits_today(now=now).values("request"))


def unresolved(now: datetime) -> Q:
    """Visits that are over and of which nobody has said what came of them."""
    over = Appointment.objects.filter(status__in=[Visit.BOOKED, Visit.ARRIVED], period__endswith__lte=now)
    return Q(pk__in=over.values("request"), erased_at=None)


def mail_problems(now: datetime) -> Q:
    """A message to the patient failed; since then nobody has phoned and no other message got through."""
    same = {"request": OuterRef("request")}
    phoned = Event.objects.filter(**same, verb="phone", at__gte=OuterRef("due_at"))
    got_through = Message.objects.filter(**same, status=Message.Status.SENT, pk__gt=OuterRef("pk")).exclude(
        kind__in=Message.TO_STAFF
    )
    failed = Message.objects.filter(status=Message.Status.FAILED).exclude(kind__in=Message.TO_STAFF)
    return Q(pk__in=failed.exclude(Exists(phoned)).exclude(Exists(got_through)).values("request"))


def estimates(now: datetime) -> Q:
    """Visits ahead of patients who pay without insurance and are still owed a written estimate."""
    ahead = Appointment.objects.filter(status=Visit.BOOKED, period__startswith__gt=now)
    return Q(estimate_due_on__isnull=False, pk__in=ahead.values("request"))


LISTS = {
    "needs_reply": List("Needs reply", needs_reply, ("reply_until", "pk"), "Nobody waits for a reply."),
    "unverified": List(
        "Unverified", unverified, ("is_suspect", "created_at", "pk"), "Every address is confirmed."
    ),
    "today": List("Today", today, ("starts", "pk"), "No visit today."),
    "mail_problems": List("Mail problems", mail_problems, ("reply_until", "pk"), "All email arrived."),
    "unresolved": List("Unresolved", unresolved, ("starts", "pk"), "Every past visit is accounted for."),
    "estimates": List(
        "Estimates", estimates, ("estimate_due_on", "pk"), "Everybody who must get an estimate has it."
    ),
    "waiting": List("Waiting list", waiting, ("created_at", "pk"), "Nobody is on the waiting list."),
}
FIRST = "needs_reply"


def chosen(parameters) -> str:
    """The list that the address asks for, or “all”: who searches or names a status looks everywhere."""
    wanted = parameters.get("list")
    if parameters.get("q") or wanted == "all":
        return "all"
    if wanted in LISTS:
        return wanted
    return "all" if parameters.get("status") or parameters.get("day") else FIRST


def counts(names: Iterable[str] = LISTS, *, now: datetime) -> dict[str, int]:
    """How many requests stand in each of these lists."""
    return {name: AppointmentRequest.objects.filter(LISTS[name].requests(now)).count() for name in names}


def visits_today(*, now: datetime) -> QuerySet[Appointment]:
    """What is booked for the day that it is at each location, and what came of it."""
    in_days = local_days("period__startswith", "schedule__location", lambda today: (today, today), now=now)
    return Appointment.objects.filter(in_days, status__in=TO_COME_OR_CAME)


def local_days(field: str, place: str, days: Callable[[date], tuple[date, date]], *, now: datetime) -> Q:
    """Whatever `field` falls on the first to the last of `days` (given today) where it happens."""
    found = Q(pk__in=[])
    for location in Location.objects.all():
        first, last = days(location.local(now).date())
        found |= Q(
            **{
                place: location,
                f"{field}__gte": instant(first, time.min, location.zone),
                f"{field}__lt": instant(last + timedelta(days=1), time.min, location.zone),
            }
        )
    return found


class ListFilter(admin.SimpleListFilter):
    """Chosen above the table, not beside it."""

    title, parameter_name, template = "list", "list", "admin/bookings/list_stands_above.html"

    def lookups(self, request, model_admin):
        return [("all", "All"), *((name, one.label) for name, one in LISTS.items())]

    def queryset(self, request, queryset):
        name = chosen(request.GET)
        if name == "all":
            return queryset
        return queryset.filter(LISTS[name].requests(timezone.now()))


START = Subquery(
    Appointment.objects.filter(request=OuterRef("pk"))
    .exclude(status=Visit.CANCELLED, cancel_reason="")
    .order_by("-pk")
    .annotate(starts=F("period__startswith"))
    .values("starts")[:1]
)


class StatusFilter(admin.SimpleListFilter):
    """Every status, also those that stand in no list; it looks beyond the list."""

    title, parameter_name = "status", "status"

    def lookups(self, request, model_admin):
        return Status.choices

    def choices(self, changelist):
        for value, label in [(None, "Any"), *self.lookup_choices]:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({"status": value}, ["list"]),
                "display": label,
            }

    def queryset(self, request, queryset):
        return queryset.filter(status=self.value()) if self.value() else queryset


class DayFilter(admin.SimpleListFilter):
    """The day of the visit, or the one asked for: a word, or a date like 2027-03-10."""

    title, parameter_name, template = "day", "day", "admin/bookings/day_filter.html"
    WORDS = {"today": ("Today", 0, 0), "tomorrow": ("Tomorrow", 1, 1), "week": ("The next 7 days", 0, 6)}

    def lookups(self, request, model_admin):
        return [(word, label) for word, (label, _, _) in self.WORDS.items()]

    def queryset(self, request, queryset):
        word = self.value()
        if not word:
            return queryset
        if word in self.WORDS:
            _, first, last = self.WORDS[word]
            return queryset.filter(on_days(lambda today: (_after(today, first), _after(today, last))))
        try:
            day = date.fromisoformat(word)
            for beside in (-1, 1):  # the day may begin, or end, on another one in UTC
                _after(day, beside)
        except (ValueError, OverflowError):
            messages.warning(request, f"“{word[:20]}” is not a day. Write it like 2027-03-10.")
            return queryset
        return queryset.filter(on_days(lambda today: (day, day)))


def on_days(days):
    now = timezone.now()
    held = Appointment.objects.filter(
        local_days("period__startswith", "schedule__location", days, now=now),
        status__in=[*Appointment.OCCUPYING, Visit.FULFILLED, Visit.NOSHOW],
    )
    wanted = AppointmentRequest.objects.filter(local_days("wanted_at", "location", days, now=now))
    # Each half has an index; Postgres uses none of them for a condition that says “or” between tables.
    return Q(pk__in=wanted.order_by().values("pk").union(held.order_by().values("request")))


def _after(day, count):
    return day + timedelta(days=count)

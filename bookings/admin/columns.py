"""The day as a sheet: a column for each schedule, cut into pieces of one kind each.

Reads and arithmetic only; everything is an instant in UTC until it is written for people.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from django.db.models import Q

from bookings.admin import times
from bookings.availability import free_starts, hours_of, instant, minutes, occupied_by, open_intervals
from bookings.intervals import Interval, merged, overlaps_any
from bookings.models import (
    Appointment,
    AppointmentRequest,
    Closure,
    Location,
    OpeningHours,
    Schedule,
    VisitType,
)

HALF_AN_HOUR = timedelta(minutes=30)
SHOWN = (*Appointment.OCCUPYING, Appointment.Status.FULFILLED, Appointment.Status.NOSHOW)


@dataclass(frozen=True)
class Piece:
    """A part of a column: `free`, `taken` by visits, `closed` for a reason, or `shut` (no opening hours)."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    visits: tuple[Appointment, ...] = ()
    reason: str = ""


@dataclass
class Column:
    """One schedule on one local day. `openings`, `closed` and `taken` reach a day further on both sides."""

    schedule: Schedule
    openings: list[Interval]
    closures: list[Closure]
    visits: list[Appointment]
    rules: list[OpeningHours] = field(default_factory=list)

    @property
    def taken(self) -> list[Interval]:
        occupying = [visit for visit in self.visits if visit.status in Appointment.OCCUPYING]
        return [(visit.occupied.lower, visit.occupied.upper) for visit in occupying]

    @property
    def closed(self) -> list[Interval]:
        return [(closure.starts_at, closure.ends_at) for closure in self.closures]


class Sheet:
    """Everything that a location's days show, in five queries whatever their number."""

    def __init__(self, location: Location, first_day: date, days: int, *, now: datetime):
        self.location, self.now = location, now
        self.days = [first_day + timedelta(days=offset) for offset in range(days)]
        last = self.days[-1] + timedelta(days=1)
        self.window = (self.midnight(first_day), self.midnight(last))
        visits = defaultdict(list)
        for visit in self._shown():
            visits[visit.schedule_id].append(visit)
        schedules = Schedule.objects.filter(Q(is_active=True) | Q(pk__in=visits), location=location)
        rules = list(OpeningHours.objects.filter(location=location))
        closures = list(
            Closure.objects.filter(
                location=location, starts_at__lt=self.window[1], ends_at__gt=self.window[0]
            ).order_by("starts_at")
        )
        self.columns = [
            self._column(schedule, rules, closures, visits[schedule.pk])
            for schedule in schedules.prefetch_related("visit_types")
        ]

    def midnight(self, day: date) -> datetime:
        return instant(day, time.min, self.location.zone)

    def _shown(self):
        """Hundreds in a week: only the columns that a sheet shows are read."""
        visits = Appointment.objects.filter(
            ~Q(status=Appointment.Status.PENDING, held_until__lte=self.now),
            schedule__location=self.location,
            status__in=SHOWN,
            occupied__overlap=self.window,
        )
        asked = ("request__reference", "request__patient_name", "request__visit_type__name")
        visits = visits.select_related("request__visit_type").only(
            "schedule", "period", "occupied", "status", "held_until", *asked
        )
        return visits.order_by("occupied", "pk")

    def _column(self, schedule, rules, closures, visits):
        own = hours_of(schedule, rules)
        around = [self.days[0] - timedelta(days=1), *self.days]
        return Column(
            schedule,
            merged(opening for day in around for opening in open_intervals(own, day, self.location.zone)),
            [closure for closure in closures if closure.schedule_id in (None, schedule.pk)],
            visits,
            own,
        )

    def pieces(self, day: date) -> list[list[Piece]]:
        """For each column its pieces, from the first opening or visit of the local day to the last."""
        midnights = (self.midnight(day), self.midnight(day + timedelta(days=1)))
        busy = [piece for column in self.columns for piece in [*column.openings, *_shown_times(column)]]
        today = [clipped for piece in busy if (clipped := _clip(piece, midnights))]
        if not today:
            return []
        window = (min(start for start, _ in today), max(end for _, end in today))
        marks = [*half_hours(*midnights), self.now.replace(second=0, microsecond=0)]
        return [cut(column, window, marks) for column in self.columns]

    def rows(self, day: date) -> list["Row"]:
        """The day as rows of a table, each with the cells that begin there and how many rows they span."""
        columns = self.pieces(day)
        if not columns or not columns[0]:
            return []
        end, this_minute = columns[0][-1].ends_at, self.now.replace(second=0, microsecond=0)
        starts = {piece.starts_at for column in columns for piece in column}
        marks = half_hours(self.midnight(day), self.midnight(day + timedelta(days=1)))
        starts |= {mark for mark in [*marks, this_minute] if columns[0][0].starts_at <= mark < end}
        times = sorted(starts)
        cells = {at: [] for at in times}
        for column, pieces in zip(self.columns, columns, strict=True):
            for piece in pieces:
                cells[piece.starts_at].append(Cell(column.schedule, piece, _rows(piece, times)))
        return [Row(at, at == this_minute, cells[at]) for at in times]

    def starts_for(self, asked: AppointmentRequest, day: date) -> Iterable[tuple[datetime, Schedule]]:
        """When on the local day and where the visit of a request would fit, by time."""
        visit_type = asked.visit_type
        return sorted(
            (
                (start, column.schedule)
                for column in self.columns
                if column.schedule.is_active and visit_type in column.schedule.visit_types.all()
                for start in free_starts(
                    visit_type, column.rules, column.closed, column.taken, day, 1, self.location.zone
                )
                if start > self.now
            ),
            key=lambda pair: (pair[0], pair[1].position, pair[1].pk),
        )


@dataclass(frozen=True)
class Cell:
    schedule: Schedule
    piece: Piece
    rows: int


@dataclass(frozen=True)
class Row:
    at: datetime
    is_now: bool
    cells: list[Cell]


def _rows(piece, times):
    return bisect_left(times, piece.ends_at) - bisect_left(times, piece.starts_at)


def cut(column: Column, window: Interval, marks: Sequence[datetime]) -> list[Piece]:
    """The column between the ends of the window, without a gap: free time ends at each of the marks."""
    pieces = []
    closed = merged(column.closed)
    edges = {edge for interval in [*column.openings, *closed] for edge in interval} | set(marks)
    at = window[0]
    for visits, start, end in [*_groups(column, window), ((), window[1], window[1])]:
        cuts = [at, *sorted(edge for edge in edges if at < edge < start), start]
        for left, right in pairwise(cuts):
            if left < right:
                _append(pieces, _untaken(column, left, right, closed))
        if visits:
            pieces.append(Piece("taken", start, end, tuple(visits)))
        at = end
    return pieces


def _untaken(column, start, end, closed):
    if overlaps_any((start, end), closed):
        reasons = {
            closure.get_reason_display().lower()
            for closure in column.closures
            if closure.starts_at < end and closure.ends_at > start
        }
        return Piece("closed", start, end, reason=", ".join(sorted(reasons)))
    if not overlaps_any((start, end), column.openings):
        return Piece("shut", start, end)
    if not column.schedule.is_active:  # it is shown for the visits that it has, and takes no other
        return Piece("closed", start, end, reason="not in use")
    return Piece("free", start, end)


def _append(pieces, piece):
    """What is closed is one piece however long; free time stays in parts that can be chosen."""
    last = pieces[-1] if pieces else None
    if last and piece.kind != "free" and (last.kind, last.reason) == (piece.kind, piece.reason):
        pieces[-1] = Piece(piece.kind, last.starts_at, piece.ends_at, reason=piece.reason)
    else:
        pieces.append(piece)


def _groups(column, window):
    """Visits in the order of time; those that overlap (one did not come, another took the time) together."""
    groups = []
    for visit, shown in zip(column.visits, _shown_times(column), strict=True):
        clipped = _clip(shown, window)
        if not clipped:
            continue
        start, end = clipped
        if groups and start < groups[-1][2]:
            visits, first, last = groups[-1]
            groups[-1] = ([*visits, visit], first, max(last, end))
        else:
            groups.append(([visit], start, end))
    return groups


def _shown_times(column):
    return [(visit.occupied.lower, visit.occupied.upper) for visit in column.visits]


def _clip(interval, window):
    start, end = max(interval[0], window[0]), min(interval[1], window[1])
    return (start, end) if start < end else None


def half_hours(start: datetime, end: datetime) -> list[datetime]:
    """Every half hour from a midnight on: real ones, so of a repeated hour both are there."""
    return [start + HALF_AN_HOUR * step for step in range(int((end - start) / HALF_AN_HOUR) + 1)]


def fits_at(visit_type: VisitType, column: Column, starts_at: datetime) -> bool:
    """Whether the visit could begin then in this column: open, not closed, not taken."""
    length = minutes(visit_type.minutes)
    within = any(opens <= starts_at and starts_at + length <= closes for opens, closes in column.openings)
    return (
        within
        and not overlaps_any((starts_at, starts_at + length), merged(column.closed))
        and not overlaps_any(occupied_by(visit_type, starts_at), merged(column.taken))
    )


# The waiting list


def waiting_at(location: Location) -> list[AppointmentRequest]:
    """Who waits for a time at the location, the longest first; two queries."""
    return list(
        AppointmentRequest.objects.filter(location=location, status=AppointmentRequest.Status.WAITLISTED)
        .order_by("created_at", "pk")
        .select_related("visit_type", "location")
        .prefetch_related("periods")
    )


def suits(asked: AppointmentRequest, starts_at: datetime) -> bool:
    """Whether a start (aware) lies in what the patient said would suit; who said nothing takes any."""
    local = asked.location.local(starts_at)
    periods = asked.periods.all()
    return not periods or any(times.suits(period, local) for period in periods)

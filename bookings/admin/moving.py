"""Choosing a time at the desk: any schedule, any hour; what speaks against it is said before it is taken."""

from datetime import datetime

from django import forms

from bookings import availability
from bookings.admin import times
from bookings.admin.local_time import DayField, HourField, WhichField, read_time
from bookings.forms import QuestionForm
from bookings.lifecycle import Choice
from bookings.models import AppointmentRequest, Event, Location, Schedule, VisitType


def objections(visit_type: VisitType, schedule: Schedule, starts_at: datetime, *, now: datetime) -> list[str]:
    """What speaks against the time, as parts of a sentence; nothing where patients are offered it."""
    standing = times.standing_in(schedule, visit_type, starts_at, now=now)
    return [*standing.objections, *times.rules_broken(visit_type, schedule.location, starts_at, now=now)]


def clash(
    visit_type: VisitType,
    schedule: Schedule,
    starts_at: datetime,
    *,
    now: datetime,
    besides: AppointmentRequest | None = None,
) -> str:
    """A sentence on when the schedule is taken and what is free instead; empty where it is not taken."""
    taken = times.standing_in(schedule, visit_type, starts_at, now=now, besides=besides).taken_by
    if taken is None:
        return ""
    place = schedule.location
    since, until = (place.hour_in_words(end) for end in (taken.occupied.lower, taken.occupied.upper))
    free = instead(visit_type, place, starts_at, now=now)
    return f"{schedule.name} is taken from {since} to {until}. {free}"


def instead(visit_type: VisitType, place: Location, starts_at: datetime, *, now: datetime) -> str:
    """A sentence with the nearest times that are free."""
    slots = availability.nearest(visit_type, place, starts_at, now=now)
    if not slots:
        return "Nothing near it is free."
    return f"Free near it: {'; '.join(place.time_in_words(slot.starts_at) for slot in slots[:4])}."


def weigh(form, time_field: str, broken: list[str]) -> None:
    """A time that breaks rules needs a reason, and somebody who may give one: else say so in the form."""
    if not broken:
        return
    said = f"This time is {', and '.join(broken)}."
    if not form.may_override:
        form.add_error(time_field, f"{said} Choose another time. A manager can book this one")
    elif not form.cleaned_data.get("reason"):
        form.add_error("reason", f"{said} Choose another time, or say why this one")


class TimeForm(QuestionForm):
    """A schedule and a time on its location's clock; a reason where the time is not one we offer.

    After `clean`, `starts_at` is the instant and `place` the location.
    """

    schedule = forms.ModelChoiceField(
        Schedule.objects.select_related("location").prefetch_related("visit_types"),
        label="Chair or room",
        error_messages={"required": "Select a chair or room", "invalid_choice": "Select one of these"},
    )
    day = DayField(label="Day")
    hour = HourField(label="Time", help_text="On the clock of the place.")
    which = WhichField()
    reason = forms.ChoiceField(
        label="Reason, where we would not offer this time",
        help_text="Outside opening hours, in a closure or at short notice. It is kept in the history.",
        choices=[("", "None"), *Event.Override.choices],
        required=False,
    )

    def __init__(self, *args, now, may_override, **kwargs):
        super().__init__(*args, **kwargs)
        self.now, self.starts_at, self.place = now, None, None
        self.may_override = may_override
        if not may_override:
            del self.fields["reason"]

    def ask_which(self, place):
        """A form that is opened with an hour that comes twice shows which one it means."""
        day, hour = self.initial.get("day"), self.initial.get("hour")
        if self.is_bound or not day or hour is None:
            return
        readings = times.read_wall_time(day, hour.replace(fold=0), place)
        if len(readings) == 2:
            self.fields["which"].ask(readings, place)

    def check_time(self, visit_type, *, besides=None):
        """Read the time and say what is against it."""
        schedule = self.cleaned_data.get("schedule")
        self.place = schedule.location if schedule else self.place
        if self.place is None:
            return
        self.starts_at = read_time(self, self.place, day="day", hour="hour", which="which")
        if self.starts_at is None or visit_type is None:
            return
        if self.starts_at <= self.now:
            self.add_error("hour", f"The time has passed: {self.place.time_in_words(self.starts_at)}")
        elif schedule:
            self._check_schedule(visit_type, schedule, besides)

    def _check_schedule(self, visit_type, schedule, besides):
        taken = clash(visit_type, schedule, self.starts_at, now=self.now, besides=besides)
        if taken:
            self.add_error("hour", taken)
        else:
            weigh(self, "hour", objections(visit_type, schedule, self.starts_at, now=self.now))

    def choice(self, visit_type: VisitType) -> Choice:
        """What was chosen, with the reason where it is not a time that we offer."""
        answers = self.cleaned_data
        return Choice(visit_type, self.place, self.starts_at, answers["schedule"], answers.get("reason", ""))


class MoveForm(TimeForm):
    def __init__(self, *args, appointment, **kwargs):
        super().__init__(*args, **kwargs)
        self.appointment = appointment
        self.fields["schedule"].queryset = self.fields["schedule"].queryset.filter(is_active=True)
        self.ask_which(self.initial["schedule"].location)

    def clean(self):
        self.check_time(self.appointment.request.visit_type, besides=self.appointment.request)
        return self.cleaned_data

"""Closing a place or a chair for some days or hours, with the visits that this would hit said before."""

from datetime import time, timedelta

from django import forms
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bookings import availability
from bookings.admin.local_time import DayField, HourField, WhichField, read_time, written
from bookings.models import Appointment, Closure, Schedule


def visits_hit(closure: Closure) -> list[Appointment]:
    """The held and booked visits in the time of the (perhaps unsaved) closure, in order."""
    hit = Appointment.objects.filter(
        schedule__location=closure.location,
        status__in=Appointment.OCCUPYING,
        period__overlap=(closure.starts_at, closure.ends_at),
    )
    if closure.schedule_id:
        hit = hit.filter(schedule=closure.schedule_id)
    return list(hit.select_related("request__location", "schedule").order_by("period", "pk"))


def listed(visits: list[Appointment]) -> SafeString:
    """The visits as a list that leads to their requests, without names."""
    lines = format_html_join(
        "",
        '<li><a href="{}">{}</a>, {}, {} ({})</li>',
        (
            (
                reverse("admin:bookings_appointmentrequest_change", args=[visit.request_id]),
                visit.request.reference,
                visit.request.location.time_in_words(visit.starts_at),
                visit.schedule.name,
                visit.get_status_display(),
            )
            for visit in visits
        ),
    )
    return format_html("<ul>{}</ul>", lines)


class Understood(forms.CheckboxInput):
    """Ticked, it says which visits were seen: of others one has to be told first."""

    def __init__(self, seen):
        super().__init__(attrs={"value": seen}, check_test=lambda value: False)

    def format_value(self, value):
        return None


class ClosureForm(forms.ModelForm):
    """First and last day, and hours only where it is not whole days: on the clock of the location."""

    day = DayField(label="First day")
    hour = HourField(label="From", required=False, help_text="Empty: from the start of that day.")
    which = WhichField()
    last_day = DayField(label="Last day", required=False, help_text="Empty: only the first day.")
    last_hour = HourField(label="Until", required=False, help_text="Empty: until the end of that day.")
    last_which = WhichField()
    understood = forms.CharField(
        label="Close all the same. I will move or cancel these visits",
        widget=forms.HiddenInput,
        required=False,
    )

    class Meta:
        model = Closure
        fields = ["location", "schedule", "reason"]
        labels = {"schedule": "Chair or room"}
        error_messages = {
            "location": {"required": "Select a location"},
            "reason": {"required": "Select a reason"},
        }
        help_texts = {
            "schedule": "Choose one to close only that chair or room.",
            "reason": "Staff see it on the day. Patients only see that no time is free.",
        }

    def __init__(self, *args, instance=None, initial=None, **kwargs):
        initial = {**_written(instance), **(initial or {})}
        super().__init__(*args, instance=instance, initial=initial, **kwargs)
        if "schedule" in self.fields:  # not for who may only look
            self.fields["schedule"].queryset = Schedule.objects.select_related("location")
            self.fields["schedule"].empty_label = "The whole location"

    def clean(self):
        answers = super().clean()
        place = answers.get("location")
        if (
            place is None
            or answers.get("day") is None
            or {"hour", "last_day", "last_hour"} & set(self.errors)
        ):
            return answers
        if answers.get("schedule") and answers["schedule"].location_id != place.pk:
            self.add_error("schedule", "This chair or room belongs to another location")
        answers["last_day"] = answers.get("last_day") or answers["day"]
        starts_at = self._start(place)
        ends_at = self._end(place)
        if starts_at and ends_at:
            self._take(starts_at, ends_at)
        return answers

    def _start(self, place):
        if self.cleaned_data["hour"] is None:
            return availability.instant(self.cleaned_data["day"], time.min, place.zone)
        return read_time(self, place, day="day", hour="hour", which="which")

    def _end(self, place):
        if self.cleaned_data["last_hour"] is None:
            after = self.cleaned_data["last_day"] + timedelta(days=1)
            return availability.instant(after, time.min, place.zone)
        return read_time(self, place, day="last_day", hour="last_hour", which="last_which")

    def _take(self, starts_at, ends_at):
        if ends_at <= starts_at:
            last = "last_hour" if self.cleaned_data["last_hour"] else "last_day"
            self.add_error(last, "It ends before it starts")
            return
        self.instance.starts_at, self.instance.ends_at = starts_at, ends_at
        if self.errors:
            return
        asked = Closure(
            location=self.cleaned_data["location"],
            schedule=self.cleaned_data["schedule"],
            starts_at=starts_at,
            ends_at=ends_at,
        )
        hit = visits_hit(asked)
        seen = ",".join(str(visit.pk) for visit in hit)
        if hit and self.cleaned_data.get("understood") != seen:
            self._show(hit, seen)

    def _show(self, hit, seen):
        """Ask once more, with the list."""
        self.fields["understood"].widget = Understood(seen)
        said = (
            "1 visit lies in this time and would stay as it is"
            if len(hit) == 1
            else f"{len(hit)} visits lie in this time and would stay as they are"
        )
        self.add_error("understood", format_html("{}{}", said, listed(hit)))


def _written(closure):
    """The fields of a closure that is there already."""
    if closure is None or closure.pk is None:
        return {}
    place = closure.location
    first, last = written(closure.starts_at, place), written(closure.ends_at, place)
    if first["hour"] == time.min:
        first["hour"] = None
    if last["hour"] == time.min:
        last["hour"], last["day"] = None, last["day"] - timedelta(days=1)
    return {**first, "last_day": last["day"], "last_hour": last["hour"], "last_which": last["which"]}

"""The small forms of the front desk."""

from datetime import datetime

from django import forms

from bookings import availability
from bookings.admin import times
from bookings.admin.moving import weigh
from bookings.fields import AddressField, LineField
from bookings.forms import QuestionForm
from bookings.lifecycle import Choice
from bookings.models import Appointment, AppointmentRequest, Event, Location, Schedule, VisitType

ANOTHER = "another"


class ActForm(QuestionForm):
    """Nothing but a yes is asked; `asked` is the request, `now` the time."""

    def __init__(self, *args, asked, now, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked, self.now = asked, now


def radios(label, choices, **options):
    sentence = options.pop("sentence")
    return forms.ChoiceField(
        label=label,
        choices=choices,
        widget=forms.RadioSelect,
        error_messages={"required": sentence, "invalid_choice": sentence},
        **options,
    )


def words(label, **options):
    return forms.CharField(
        label=label,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Staff read it, the patient does not. Please write nothing about health here.",
        error_messages={
            "required": "Write the note first",
            "max_length": "The note must be 500 characters or less",
        },
        **options,
    )


class DeclineForm(ActForm):
    reason = radios(
        "Why can we not offer this?",
        AppointmentRequest.DeclineReason,
        help_text="For our own records. The message to the patient does not say it.",
        sentence="Select a reason",
    )


class CancelForm(ActForm):
    reason = radios(
        "Why is the visit cancelled?",
        Appointment.CancelReason,
        help_text="For our own records.",
        sentence="Select a reason",
    )


class CallForm(ActForm):
    outcome = radios("How did the call end?", Event.Call, sentence="Select how the call ended")
    text = words("Note", required=False)


class NoteForm(ActForm):
    text = words("Note")


class ContactForm(ActForm):
    email = AddressField(
        label="Email address",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    phone = LineField(
        label="Phone number",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        error_messages={"max_length": "Phone number must be 40 characters or less"},
    )
    contact_by = radios(
        "How should we answer?", AppointmentRequest.ContactBy, sentence="Select how we should answer"
    )

    def __init__(self, *args, asked, **kwargs):
        known = {name: getattr(asked, name) for name in ("email", "phone", "contact_by")}
        super().__init__(*args, asked=asked, initial=known, **kwargs)

    def clean(self):
        way = self.cleaned_data.get("contact_by")
        if way and way not in self.errors and not self.cleaned_data.get(way):
            self.add_error(way, "Enter it, so that we can answer in this way")


class TimeForm(ActForm):
    """A time for the request: one of the nearest free ones, or any other, set against the rules.

    When it is valid, `cleaned_data["choice"]` is the lifecycle's Choice and `warnings` are the rules
    that it breaks, for which a reason was given.
    """

    start = forms.CharField(label="Which time?", widget=forms.RadioSelect, required=False)
    day = forms.DateField(
        label="Another day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a day that exists, like 2027-03-10"},
    )
    hour = forms.TimeField(
        label="Another hour",
        required=False,
        help_text="As the clock at the location shows it, like 14:30.",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Enter an hour like 14:30"},
    )
    which = forms.ChoiceField(
        label="This hour comes twice that night. Which one?",
        choices=[("", "Choose"), ("0", "The first one"), ("1", "The second one")],
        required=False,
    )
    visit_type = forms.ModelChoiceField(
        VisitType.objects.all(),
        label="Visit",
        empty_label="Choose",
        error_messages={"required": "Select what the visit is for", "invalid_choice": "Select a visit"},
    )
    location = forms.ModelChoiceField(
        Location.objects.all(),
        label="Location",
        empty_label=None,
        error_messages={"required": "Select a location", "invalid_choice": "Select a location"},
    )
    schedule = forms.ModelChoiceField(
        Schedule.objects.select_related("location"),
        label="Chair or room",
        required=False,
        empty_label="Any that is free",
        help_text="Choose one to use it outside its hours.",
        error_messages={"invalid_choice": "Select a chair or room"},
    )
    reason = forms.ChoiceField(
        label="Why, where it breaks a rule?",
        choices=[("", "It breaks none"), *Event.Override.choices],
        required=False,
    )

    def __init__(self, *args, asked, now, may_override, start="", **kwargs):
        first = {"visit_type": asked.visit_type_id, "location": asked.location_id, "start": start}
        super().__init__(*args, asked=asked, now=now, initial=first, **kwargs)
        self.warnings: list[str] = []
        self.may_override = may_override
        if not may_override:
            del self.fields["reason"]
        given = self.data.get("start") if self.is_bound else start
        self.fields["start"].widget.choices = known = self._times(given)
        self.asks_in = "start"
        if len(known) == 1:  # nothing to choose from: the day and the hour are the question
            self.asks_in = "day"
            self.fields["start"].widget = forms.HiddenInput()
            self.initial["start"] = ANOTHER
            self.fields["day"].label, self.fields["hour"].label = "Day", "Hour"
        if not self._comes_twice():
            del self.fields["which"]

    @property
    def time_in_words(self) -> str:
        choice = self.cleaned_data["choice"]
        return choice.location.time_in_words(choice.starts_at)

    @property
    def reason_in_words(self) -> str:
        return Event.Override(self.cleaned_data["reason"]).label.lower()

    def _times(self, given):
        """The nearest free times and the one already meant, then “another”."""
        asked, location = self.asked, self.asked.location
        meant = as_instant(given, now=self.now)
        found = set()
        if asked.visit_type:
            around = asked.appointment.starts_at if asked.appointment else asked.wanted_at
            slots = availability.nearest(
                asked.visit_type, location, meant or around or self.now, now=self.now
            )
            found = {slot.starts_at for slot in slots}
        if meant:
            found.add(meant)
        return [
            *((one.isoformat(), location.time_in_words(one)) for one in sorted(found)),
            (ANOTHER, "Another time"),
        ]

    def _comes_twice(self):
        try:
            day = self.fields["day"].clean(self.data.get("day"))
            hour = self.fields["hour"].clean(self.data.get("hour"))
            place = self.fields["location"].clean(self.data.get("location"))
        except forms.ValidationError:
            return False
        return (
            bool(day and hour) and is_near(day, self.now) and len(times.read_wall_time(day, hour, place)) == 2
        )

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day and not is_near(day, self.now):
            raise forms.ValidationError("Enter a day of this year or the next")
        return day

    def clean(self):
        data = self.cleaned_data
        location, visit_type = data.get("location"), data.get("visit_type")
        starts_at = self._start(location) if location else None
        if not (starts_at and visit_type) or self.errors:
            return
        schedule = data["schedule"]
        if schedule and schedule.location_id != location.pk:
            self.add_error("schedule", "This chair or room belongs to another location")
            return
        if starts_at <= self.now:
            self.add_error(self.asks_in, "This time has passed. Choose one that is still ahead")
            return
        self._weigh(Choice(visit_type, location, starts_at, schedule, data.get("reason", "")))

    def _start(self, location):
        """The instant that was chosen or typed; None with an error said where there is none."""
        data = self.cleaned_data
        if data["start"] not in ("", ANOTHER):
            chosen = as_instant(data["start"], now=self.now)
            if chosen is None:
                self.add_error("start", "Select one of the times shown")
            return chosen
        if not (data.get("day") and data.get("hour")):
            if not {"day", "hour"} & set(self.errors):
                missing = {
                    "day": "Enter a day and an hour",
                    "start": "Select a time, or enter another day and hour",
                }
                self.add_error(self.asks_in, missing[self.asks_in])
            return None
        instants = times.read_wall_time(data["day"], data["hour"], location)
        if not instants:
            self.add_error("hour", "This hour does not exist that day: the clocks go forward. Enter another")
            return None
        if len(instants) == 2 and not data.get("which"):
            self.add_error("which", "Say which one: that night the hour comes twice")
            return None
        return instants[int(data.get("which") or 0)]

    def _weigh(self, choice):
        """Set the choice against visits, which are in its way, and against rules, which need a reason."""
        found = times.standings(
            choice.visit_type, choice.location, choice.starts_at, besides=self.asked, now=self.now
        )
        self.warnings = times.rules_broken(choice.visit_type, choice.location, choice.starts_at, now=self.now)
        if choice.schedule:
            one = next(one for one in found if one.schedule == choice.schedule)
            if one.taken_by:
                self.add_error(
                    "schedule", f"{one.schedule.name} is taken then by {one.taken_by.request.reference}"
                )
                return
            self.warnings += one.objections
        else:
            free = [one for one in found if one.is_free]
            fit = [one for one in found if times.NOT_FOR_IT not in one.objections]
            if not free:
                self.add_error(self.asks_in, f"Nothing is free then. {in_short(fit or found)}")
                return
            if not any(one.is_regular for one in free):
                choice = Choice(
                    choice.visit_type, choice.location, choice.starts_at, free[0].schedule, choice.reason
                )
        weigh(self, self.asks_in, self.warnings)
        if not self.errors:
            self.cleaned_data["choice"] = choice


def is_near(day, now) -> bool:
    return abs(day.year - now.year) <= 1


def in_short(found) -> str:
    """Like “Room 1: taken by K7QF-2M9D. Room 2: closed: holiday.”"""
    return " ".join(
        f"{one.schedule.name}: "
        + (f"taken by {one.taken_by.request.reference}" if one.taken_by else ", ".join(one.objections))
        + "."
        for one in found
    )


def as_instant(text, *, now) -> datetime | None:
    """The instant that an address or a radio button names; None for anything else."""
    try:
        found = datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        return None
    return found if found.utcoffset() is not None and is_near(found, now) else None

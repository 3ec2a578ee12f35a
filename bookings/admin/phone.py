"""A request by phone, in under a minute, through the same verbs as everybody else's."""

import uuid

from django import forms
from django.db import transaction

from bookings import availability, lifecycle
from bookings.admin import times
from bookings.admin.local_time import DayField
from bookings.admin.moving import TimeForm, instead, weigh
from bookings.fields import AddressField, LineField
from bookings.forms import PAYS_SELF
from bookings.models import AppointmentRequest, RequestedPeriod, VisitType

BOOK, HOLD, WAIT = "book", "hold", "wait"
AsksFor, Status = AppointmentRequest.AsksFor, AppointmentRequest.Status


class PhoneForm(TimeForm):
    """Who calls, what for and when. Either the email address or the number may be empty."""

    submission = forms.UUIDField(widget=forms.HiddenInput)
    visit_type = forms.ModelChoiceField(
        VisitType.objects.all(),
        label="Visit",
        error_messages={"required": "Select a visit", "invalid_choice": "Select one of these visits"},
    )
    then = forms.ChoiceField(
        label="What to do",
        choices=[
            (BOOK, "Book it now"),
            (HOLD, "Hold the time; somebody else decides"),
            (WAIT, "Put on the waiting list"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Select what to do", "invalid_choice": "Select what to do"},
    )
    last_day = DayField(
        label="Waiting list: until which day?",
        required=False,
        help_text="They wait from the day above. Leave the time empty.",
    )
    part_of_day = forms.ChoiceField(
        label="Waiting list: when in the day?",
        choices=RequestedPeriod.PartOfDay,
        required=False,
    )
    patient_name = LineField(
        label="Name of the patient",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Enter the name of the patient",
            "max_length": "The name must be 120 characters or less",
        },
    )
    phone = LineField(
        label="Phone number",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        error_messages={"max_length": "The phone number must be 40 characters or less"},
    )
    may_leave_message = forms.BooleanField(label="We may leave a message", required=False)
    email = AddressField(
        label="Email address, if they want it in writing",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    asked_by = LineField(
        label="Who calls, if it is not the patient",
        required=False,
        max_length=120,
        error_messages={"max_length": "The name must be 120 characters or less"},
    )
    needs = forms.MultipleChoiceField(
        label="What to prepare",
        choices=AppointmentRequest.Need,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    pays_self = forms.ChoiceField(
        label="How will the patient pay?",
        choices=[("no", "With insurance"), ("yes", "Without insurance"), ("unsure", "Not sure yet")],
        widget=forms.RadioSelect,
        required=False,
        help_text="Who pays without insurance has the right to a written estimate. Please say so.",
        error_messages={"invalid_choice": "Select how the patient will pay"},
    )
    field_order = [
        *("submission", "visit_type", "schedule", "day", "hour", "which", "patient_name", "phone"),
        *("may_leave_message", "email", "pays_self", "then", "reason", "last_day", "part_of_day"),
        *("asked_by", "needs"),
    ]

    def __init__(self, *args, location, initial, **kwargs):
        initial = {"submission": uuid.uuid4(), "then": BOOK, **initial}
        super().__init__(*args, initial=initial, **kwargs)
        self.location = location
        schedule = self.fields["schedule"]
        schedule.queryset = schedule.queryset.filter(location=location, is_active=True)
        schedule.required, schedule.empty_label = False, "Any that is free"
        schedule.label_from_instance = lambda one: one.name
        self.fields["hour"].required = False
        here = VisitType.objects.filter(schedules__location=location, schedules__is_active=True)
        self.fields["visit_type"].queryset = here.distinct()
        possible = initial["schedule"].visit_types.all() if initial.get("schedule") else []
        if len(possible) == 1:
            self.initial["visit_type"] = possible[0]
        self.ask_which(location)

    def clean(self):
        self.place = self.location
        then, visit_type = self.cleaned_data.get("then"), self.cleaned_data.get("visit_type")
        ways = {"phone", "email"}
        if not any(self.cleaned_data.get(way) for way in ways) and not ways & set(self.errors):
            self.add_error("phone", "Enter a phone number or an email address")
        if then == WAIT:
            self._check_days()
        elif then in (BOOK, HOLD):
            if self.cleaned_data.get("hour") is None and "hour" not in self.errors:
                self.add_error("hour", "Enter a time")
            self.check_time(visit_type)
            if visit_type and self.starts_at and not self.errors and not self.cleaned_data["schedule"]:
                self._find_schedule(visit_type)
            if then == HOLD and self.cleaned_data.get("reason") and not self.errors:
                self.add_error("then", "A time that needs a reason is booked, not held: select “Book it now”")
        return self.cleaned_data

    def clean_phone(self):
        phone = self.cleaned_data["phone"]
        if phone and not 7 <= sum(letter.isdigit() for letter in phone) <= 20:
            raise forms.ValidationError("Enter a phone number with its area code, like (703) 555-0142")
        return phone

    def _check_days(self):
        first, last = self.cleaned_data.get("day"), self.cleaned_data.get("last_day")
        if first and last is None and "last_day" not in self.errors:
            self.add_error("last_day", "Enter the last day on which they could come")
        if first and last and last < first:
            self.add_error("last_day", "The last day is before the first")
        elif last and last < self.location.local(self.now).date():
            self.add_error("last_day", "The last day has passed")

    def _find_schedule(self, visit_type):
        """Any that is free: lifecycle picks it; here only whether there is one, and the notice."""
        if not availability.schedules_free_at(visit_type, self.location, self.starts_at, now=self.now):
            self.add_error("hour", f"Nothing is free then. {self._instead(visit_type)}")
            return
        weigh(self, "hour", times.rules_broken(visit_type, self.location, self.starts_at, now=self.now))

    def _instead(self, visit_type):
        return instead(visit_type, self.location, self.starts_at, now=self.now)

    def earlier(self) -> AppointmentRequest | None:
        """What came of the very same form, where it was sent before."""
        submission = self.is_bound and self.cleaned_data.get("submission")
        return AppointmentRequest.objects.filter(submission=submission).first() if submission else None

    def start_anew(self, earlier: AppointmentRequest) -> None:
        """Somebody went back to a form that was sent, and filled it in for the next who calls."""
        self.add_error(None, f"This form was sent before, for {earlier.reference}. Save enters this call too")
        self.data = self.data.copy()
        self.data["submission"] = uuid.uuid4()

    def enter(self, *, by, now) -> AppointmentRequest:
        """Take the request and, where that is wanted, book it at once. Raises Refused."""
        answers = self.cleaned_data
        with transaction.atomic():
            asked = lifecycle.submit(
                submission=answers["submission"],
                location=self.location,
                visit_type=answers["visit_type"],
                patient_name=answers["patient_name"],
                asked_by=answers["asked_by"],
                email=answers["email"],
                phone=answers["phone"],
                contact_by="email" if answers["email"] else "phone",
                may_leave_message=answers["may_leave_message"],
                needs=answers["needs"],
                pays_self=PAYS_SELF.get(answers["pays_self"]),
                via=AppointmentRequest.Via.PHONE,
                by=by,
                now=now,
                **self._wish(),
            )
            if asked.status != Status.PENDING:  # the same form in the same second
                return asked
            if answers["then"] == BOOK:
                lifecycle.accept(asked, choice=self.choice(asked.visit_type), by=by, now=now)
            elif answers["then"] == WAIT:
                lifecycle.waitlist(asked, by=by, now=now)
        asked.refresh_from_db()
        return asked

    def _wish(self):
        answers = self.cleaned_data
        if answers["then"] != WAIT:
            return {"starts_at": self.starts_at, "schedule": answers["schedule"]}
        period = RequestedPeriod(
            first_day=answers["day"],
            last_day=answers["last_day"],
            part_of_day=answers["part_of_day"] or RequestedPeriod.PartOfDay.ANY,
        )
        return {"asks_for": AsksFor.WAITLIST, "periods": [period]}


def done(asked: AppointmentRequest) -> str:
    """What became of the call, in a sentence."""
    if asked.status == Status.ACCEPTED:
        appointment = asked.appointment
        return (
            f"Booked for {asked.location.time_in_words(appointment.starts_at)}, {appointment.schedule.name}."
        )
    if asked.status == Status.WAITLISTED:
        return "On the waiting list."
    return f"The time is held. {asked.get_status_display().capitalize()}."

"""The questions of the journey, one form a page. Forms check shape; lifecycle checks truth."""

from datetime import date, timedelta

from django import forms
from django.db.models import Exists, OuterRef
from django.utils.html import format_html

from bookings.fields import DayField, LineField, PhoneField
from bookings.forms import ContactForm, QuestionForm, TimeForm, full_name, length_in_words
from bookings.models import AppointmentRequest, Location, RequestedPeriod, Schedule, VisitType
from bookings.models.clinic import Weekday


class StepForm(QuestionForm):
    """One question of the journey. `answers` are those given before, by the step's name."""

    def __init__(self, *args, answers, **kwargs):
        self.answers = answers
        super().__init__(*args, **kwargs)

    def answer(self) -> dict:
        """What is kept of a valid form, in types that JSON has; the form's `initial` when it comes again."""
        return self.cleaned_data


class WhoForm(StepForm):
    question = "Who is the visit for?"

    who = forms.ChoiceField(
        label=question,
        choices=[("me", "Me"), ("other", "Someone I care for")],
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select who the visit is for",
            "invalid_choice": "Select who the visit is for",
        },
    )


class VisitForm(StepForm):
    question = "What would you like to come for?"

    visit = forms.ChoiceField(
        label=question,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select what you would like to come for",
            "invalid_choice": "Select what you would like to come for: the one you chose is not offered now",
        },
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["visit"].choices = [
            (
                visit_type.slug,
                format_html(
                    '{} ({})<span class="hint">{}</span>',
                    visit_type.name,
                    length_and_price(visit_type),
                    visit_type.summary,
                ),
            )
            for visit_type in visits()
        ]


class WhereForm(StepForm):
    question = "Where would you like to be seen?"

    where = forms.ChoiceField(
        label=question,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select where you would like to be seen",
            "invalid_choice": "Select where you would like to be seen: what you chose is not possible now",
        },
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["where"].choices = [
            (
                location.slug,
                format_html(
                    '{}<span class="hint">{}</span>',
                    location.name,
                    location.needed_for_video if location.is_video else location.address,
                ),
            )
            for location in locations_for(self.answers["visit"]["visit"])
        ]


class WhenForm(StepForm, TimeForm):
    question = "When would you like to come?"

    def answer(self):
        return {"asks_for": AppointmentRequest.AsksFor.TIME, **self.cleaned_data}


class OtherWhenForm(StepForm):
    """An answer to *when* that names no exact time. `today` is the local day of the place."""

    asks_for: str

    def __init__(self, *args, today, last_day, **kwargs):
        self.today, self.last_day = today, last_day
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.today = today

    def periods(self) -> list[dict]:
        """The fields of each RequestedPeriod; dates as ISO 8601."""
        return []

    def answer(self):
        typed = {name: self[name].data for name in self.fields}
        return {"asks_for": self.asks_for, "periods": self.periods(), **typed}


def part_of_day(label="Time of day"):
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[(value, words.capitalize()) for value, words in RequestedPeriod.PartOfDay.choices],
        error_messages={"invalid_choice": "Select a time of day"},
    )


class DaysForm(OtherWhenForm):
    question = "Which days would work for you?"
    asks_for = AppointmentRequest.AsksFor.PERIODS

    day_1 = DayField(
        label="First choice",
        takes_weekdays=True,
        help_text="A weekday or a date, like Tuesday or March 9.",
        error_messages={"required": "Enter at least one day that works for you"},
    )
    part_1 = part_of_day("Time of day, first choice")
    day_2 = DayField(label="Second choice (optional)", takes_weekdays=True, required=False)
    part_2 = part_of_day("Time of day, second choice")
    day_3 = DayField(label="Third choice (optional)", takes_weekdays=True, required=False)
    part_3 = part_of_day("Time of day, third choice")

    def periods(self):
        found = []
        for number in (1, 2, 3):
            day = self.cleaned_data[f"day_{number}"]
            if day is None:
                continue
            named = {"weekday": day.value} if isinstance(day, Weekday) else _from_to(day, day)
            part = self.cleaned_data[f"part_{number}"] or RequestedPeriod.PartOfDay.ANY
            found.append({**named, "part_of_day": part})
        return found


class WaitingListForm(OtherWhenForm):
    question = "Between which days could you come?"
    asks_for = AppointmentRequest.AsksFor.WAITLIST

    first_day = DayField(
        label="Earliest day (optional)",
        required=False,
        help_text="A date, like March 9. Leave it empty to come as soon as you can.",
    )
    last_day = DayField(
        label="Latest day (optional)",
        required=False,
        help_text="Leave it empty if any later day is fine.",
    )
    part = part_of_day()

    def clean(self):
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        if last and last < (first or self.today):
            self.add_error("last_day", "The latest day must not be before the earliest day")

    def periods(self):
        first = self.cleaned_data["first_day"] or self.today
        last = self.cleaned_data["last_day"] or max(self.last_day, first + timedelta(days=30))
        return [{**_from_to(first, last), "part_of_day": self.cleaned_data["part"] or "any"}]


class WhenCalledForm(OtherWhenForm):
    """Nothing more is asked: the page says what we shall do."""

    question = "We'll call you to find a time"
    asks_for = AppointmentRequest.AsksFor.CALL


def _from_to(first, last):
    return {"first_day": first.isoformat(), "last_day": last.isoformat()}


def period(**fields) -> RequestedPeriod:
    """An unsaved RequestedPeriod from what `OtherWhenForm.periods` gave."""
    days = {
        name: date.fromisoformat(fields.pop(name)) for name in ("first_day", "last_day") if name in fields
    }
    return RequestedPeriod(**days, **fields)


class YouForm(StepForm, ContactForm):
    question = "How can we reach you?"

    patient_name = full_name()
    asked_by = LineField(
        label="Your own name",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={"max_length": "Your own name must be 120 characters or less"},
    )
    may_leave_message = forms.BooleanField(
        label="You may leave a message at this number",
        required=False,
        help_text="We say only that we called, and our number.",
    )
    field_order = ["patient_name", "asked_by", "contact_by", "email", "phone", "may_leave_message"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.answers["when"]["asks_for"] == AppointmentRequest.AsksFor.CALL:
            self.answer_by_phone()
        if self.answers["who"]["who"] == "me":
            del self.fields["asked_by"]
        else:
            name = self.fields["patient_name"]
            name.label = "Full name of the patient"
            name.error_messages["required"] = "Enter the full name of the patient"
            name.widget.attrs["autocomplete"] = "off"

    def clean(self):
        super().clean()
        if not self.cleaned_data.get("phone"):
            self.cleaned_data["may_leave_message"] = False


class DayForm(StepForm):
    question = "What would help you on the day?"

    needs = forms.MultipleChoiceField(
        label="Select all that would help (optional)",
        help_text="To skip this page, press Continue.",
        choices=AppointmentRequest.Need,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "Select from what is on this page"},
    )
    language = LineField(
        label="Language of the interpreter (optional)",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": "Language must be 60 characters or less"},
    )
    note = LineField(
        label="Anything else we should prepare (optional)",
        max_length=200,
        required=False,
        help_text="200 characters or less. Please don't write about your health.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        where = self.answers.get("where", {}).get("where")
        if where and Location.objects.filter(slug=where).exclude(video_states="").exists():
            # Nobody comes to us.
            interpreter = AppointmentRequest.Need.INTERPRETER
            self.fields["needs"].choices = [(interpreter.value, interpreter.label)]
        self.fields["note"].error_messages["max_length"] = (
            "Your note must be 200 characters or less: you have used %(show_value)d"
        )

    def clean(self):
        needs, interpreter = self.cleaned_data.get("needs"), AppointmentRequest.Need.INTERPRETER
        if needs is None or "language" in self.errors:
            return
        if self.cleaned_data["language"] and interpreter not in needs:
            needs.append(interpreter.value)
        elif interpreter in needs and not self.cleaned_data["language"]:
            self.add_error("language", "Enter the language, so that we can find an interpreter")


class PayForm(StepForm):
    """Asked where the visit has a price: 45 CFR 149.610(b)(1)(i) and (iii) want it asked and explained."""

    question = "How would you like to pay?"

    pays_self = forms.ChoiceField(
        label=question,
        help_text="If you pay without insurance, you have the right to a written estimate of the cost.",
        choices=[
            ("no", "With insurance"),
            ("yes", "Myself, without insurance"),
            ("unsure", "I'm not sure yet"),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select how you would like to pay",
            "invalid_choice": "Select how you would like to pay",
        },
    )


class CheckForm(StepForm):
    """Nothing more is asked; the page shows the answers."""

    question = "Check your answers"


class CallForm(QuestionForm):
    """Two fields for those who cannot look at a screen for long."""

    patient_name = full_name()
    phone = PhoneField()


def length_and_price(visit_type: VisitType) -> str:
    """Like “1 hour, $350”; the length alone where there is no price."""
    length = length_in_words(visit_type.minutes)
    return length if visit_type.price is None else f"{length}, ${visit_type.price:,.2f}".removesuffix(".00")


def listed_visits():
    """The listed visit types that some listed location takes."""
    takes = Schedule.objects.filter(visit_types=OuterRef("pk"), is_active=True, location__is_listed=True)
    return VisitType.objects.filter(Exists(takes), is_listed=True)


def visits():
    """Those that anybody can ask for."""
    return listed_visits().filter(after_consultation=False)


def visits_after_consultation():
    """Those that only staff can book, once a clinician has seen the patient."""
    return listed_visits().filter(after_consultation=True)


def locations_for(visit: str):
    """The listed locations with a schedule that takes the visit type of that slug."""
    return Location.objects.filter(
        is_listed=True, schedules__is_active=True, schedules__visit_types__slug=visit
    ).distinct()

"""The questions of a request, one form a page. Forms check shape; lifecycle checks truth."""

import re
import unicodedata
from datetime import datetime

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from bookings.models import AppointmentRequest, Location, VisitType

BIDI_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean_line(text: str) -> str:
    """One line as a person would have typed it: composed, without control characters or overrides."""
    text = unicodedata.normalize("NFC", BIDI_OVERRIDES.sub("", text))
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return " ".join(text.split())


class LineField(forms.CharField):
    """One line of text in any script; a line of invisible characters counts as empty."""

    def to_python(self, value):
        line = clean_line(super().to_python(value))
        return line if any(letter.isprintable() and not letter.isspace() for letter in line) else ""


class QuestionForm(forms.Form):
    """A form of the clinic: the browser checks nothing, so that every reader gets our sentences."""

    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class TimeForm(QuestionForm):
    """One of the free times: the start as an instant with its offset: the one form in which it cannot be misread."""

    start = forms.CharField(
        widget=forms.RadioSelect,
        error_messages={"required": "Select a time", "invalid": "Select one of the times shown"},
    )

    def offer(self, label, times):
        """Show these times, pairs of an instant and its words, under the `label` of their day."""
        self.fields["start"].label = label
        self.fields["start"].widget.choices = times

    def clean_start(self):
        try:
            start = datetime.fromisoformat(self.cleaned_data["start"])
        except ValueError:
            start = None
        if start is None or start.utcoffset() is None:
            raise ValidationError(self.fields["start"].error_messages["invalid"])
        return start.isoformat()


class StepForm(QuestionForm):
    """One question of the journey. `answers` are those given before, by the step's name."""

    def __init__(self, *args, answers, **kwargs):
        super().__init__(*args, **kwargs)
        self.answers = answers


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
                    length_in_words(visit_type.minutes),
                    visit_type.summary,
                ),
            )
            for visit_type in VisitType.objects.filter(is_listed=True)
        ]


class WhereForm(StepForm):
    question = "Where would you like to come?"

    where = forms.ChoiceField(
        label=question,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select where you would like to come",
            "invalid_choice": "Select where you would like to come: the place you chose is not possible now",
        },
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["where"].choices = [
            (
                location.slug,
                format_html(
                    '{}<span class="hint">{}, {}, {} {}</span>',
                    location.name,
                    location.street,
                    location.city,
                    location.state,
                    location.postal_code,
                ),
            )
            for location in locations_for(self.answers["visit"]["visit"])
        ]


class WhenForm(StepForm, TimeForm):
    question = "When would you like to come?"


class YouForm(StepForm):
    question = "How can we reach you?"

    patient_name = LineField(
        label="Full name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your full name",
            "max_length": "Full name must be 120 characters or less",
        },
    )
    asked_by = LineField(
        label="Your own name",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={"max_length": "Your own name must be 120 characters or less"},
    )
    contact_by = forms.ChoiceField(
        label="How should we answer you?",
        choices=AppointmentRequest.ContactBy,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select how we should answer you",
            "invalid_choice": "Select how we should answer you",
        },
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        max_length=254,
        help_text="We use it only to answer your request. Leave it empty if you prefer a phone call.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "invalid": "Enter an e-mail address in the correct format, like name@example.com",
            "max_length": "E-mail address must be 254 characters or less",
        },
    )
    phone = LineField(
        label="Phone number",
        required=False,
        max_length=40,
        help_text="In any form, like (703) 555-0142.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"max_length": "Phone number must be 40 characters or less"},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.answers["who"]["who"] == "me":
            del self.fields["asked_by"]
        else:
            name = self.fields["patient_name"]
            name.label = "Full name of the person who comes"
            name.error_messages["required"] = "Enter the full name of the person who comes"
            name.widget.attrs["autocomplete"] = "off"

    def clean_email(self):
        email = self.cleaned_data["email"]
        if len(email.partition("@")[0]) > 64 or email.endswith("]"):  # RFC 5321 4.5.3.1.1
            raise ValidationError(self.fields["email"].error_messages["invalid"])
        return email

    def clean_phone(self):
        phone = self.cleaned_data["phone"]
        digits = sum(letter.isdigit() for letter in phone)
        if phone and not 7 <= digits <= 20:
            raise ValidationError("Enter a phone number with its area code, like (703) 555-0142")
        return phone

    def clean(self):
        way = self.cleaned_data.get("contact_by")
        if way == "email" and not self.cleaned_data.get("email") and "email" not in self.errors:
            self.add_error("email", "Enter your e-mail address, so that we can answer you")
        if way == "phone" and not self.cleaned_data.get("phone") and "phone" not in self.errors:
            self.add_error("phone", "Enter your phone number, so that we can call you")


class CheckForm(StepForm):
    """Nothing more is asked; the page shows the answers."""

    question = "Check your answers"


class DeclineForm(QuestionForm):
    reason = forms.ChoiceField(
        label="Why can we not offer this?",
        help_text="For our own records. The message to the patient does not say it.",
        choices=AppointmentRequest.DeclineReason,
        widget=forms.RadioSelect,
        error_messages={"required": "Select a reason", "invalid_choice": "Select a reason"},
    )


def length_in_words(minutes: int) -> str:
    """Like "50 minutes", "1 hour" or "2 hours 30 minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' * (hours > 1)}"] * bool(hours) + [f"{rest} minutes"] * bool(rest)
    return " ".join(parts)


def locations_for(visit: str):
    """The listed locations with a schedule that takes the visit type of that slug."""
    return Location.objects.filter(
        is_listed=True, schedules__is_active=True, schedules__visit_types__slug=visit
    ).distinct()

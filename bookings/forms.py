"""The base of our forms, and those that more than one page uses."""

from datetime import datetime

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError

from bookings.fields import AddressField, LineField, PhoneField, probably_meant
from bookings.models import AppointmentRequest

# Whether somebody pays without insurance, as forms ask it; None where it is not known.
PAYS_SELF = {"yes": True, "no": False, "unsure": None}


class QuestionForm(forms.Form):
    """A form of the clinic: the browser checks nothing, so that every reader gets our sentences."""

    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # what is too long gets a sentence, and is not cut off in silence
            field.widget.attrs.pop("maxlength", None)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class TimeForm(QuestionForm):
    """One of the free times.

    It is an instant with its offset: the one form in which it cannot be misread.
    """

    start = forms.CharField(
        widget=forms.RadioSelect,
        error_messages={"required": "Select a time", "invalid": "Select one of the times shown"},
    )

    def offer(self, label, times):
        """Show these times, pairs of an instant and its words, under the `label` of their day."""
        self["start"].label = label  # the bound field keeps its own once the form was checked
        self.fields["start"].widget.choices = times

    def clean_start(self):
        try:
            start = datetime.fromisoformat(self.cleaned_data["start"])
        except ValueError:
            start = None
        # The first and last year hold times that have no date in some zone.
        if start is None or start.utcoffset() is None or not 2000 <= start.year <= 2200:
            raise ValidationError(self.fields["start"].error_messages["invalid"])
        return start.isoformat()


class ContactForm(QuestionForm):
    """How somebody can be reached; `initial` is what we know so far."""

    contact_by = forms.ChoiceField(
        label="How should we answer you?",
        choices=AppointmentRequest.ContactBy,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select how we should answer you",
            "invalid_choice": "Select how we should answer you",
        },
    )
    email = AddressField(
        label="Email address",
        required=False,
        help_text="Only for your request and your visit. Leave it empty if you prefer a phone call.",
    )
    phone = PhoneField(required=False, help_text="For example, (703) 555-0142.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self._ask_what_was_meant()

    def answer_by_phone(self):
        """Leave nothing to choose: who asks for a call is called."""
        del self.fields["contact_by"]
        self.fields["email"].label = "Email address (optional)"
        self.fields["email"].help_text = ""
        self.fields["phone"].required = True

    def _ask_what_was_meant(self):
        """Ask about an address like ann@gmial.com, once, with both as answers; never refuse it."""
        try:
            typed = self.fields["email"].clean(self.data.get(self.add_prefix("email")))
        except ValidationError:
            return
        meant = probably_meant(typed)
        if not meant or typed == self.initial.get("email"):
            return
        self.fields["email_meant"] = forms.ChoiceField(
            label="Which email address is right?",
            choices=[(meant, meant), (typed, f"{typed}, as I typed it")],
            widget=forms.RadioSelect,
            error_messages=dict.fromkeys(
                ["required", "invalid_choice"], f"Check your email address. Did you mean {meant}?"
            ),
        )
        names = [name for name in self.fields if name != "email_meant"]
        names.insert(names.index("email") + 1, "email_meant")
        self.order_fields(names)

    def clean(self):
        if meant := self.cleaned_data.pop("email_meant", None):
            self.cleaned_data["email"] = meant
        if "contact_by" not in self.fields:
            self.cleaned_data["contact_by"] = AppointmentRequest.ContactBy.PHONE
        way = self.cleaned_data.get("contact_by")
        if way == "email" and not self.cleaned_data.get("email") and "email" not in self.errors:
            self.add_error("email", "Enter your email address, so that we can answer you")
        if way == "phone" and not self.cleaned_data.get("phone") and "phone" not in self.errors:
            self.add_error("phone", "Enter your phone number, so that we can call you")


def full_name():
    return LineField(
        label="Full name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your full name",
            "max_length": "Full name must be 120 characters or less",
        },
    )


def length_in_words(minutes: int) -> str:
    """Like "50 minutes", "1 hour" or "2 hours 30 minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' * (hours > 1)}"] * bool(hours) + [f"{rest} minutes"] * bool(rest)
    return " ".join(parts)

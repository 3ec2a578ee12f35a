"""The demo form of the style guide: every kind of question, empty, filled in and with errors."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms


class DateParts(forms.MultiWidget):
    """Month, day and year as three text inputs; each part's aria-label is shown as its label."""

    def __init__(self, attrs=None):
        parts = [("Month", "bday-month", 2), ("Day", "bday-day", 2), ("Year", "bday-year", 4)]
        super().__init__(
            [
                forms.TextInput(
                    {"aria-label": label, "inputmode": "numeric", "autocomplete": token, "size": size}
                )
                for label, token, size in parts
            ],
            attrs,
        )

    def decompress(self, value):
        return value.split("-") if value else [None, None, None]


class DateField(forms.MultiValueField):
    widget = DateParts

    def __init__(self, **options):
        super().__init__([forms.CharField() for _ in range(3)], **options)

    def compress(self, parts):
        return "-".join(parts)


class DemoForm(forms.Form):
    use_required_attribute = False

    name = forms.CharField(
        label="Full name",
        widget=forms.TextInput({"autocomplete": "name", "spellcheck": "false"}),
        error_messages={"required": "Enter your full name"},
    )
    email = forms.EmailField(
        label="Email address",
        help_text="We will only use this to reply to your request.",
        widget=forms.EmailInput({"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your email address",
            "invalid": "Enter an email address in the correct format, like name@example.com",
        },
    )
    contact = forms.ChoiceField(
        label="How should we contact you?",
        help_text="Choose 1.",
        choices=[("phone", "Phone call"), ("email", "Email")],
        widget=forms.RadioSelect,
        error_messages={"required": "Select how we should contact you"},
    )
    comfort = forms.MultipleChoiceField(
        label="What would help on the day?",
        help_text="Select all that apply.",
        choices=[("dim", "A dim room"), ("quiet", "A quiet place to wait"), ("step-free", "No steps")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    state = forms.ChoiceField(
        label="State",
        choices=[("", "Select a state"), ("MD", "Maryland"), ("VA", "Virginia")],
        error_messages={"required": "Select a state"},
    )
    note = forms.CharField(
        label="Anything we should know (optional)",
        help_text="Please do not include details about your health.",
        widget=forms.Textarea({"rows": 4}),
        required=False,
    )
    born = DateField(
        label="Date of birth",
        help_text="For example, 4 27 1985",
        error_messages={"required": "Enter your date of birth"},
    )
    consent = forms.BooleanField(
        label="You may leave a message at this number",
        help_text="We will only say that we called.",
        error_messages={"required": "Tick the box to let us leave a message"},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.add_input(Submit("send", "Continue", css_id=f"send-{self.prefix}"))


FILLED = {
    "filled-name": "Ann Example",
    "filled-email": "ann@example.com",
    "filled-contact": "phone",
    "filled-comfort": ["dim", "quiet"],
    "filled-state": "VA",
    "filled-note": "A low light in the hall, if you can.",
    "filled-born_0": "4",
    "filled-born_1": "27",
    "filled-born_2": "1985",
    "filled-consent": "on",
}


def demo_forms(with_errors):
    """The same form as a reader first meets it, filled in, and, where asked for, sent with errors."""
    forms_shown = {"empty_form": DemoForm(prefix="empty"), "filled_form": DemoForm(FILLED, prefix="filled")}
    if with_errors:
        forms_shown["wrong_form"] = DemoForm({"wrong-email": "bad"}, prefix="wrong")
    return forms_shown

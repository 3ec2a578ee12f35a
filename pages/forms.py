"""What is written about pages, by staff and by readers. Forms check shape; the verbs decide."""

from crispy_forms.helper import FormHelper
from django import forms

from pages.markdown import LONGEST_TEXT, TOO_LONG
from pages.models import WORDS, Revision

LONGEST_SHORT_VERSION = 1_000  # letters, where the gate lets 60 words through


class ClinicForm(forms.Form):
    """A form of the clinic: the browser checks nothing, so that everybody gets our sentences."""

    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class WordsForm(ClinicForm):
    """The words of a page. Nothing is required: the gate says what is missing, and nothing is lost."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        widgets = {
            "summary": forms.Textarea({"rows": 3}),
            "short_version": forms.Textarea({"rows": 6}),
            "body": forms.Textarea({"rows": 30, "spellcheck": "true"}),
        }
        self.fields.update(forms.fields_for_model(Revision, WORDS, widgets=widgets))
        for field in self.fields.values():
            field.required = False
            field.error_messages["max_length"] = (
                f"The {field.label.lower()} must be {field.max_length} characters or less"
            )
        self.fields["body"].strip = False  # the gate counts its lines

    # A browser ends lines with two letters, our files with one: otherwise every line had changed.

    def clean_short_version(self):
        text = self.cleaned_data["short_version"].replace("\r\n", "\n")
        if len(text) > LONGEST_SHORT_VERSION:
            most = f"{LONGEST_SHORT_VERSION:,} characters or less"
            raise forms.ValidationError(f"The short version must be {most}. It has {len(text):,}")
        return text

    def clean_body(self):
        text = self.cleaned_data["body"].replace("\r\n", "\n")
        if len(text) > LONGEST_TEXT:
            raise forms.ValidationError(TOO_LONG.format(len(text)))
        return text


class ApprovalForm(ClinicForm):
    """When these words were reviewed, until when, and why hard ones are right here."""

    reviewed_on = forms.DateField(
        label="Reviewed on",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Enter the day of the review", "invalid": "Enter the review as a date"},
    )
    review_due_on = forms.DateField(
        label="Next review due on",
        help_text="At most 12 months after this one.",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Enter the day of the next review",
            "invalid": "Enter the next review as a date",
        },
    )
    why_hard_to_read = forms.CharField(
        label="Why these words may be hard to read",
        max_length=200,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, *args, is_hard, **kwargs):
        super().__init__(*args, **kwargs)
        if not is_hard:
            del self.fields["why_hard_to_read"]


class AgainForm(ClinicForm):
    change_note = forms.CharField(
        label="What changed, for readers",
        max_length=200,
        error_messages={"required": "Say what changed, for readers"},
    )


class WithdrawalForm(ClinicForm):
    reason = forms.CharField(
        label="Why should readers not see this page?",
        help_text="Staff alone see the reason.",
        max_length=200,
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Say why readers should not see this page"},
    )


class MoveForm(ClinicForm):
    path = forms.CharField(
        label="New address",
        help_text="Without slashes at the ends, like ketamine-for-migraine/does-it-work.",
        max_length=200,
        error_messages={
            "required": "Enter the new address",
            "max_length": "The new address must be 200 characters or less",
        },
    )

    def clean_path(self):
        return self.cleaned_data["path"].strip("/")


class FeedbackForm(ClinicForm):
    """One question, and a box that may stay empty."""

    useful = forms.TypedChoiceField(
        label="Was this page useful?",
        choices=[("yes", "Yes"), ("no", "No")],
        coerce=lambda answer: answer == "yes",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Select whether this page was useful",
            "invalid_choice": "Select whether this page was useful",
        },
    )
    comment = forms.CharField(
        label="What should we change? (optional)",
        help_text="Please do not include details about your health, or your name.",
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"max_length": "What we should change must be 1,000 characters or less"},
    )


def card_line(label, help_text="", *, length=120, **more):
    """A line of the attack card, short enough to fit on it."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=length,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={
            "max_length": f"{label.removesuffix(' (optional)')} must be {length} characters or less",
            "required": f"Enter {label[0].lower()}{label[1:]}",
        },
        **more,
    )


class AttackCardForm(ClinicForm):
    """What a person wants to have at hand in an attack. It is printed and never kept."""

    first = card_line("What to take first", "With the dose, like “my triptan, 1 tablet”.")
    again = card_line(
        "When you may take it again (optional)",
        "As your clinician or the label says, like “after 2 hours, once”.",
        required=False,
    )
    then = card_line("What to take if that does not help (optional)", required=False)
    most_days = forms.IntegerField(
        label="Most days a month with this medicine (optional)",
        help_text="A number from 1 to 31. Ask your clinician.",
        min_value=1,
        max_value=31,
        required=False,
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ["invalid", "min_value", "max_value"],
            "Most days a month must be a number from 1 to 31",
        ),
    )
    helps = card_line(
        "What else helps, or what others should do (optional)",
        "Like “dark room, no talking, water, a bowl”.",
        length=160,
        required=False,
    )
    call = card_line("Whom to call (optional)", "A name and a phone number.", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # what is too long gets a sentence, and is not cut off in silence
            field.widget.attrs.pop("maxlength", None)

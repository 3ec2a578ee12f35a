"""What staff write about pages. Forms check shape; publishing decides what readers see."""

from crispy_forms.helper import FormHelper
from django import forms

from pages.models import WORDS, Revision


class StaffForm(forms.Form):
    """A form of the clinic: the browser checks nothing, so that everybody gets our sentences."""

    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class WordsForm(StaffForm):
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
        self.fields["body"].strip = False  # the gate counts its lines

    # A browser ends lines with two letters, our files with one: otherwise every line had changed.

    def clean_short_version(self):
        return self.cleaned_data["short_version"].replace("\r\n", "\n")

    def clean_body(self):
        return self.cleaned_data["body"].replace("\r\n", "\n")

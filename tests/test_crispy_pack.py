"""The form HTML that readers and screen readers meet; every expectation is written out in full."""

from html.parser import HTMLParser

import pytest
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset, Layout, Submit
from crispy_forms.utils import render_crispy_form
from django import forms
from django.template import Context, Template
from django.test import SimpleTestCase

from clinic_site.styleguide import DateField

same_html = SimpleTestCase().assertHTMLEqual


class Question(forms.Form):
    """One form that holds the field under test and draws it with the filter."""

    use_required_attribute = False

    def __init__(self, field, data=None):
        super().__init__(data, label_suffix="")
        self.fields["it"] = field

    def drawn(self):
        return Template("{% load crispy_forms_tags %}{{ form|crispy }}").render(Context({"form": self}))


def email():
    return forms.EmailField(
        label="Email address",
        help_text="We will only use this to reply to your request.",
        widget=forms.EmailInput({"autocomplete": "email", "spellcheck": "false"}),
        error_messages={"invalid": "Enter an email address in the correct format, like name@example.com"},
    )


def contact(widget):
    return forms.ChoiceField(
        label="How should we contact you?",
        help_text="Choose 1.",
        choices=[("p", "Phone call"), ("e", "Email")],
        widget=widget,
        error_messages={"required": "Select how we should contact you"},
    )


def test_a_text_field_is_label_then_hint_then_error_then_control():
    same_html(
        Question(email(), {"it": "bad"}).drawn(),
        """
        <div class="field field--error" id="div_id_it">
          <label for="id_it">Email address</label>
          <div class="hint" id="id_it_helptext">We will only use this to reply to your request.</div>
          <p class="error" id="id_it_error"><span class="vh">Error:</span>
            Enter an email address in the correct format, like name@example.com</p>
          <input type="email" name="it" id="id_it" autocomplete="email" spellcheck="false" maxlength="320"
                 aria-describedby="id_it_helptext id_it_error" aria-invalid="true" value="bad">
        </div>""",
    )


def test_a_text_field_without_hint_or_error_is_only_label_and_control():
    same_html(
        Question(forms.CharField(label="Full name")).drawn(),
        """
        <div class="field" id="div_id_it">
          <label for="id_it">Full name</label>
          <input type="text" name="it" id="id_it">
        </div>""",
    )


def test_radios_are_a_fieldset_whose_error_is_read_before_the_first_option():
    same_html(
        Question(contact(forms.RadioSelect), {}).drawn(),
        """
        <div class="field field--error" id="div_id_it">
          <fieldset aria-describedby="id_it_helptext id_it_error">
            <legend>How should we contact you?</legend>
            <div class="hint" id="id_it_helptext">Choose 1.</div>
            <p class="error" id="id_it_error"><span class="vh">Error:</span>
              Select how we should contact you</p>
            <div class="choices" id="id_it">
              <div class="choice"><input type="radio" name="it" value="p" id="id_it_0">
                <label for="id_it_0">Phone call</label></div>
              <div class="choice"><input type="radio" name="it" value="e" id="id_it_1">
                <label for="id_it_1">Email</label></div>
            </div>
          </fieldset>
        </div>""",
    )


def test_checkboxes_keep_what_was_ticked():
    field = forms.MultipleChoiceField(
        label="What would help?",
        help_text="Select all that apply.",
        choices=[("dim", "A dim room"), ("quiet", "A quiet wait")],
        widget=forms.CheckboxSelectMultiple,
    )
    same_html(
        Question(field, {"it": ["quiet"]}).drawn(),
        """
        <div class="field" id="div_id_it">
          <fieldset aria-describedby="id_it_helptext">
            <legend>What would help?</legend>
            <div class="hint" id="id_it_helptext">Select all that apply.</div>
            <div class="choices" id="id_it">
              <div class="choice"><input type="checkbox" name="it" value="dim" id="id_it_0">
                <label for="id_it_0">A dim room</label></div>
              <div class="choice"><input type="checkbox" name="it" value="quiet" id="id_it_1" checked>
                <label for="id_it_1">A quiet wait</label></div>
            </div>
          </fieldset>
        </div>""",
    )


def test_a_single_tick_box_has_hint_and_error_before_it():
    field = forms.BooleanField(
        label="You may leave a message",
        help_text="We will only say that we called.",
        error_messages={"required": "Tick the box to let us leave a message"},
    )
    same_html(
        Question(field, {}).drawn(),
        """
        <div class="field field--error" id="div_id_it">
          <div class="hint" id="id_it_helptext">We will only say that we called.</div>
          <p class="error" id="id_it_error"><span class="vh">Error:</span>
            Tick the box to let us leave a message</p>
          <div class="choice">
            <input type="checkbox" name="it" id="id_it" aria-invalid="true"
                   aria-describedby="id_it_helptext id_it_error">
            <label for="id_it">You may leave a message</label>
          </div>
        </div>""",
    )


def test_a_select_keeps_its_choice():
    same_html(
        Question(contact(forms.Select), {"it": "e"}).drawn(),
        """
        <div class="field" id="div_id_it">
          <label for="id_it">How should we contact you?</label>
          <div class="hint" id="id_it_helptext">Choose 1.</div>
          <select name="it" id="id_it" aria-describedby="id_it_helptext">
            <option value="p">Phone call</option>
            <option value="e" selected>Email</option>
          </select>
        </div>""",
    )


def test_a_textarea_keeps_what_was_written():
    field = forms.CharField(label="Note", widget=forms.Textarea({"rows": 4}))
    same_html(
        Question(field, {"it": "A low <light>"}).drawn(),
        """
        <div class="field" id="div_id_it">
          <label for="id_it">Note</label>
          <textarea name="it" id="id_it" rows="4" cols="40">\nA low &lt;light&gt;</textarea>
        </div>""",
    )


def test_the_parts_of_a_date_each_have_a_label_they_can_be_reached_by():
    field = DateField(label="Date of birth", help_text="For example, 4 27 1985")
    same_html(
        Question(field).drawn(),
        """
        <div class="field" id="div_id_it">
          <fieldset aria-describedby="id_it_helptext">
            <legend>Date of birth</legend>
            <div class="hint" id="id_it_helptext">For example, 4 27 1985</div>
            <div class="date">
              <div><label for="id_it_0">Month</label><input type="text" id="id_it_0" name="it_0"
                inputmode="numeric" autocomplete="bday-month" size="2"></div>
              <div><label for="id_it_1">Day</label><input type="text" id="id_it_1" name="it_1"
                inputmode="numeric" autocomplete="bday-day" size="2"></div>
              <div><label for="id_it_2">Year</label><input type="text" id="id_it_2" name="it_2"
                inputmode="numeric" autocomplete="bday-year" size="4"></div>
            </div>
          </fieldset>
        </div>""",
    )


def test_a_hidden_field_shows_nothing_but_itself():
    field = forms.CharField(widget=forms.HiddenInput, help_text="unseen")
    same_html(Question(field, {"it": "7"}).drawn(), '<input type="hidden" name="it" value="7" id="id_it">')


def test_a_hint_is_escaped():
    drawn = Question(forms.CharField(label="A", help_text="<b>bold</b>")).drawn()

    assert drawn.count("&lt;b&gt;bold&lt;/b&gt;") == 1 and "<b>" not in drawn


def test_the_form_tag_never_lets_the_browser_validate():
    form = Question(forms.CharField(label="Full name"))
    form.helper = FormHelper()
    form.helper.layout = Layout(Fieldset("About you", Div("it", css_class="wide")))
    form.helper.add_input(Submit("next", "Continue", css_class="button--secondary"))

    same_html(
        render_crispy_form(form, form.helper),
        """
        <form method="post" novalidate>
          <fieldset><legend>About you</legend><div class="wide">
            <div class="field" id="div_id_it">
              <label for="id_it">Full name</label><input type="text" name="it" id="id_it">
            </div>
          </div></fieldset>
          <div class="buttons">
            <button type="submit" name="next" value="Continue" id="submit-id-next"
                    class="button button--secondary">Continue</button>
          </div>
        </form>""",
    )


def test_novalidate_is_written_once_when_the_helper_asks_for_it_too():
    helper = FormHelper()
    helper.attrs = {"novalidate": ""}

    assert render_crispy_form(Question(forms.CharField()), helper).count("novalidate") == 1


class Ids(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.ids, self.links = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"][1:]] if tag == "a" else []


def summary_and_form(form):
    return Template(
        '{% load crispy_forms_tags %}{% include "components/error_summary.html" %}{{ form|crispy }}'
    ).render(Context({"form": form}))


@pytest.mark.parametrize(
    ("field", "target"),
    [
        (email(), "id_it"),
        (contact(forms.RadioSelect), "id_it_0"),
        (contact(forms.Select), "id_it"),
        (forms.MultipleChoiceField(choices=[("a", "A")], widget=forms.CheckboxSelectMultiple), "id_it_0"),
        (DateField(), "id_it_0"),
        (forms.BooleanField(), "id_it"),
    ],
    ids=["text", "radios", "select", "checkboxes", "date", "tick box"],
)
def test_an_error_in_the_summary_leads_to_where_the_answer_begins(field, target):
    page = Ids(summary_and_form(Question(field, {})))

    assert page.links == [target]
    assert page.ids.count(target) == 1


def test_the_summary_says_what_each_question_says():
    same_html(
        Template('{% include "components/error_summary.html" %}').render(
            Context({"form": Question(email(), {"it": "bad"})})
        ),
        """
        <div class="error-summary" id="error-summary" tabindex="-1" data-autofocus>
          <div role="alert"><h2>There is a problem</h2><ul>
            <li><a href="#id_it">
              Enter an email address in the correct format, like name@example.com</a></li>
          </ul></div>
        </div>""",
    )


def test_an_error_of_the_whole_form_is_plain_text_in_the_summary():
    form = Question(forms.CharField(), {"it": "x"})
    form.add_error(None, "Choose another time")

    same_html(
        Template('{% include "components/error_summary.html" %}').render(Context({"form": form})),
        """
        <div class="error-summary" id="error-summary" tabindex="-1" data-autofocus>
          <div role="alert"><h2>There is a problem</h2><ul><li>Choose another time</li></ul></div>
        </div>""",
    )


def test_a_form_without_errors_has_no_summary():
    form = Question(forms.CharField(), {"it": "x"})

    assert (
        Template('{% include "components/error_summary.html" %}').render(Context({"form": form})).strip()
        == ""
    )

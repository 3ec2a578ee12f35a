"""What people type, and what they are told about it."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from bookings import questions
from bookings.fields import DayField, LineField, PhoneField, probably_meant, read_day
from bookings.forms import ContactForm
from bookings.models.clinic import Weekday
from bookings.questions import DayForm, DaysForm, WaitingListForm, YouForm, period

TODAY = date(2026, 11, 22)  # a Sunday
TIMES = {"today": TODAY, "last_day": date(2027, 1, 21), "answers": {}}
ANSWERS = {"who": {"who": "me"}, "when": {"asks_for": "time"}}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("March 9", date(2027, 3, 9)),
        ("mar 9th", date(2027, 3, 9)),
        ("9 March 2027", date(2027, 3, 9)),
        ("Tuesday, March 9", date(2027, 3, 9)),
        ("3/9", date(2027, 3, 9)),
        ("3/9/27", date(2027, 3, 9)),
        ("٣/٩/٢٠٢٧", date(2027, 3, 9)),
        ("2027-03-09", date(2027, 3, 9)),
        ("Nov 22", TODAY),
        ("12.1.", date(2026, 12, 1)),
        ("Sept 1", date(2027, 9, 1)),
        ("Tuesday", Weekday.TUESDAY),
        ("on wednesdays", Weekday.WEDNESDAY),
        ("thurs", Weekday.THURSDAY),
        ("soon", None),
        ("Tuesday or Friday", None),
        ("9", None),
        ("March", None),
        ("1/2/3/4", None),
        ("'; DROP TABLE", None),
    ],
)
def test_a_day_is_read_as_people_write_it(text, day):
    assert read_day(text, today=TODAY) == day


@pytest.mark.parametrize("text", ["Feb 29, 2027", "2/29", "13/3", "April 31", "3/9/99999999999", "0/0"])
def test_a_date_that_does_not_exist_is_none(text):
    with pytest.raises(ValueError, match=r"."):
        read_day(text, today=TODAY)


def test_the_day_of_a_leap_year_exists():
    assert read_day("Feb 29", today=date(2027, 6, 1)) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Feb 29, 2027", "First choice: there is no such date. Check the day and the month"),
        ("soon", "First choice: enter a day, like Tuesday or March 9"),
        ("11/21/2026", "First choice: the day must be today or later"),
        ("11/23/2027", "First choice: the day must be within a year from now"),
        ("", "Enter at least one day that works for you"),
    ],
)
def test_a_day_that_cannot_be_gets_a_sentence_of_its_own(text, sentence):
    form = DaysForm({"day_1": text, "part_1": "any"}, **TIMES)

    assert form.errors["day_1"] == [sentence]
    assert f'value="{text}"' in str(form["day_1"]) or not text


def test_a_weekday_is_no_end_of_a_waiting_list():
    field = DayField(label="Earliest day")
    field.today = TODAY

    with pytest.raises(ValidationError, match="Earliest day: enter a day, like March 9"):
        field.clean("Tuesday")


def test_days_that_suit_become_periods_in_their_order():
    form = DaysForm(
        {
            "day_1": "tuesdays",
            "part_1": "morning",
            "day_2": "",
            "part_2": "any",
            "day_3": "3/9",
            "part_3": "",
        },
        **TIMES,
    )

    assert form.is_valid()
    periods = [str(period(**fields)) for fields in form.answer()["periods"]]
    assert periods == ["Tuesdays, in the morning", "Tuesday, March 9, 2027, any time"]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("", "", "from November 22, 2026 to January 21, 2027, in the afternoon"),
        ("Dec 1", "Dec 20", "from December 1, 2026 to December 20, 2026, in the afternoon"),
        ("March 1", "", "from March 1, 2027 to March 31, 2027, in the afternoon"),
        ("", "Dec 5", "from November 22, 2026 to December 5, 2026, in the afternoon"),
    ],
)
def test_the_ends_of_a_waiting_list_may_stay_open(first, last, words):
    form = WaitingListForm({"first_day": first, "last_day": last, "part": "afternoon"}, **TIMES)

    assert form.is_valid()
    assert str(period(**form.answer()["periods"][0])) == words


def test_a_waiting_list_cannot_end_before_it_begins():
    form = WaitingListForm({"first_day": "Dec 5", "last_day": "Dec 4"}, **TIMES)

    assert form.errors == {"last_day": ["The latest day must not be before the earliest day"]}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ann@gmial.com", "ann@gmail.com"),
        ("ann@gmail.con", "ann@gmail.com"),
        ("ann@GMAIL.COMM", "ann@gmail.com"),
        ("ann@hotmial.com", "ann@hotmail.com"),
        ("ann@clinic.con", "ann@clinic.com"),
        ("ann@gmail.com", ""),
        ("ann@mail.com", ""),
        ("ann@ymail.com", ""),
        ("ann@clinic.example", ""),
        ("ann@bücher.example", ""),
        ("ann@com", ""),
    ],
)
def test_a_likely_slip_in_an_address_is_seen_and_others_are_let_be(typed, meant):
    assert probably_meant(typed) == meant


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Nguyễn  Thị Ánh ", "Nguyễn Thị Ánh"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("Ann 👩\u200d⚕️", "Ann 👩\u200d⚕️"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Ann\u202eevil", "Annevil"),
        ("Ann\r\nBcc: x", "Ann Bcc: x"),
        ("\u200b \u200d", ""),
    ],
)
def test_a_line_is_kept_whole_but_for_what_breaks_or_turns_it(typed, kept):
    assert LineField(required=False).clean(typed) == kept


def contact(**fields):
    return ContactForm({"contact_by": "email", "phone": "", **fields})


def test_a_slip_is_asked_about_and_either_answer_is_taken():
    asked = contact(email="ann@gmial.com")
    mended = contact(email="ann@gmial.com", email_meant="ann@gmail.com")
    meant_so = contact(email="ann@gmial.com", email_meant="ann@gmial.com")

    assert asked.errors == {"email_meant": ["Check your email address. Did you mean ann@gmail.com?"]}
    assert list(asked.fields) == ["contact_by", "email", "email_meant", "phone"]
    assert mended.is_valid() and mended.cleaned_data["email"] == "ann@gmail.com"
    assert meant_so.is_valid() and meant_so.cleaned_data["email"] == "ann@gmial.com"


def test_an_address_that_was_confirmed_once_is_not_asked_about_again():
    data = {"contact_by": "email", "email": "ann@gmial.com", "phone": ""}

    assert ContactForm(data, initial={"email": "ann@gmial.com"}).is_valid()


LONGEST = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 54}.org"  # 254 letters


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  ann@example.com ", "ann@example.com"),
        ("ann @ example.com", "ann@example.com"),
        ("\uff41\uff4e\uff4e\uff20example\u3002com", "ann@example.com"),
        ("ann\u200b@example.com\u3000", "ann@example.com"),
        ("ann+migraine@example.com", "ann+migraine@example.com"),
        ("ann@bücher.example", "ann@bücher.example"),
        (LONGEST, LONGEST),
    ],
)
def test_an_address_is_kept_without_what_the_keyboard_added(typed, kept):
    form = contact(email=typed)

    assert form.errors == {}
    assert form.cleaned_data["email"] == kept


def test_an_address_is_as_long_as_the_mail_server_reads_it():
    form = contact(email=f"{'a' * 16}@{'.'.join(['ü' * 55] * 4)}")  # 240 letters, in ASCII 264

    assert form.errors["email"] == ["Email address must be 254 characters or less"]


@pytest.mark.parametrize(
    "typed", ["x" + LONGEST, "ann@", "ann", "@example.com", "a" * 65 + "@example.com", "a@b"]
)
def test_what_is_no_address_gets_a_sentence_and_is_kept(typed):
    form = contact(email=typed)

    assert set(form.errors["email"]) <= {
        "Enter an email address in the correct format, like name@example.com",
        "Email address must be 254 characters or less",
    }
    assert f'value="{typed}"' in str(form["email"]) and "maxlength" not in str(form["email"])


@pytest.mark.parametrize("typed", ['"ann"@example.com', r'"a\n\n"@example.com', '"ann lee"@example.com'])
def test_an_address_in_quotation_marks_is_refused_with_what_to_type_instead(typed):
    form = contact(email=typed)

    assert form.errors["email"] == ["Enter the email address without quotation marks, like name@example.com"]


@pytest.mark.parametrize(
    "typed", ["+1 (212) 555-0100 ext. 4", "212.555.0100", "٢١٢٥٥٥٠١٠٠", "+44 20 7946 0958"]
)
def test_a_phone_number_is_kept_as_people_write_it(typed):
    assert PhoneField().clean(f" {typed} ") == typed


@pytest.mark.parametrize("typed", ["12", "555-0142", "none", "7" * 30, "<script>"])
def test_what_cannot_be_called_gets_a_sentence(typed):
    with pytest.raises(ValidationError, match="Enter a phone number with its area code"):
        PhoneField().clean(typed)


def test_a_number_is_optional_unless_we_are_to_call():
    you = {"patient_name": "Ann", "contact_by": "email", "email": "ann@example.com"}

    assert YouForm(you, answers=ANSWERS).is_valid()
    form = YouForm({**you, "contact_by": "phone"}, answers=ANSWERS)
    assert form.errors == {"phone": ["Enter your phone number, so that we can call you"]}


def test_for_a_call_the_number_alone_is_asked_and_nothing_about_how_to_answer():
    form = YouForm(
        {"patient_name": "Ann", "phone": "(703) 555-0142"},
        answers={**ANSWERS, "when": {"asks_for": "call"}},
    )

    assert form.is_valid()
    assert form.answer()["contact_by"] == "phone" and "contact_by" not in form.fields


def test_without_a_number_no_message_can_be_left():
    you = {
        "patient_name": "Ann",
        "contact_by": "email",
        "email": "ann@example.com",
        "may_leave_message": "on",
    }

    form = YouForm(you, answers=ANSWERS)

    assert form.is_valid() and form.answer()["may_leave_message"] is False


def test_everything_about_the_day_can_be_skipped():
    form = DayForm({}, answers={})

    assert form.is_valid()
    assert form.answer() == {"needs": [], "language": "", "note": ""}


def test_a_language_means_an_interpreter_and_the_other_way_round_it_is_asked_for():
    spoken = DayForm({"language": "Vietnamese"}, answers={})
    silent = DayForm({"needs": ["interpreter"]}, answers={})

    assert spoken.is_valid() and spoken.answer()["needs"] == ["interpreter"]
    assert silent.errors == {"language": ["Enter the language, so that we can find an interpreter"]}


def test_a_note_that_is_too_long_says_by_how_much_and_is_kept():
    form = DayForm({"note": "a" * 245}, answers={})

    assert form.errors == {"note": ["Your note must be 200 characters or less: you have used 245"]}
    assert "a" * 245 in str(form["note"])


@pytest.mark.parametrize(
    "typed",
    ["a" + "\u0301\u0323" * 60_000, "\ufdfa" * 80_000, "mo " * 80_000, "1" * 250_000],
    ids=["marks to be put in order", "a letter that is eighteen", "words", "digits"],
)
def test_what_is_typed_without_end_gets_its_sentence_and_is_not_looked_into(typed, monkeypatch):
    looked_at = []
    monkeypatch.setattr(
        "bookings.fields.unicodedata.normalize", lambda form, text: looked_at.append(text) or text
    )
    you = YouForm(
        {"patient_name": typed, "contact_by": "email", "email": typed, "phone": typed}, answers=ANSWERS
    )
    day = DayForm({"note": typed, "language": typed, "needs": ["interpreter"]}, answers={})
    days = DaysForm({"day_1": typed}, **TIMES)

    assert {name: list(said) for form in (you, day, days) for name, said in form.errors.items()} == {
        "patient_name": ["Full name must be 120 characters or less"],
        "email": ["Email address must be 254 characters or less"],
        "phone": ["Phone number must be 40 characters or less"],
        "language": ["Language must be 60 characters or less"],
        "note": [f"Your note must be 200 characters or less: you have used {len(typed)}"],
        "day_1": ["First choice: enter 40 characters or less"],
    }
    assert max(map(len, looked_at), default=0) <= 1_000
    assert you["patient_name"].value() == typed


def test_every_sentence_about_a_mistake_is_our_own():
    """Django's own sentences begin like these; each field has to bring its own instead."""
    forms = [
        DaysForm({"part_1": "x"}, **TIMES),
        WaitingListForm({"part": "x", "first_day": "x"}, **TIMES),
        YouForm({"contact_by": "x", "email": "x", "phone": "1" * 50}, answers=ANSWERS),
        YouForm({"patient_name": "x" * 121}, answers=ANSWERS),
        DayForm({"needs": ["x"], "language": "x" * 61, "note": "x" * 201}, answers={}),
        questions.CallForm({}),
        questions.WhoForm({"who": "x"}, answers={}),
    ]

    sentences = [error for form in forms for errors in form.errors.values() for error in errors]
    assert len(sentences) > 12
    begins = ("This field", "Select a valid", "Enter a valid", "Ensure this")
    assert [sentence for sentence in sentences if sentence.startswith(begins)] == []


@pytest.mark.parametrize(
    "email", ["ann@straße.example", "ann@οδός.example", "root@localhost", "ann@LocalHost"]
)
def test_an_address_that_mail_would_leave_for_another_place_is_refused(email):
    """Python's IDNA is that of 2003: it makes of these domains ones that belong to other people."""
    form = ContactForm({"email": email, "contact_by": "email"})

    assert not form.is_valid() and form.errors["email"]

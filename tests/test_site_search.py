"""The search of the whole site, by what people type."""

import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from pages import crisis
from pages.models import Page
from pages.spelling import is_english, plain
from tests import make
from tests.pages import make as pages

pytestmark = pytest.mark.django_db


def shown(client, query):
    response = client.get("/search/", {"q": query})
    assert response.status_code == 200
    return " ".join(re.search(r"<main.*</main>", response.text, re.DOTALL)[0].split())


def first_link(client, query):
    return re.search(r'<a href="(.*?)"', shown(client, query))[1]


@pytest.mark.parametrize(
    "query",
    [
        *("suicide", "I want to kill myself", "want to die", "better off dead", "self-harm", "self harm"),
        *(
            "selfharm",
            "hurting myself",
            "end it all",
            "no reason to live",
            "can't go on",
            "I can’t do this anymore",
        ),
        *("sucide", "suicidle", "crisis", "988", "dont want to be here"),
        *("im dying", "die", "wish I was dead"),
    ],
)
def test_who_thinks_of_suicide_reads_988_first(client, query):
    assert first_link(client, query) == "tel:988"


@pytest.mark.parametrize(
    "query",
    [
        *("911", "emergency", "is this a stroke?", "stroke", "thunderclap", "worst headache of my life"),
        *("sudden severe headache", "can't speak", "face drooping", "arm numb", "numb on one side"),
        *(
            "passed out",
            "seizure",
            "seisure",
            "unconcious",
            "stiff neck",
            "chest pain",
            "lost vision in one eye",
        ),
        *("hit my head", "carbon monoxide", "throat closing", "took too many triptans", "poisoning"),
    ],
)
def test_who_may_be_in_an_emergency_reads_911_first(client, query):
    assert first_link(client, query) == "tel:911"


@pytest.mark.parametrize("query", ["overdose", "overdoes", "took all my pills", "took too much ibuprofen"])
def test_who_took_too_much_reads_911_and_poison_control_first(client, query):
    page = shown(client, query)

    assert page.index("tel:911") < page.index("tel:18002221222") < page.index("</ul>")


@pytest.mark.parametrize("query", ["overdose", "took all my pills"])
def test_who_may_have_meant_it_reads_988_too(client, query):
    assert "tel:988" in shown(client, query)


def test_help_stands_above_pages_that_have_the_words_and_names_the_pages_that_help(client):
    pages.starter(pages.page("conditions/suicidal-thoughts"), title="Thoughts of suicide")
    pages.starter(pages.page("study"), title="A study on suicide")

    page = shown(client, "suicide")

    assert page.index("tel:988") < page.index("/conditions/suicidal-thoughts/") < page.index('href="/study/"')


@pytest.mark.parametrize(
    "query",
    [
        *("migraine", "ketamine", "cancel", "cost of an infusion", "botox", "light sensitivity"),
        *("kill the pain", "school letter", "birth control", "parking", "norfolk", "side effects"),
        *("stroke risk with aura", "fit for work", "how many pills a month"),
    ],
)
def test_other_questions_get_no_emergency_box(client, query):
    assert crisis.dangers(query) == []


@pytest.mark.parametrize("text", ["", "\0", "🙂", "a" * 10_000, "‮", "' OR 1=1 --", "ş́ụ"])
def test_any_text_is_looked_through_for_danger(text):
    assert crisis.dangers(text) == []


@pytest.mark.parametrize("word", ["overdose", "cancel", "crisis", "email"])
def test_a_real_word_is_never_corrected_to_another(client, word):
    pages.starter(title="Overuse, cancer, crises and emails")

    assert f"No page has “{word}”. We looked for" not in shown(client, word)


def test_what_is_no_word_is_corrected_beside_real_words(client):
    pages.starter(title="Cancel a migraine")

    assert "We looked for <strong>cancel migraine</strong>" in shown(client, "cancel migrane")


def test_hyphens_apostrophes_accents_and_capitals_do_not_matter(client):
    pages.starter(title="Raynaud’s and self-care")

    for query in ["raynauds", "Raynaud's", "RAYNAUD’S", "raynaud", "self care", "self-care", "sélf–care"]:
        assert "Raynaud’s" in shown(client, query), query


def test_one_plain_spelling():
    assert plain("Self-harm – can’t  cope…") == "self harm cant cope"


def test_english_words_are_known_and_half_of_one_is_not():
    assert is_english("overdose")
    assert not is_english("verdos")
    assert not is_english("migrane")


def test_a_place_is_found_by_its_name_its_city_and_misspelled(client):
    make.location(name="Ghent office", slug="ghent", city="Norfolk")

    for query in ["norfolk", "Norfolk VA", "migraine clinic in norfolk", "norflok", "ghent"]:
        assert first_link(client, query) == "/locations/ghent/", query


def test_a_place_that_is_not_listed_is_not_found(client):
    make.location(name="Ghent", slug="ghent", is_listed=False)

    assert "/locations/ghent/" not in shown(client, "ghent")


def test_a_visit_is_found_below_the_pages_and_leads_to_asking_for_it(client):
    make.visit_type(name="Ketamine infusion", slug="infusion")
    make.visit_type(name="TMS session", slug="tms")
    pages.starter(title="Ketamine by infusion")

    page = shown(client, "ketamine infusion")

    assert page.index('href="/light/"') < page.index('href="/request-an-appointment/?visit=infusion"')
    assert "?visit=tms" in shown(client, "tms treatment")
    assert "?visit=tms" not in page


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("book an appointment", "/request-an-appointment/"),
        ("make appointment", "/request-an-appointment/"),
        ("cancel my appointment", "/contact/"),
        ("reschedule", "/contact/"),
        ("where are you", "/locations/"),
        ("opening hours", "/locations/"),
        ("parking", "/locations/"),
    ],
)
def test_a_thing_to_do_comes_first(client, query, address):
    pages.starter(pages.page("contact"), title="Contact")

    assert first_link(client, query) == address


def test_nothing_is_said_not_to_be_found_where_a_place_was(client):
    make.location(name="Ghent", slug="ghent")

    assert "No page found" not in shown(client, "ghent")


def test_a_page_that_is_not_public_is_not_named_as_help(client):
    Page.objects.create(path="conditions/suicidal-thoughts", kind="condition")

    assert "/conditions/suicidal-thoughts/" not in shown(client, "suicide")


TYPED = tomllib.loads((Path(__file__).parent / "what_people_type.toml").read_text())


@pytest.fixture(scope="module")
def starter_site(django_db_setup, django_db_blocker):
    """The demo clinic and the starter pages, for reading only."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_clinic", verbosity=0)
        call_command("load_pages", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("kind", TYPED)
def test_what_people_type_leads_first_to_what_they_need(client, starter_site, kind):
    wrong = {
        query: (found, path)
        for query, path in TYPED[kind].items()
        if (found := first_link(client, query)) != path
    }

    assert wrong == {}

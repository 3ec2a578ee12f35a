"""What every starter page keeps to. Each test runs over all files of pages/starter/."""

import re
from collections import Counter

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from pages import publishing
from pages.management.commands.load_pages import STARTER
from pages.models import Page, Source
from pages.search import find

PATHS = sorted(
    "" if file.name == "home.md" else str(file.relative_to(STARTER)).removesuffix(".md")
    for file in STARTER.rglob("*.md")
)
BANNED = re.compile(
    r"\b(cure[sd]?|breakthrough|game.changer|miracle|new hope|proven|confirm(s|ed)|works|non.addictive|safe|"
    r"no side effects|best|leading|experts? in|FDA.approved treatment|covered by insurance|migraine.safe)\b",
    re.IGNORECASE,
)
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup, django_db_blocker):
    """All pages and what is shown at each: loaded once, for these tests only read.

    Each test runs in a savepoint of this transaction, and looks at every page: one that failed
    stands in its message by name.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_pages", verbosity=0)
        pages = Page.objects.public().select_related("live")
        yield {page: Client().get(page.get_absolute_url()).content.decode() for page in pages}
        transaction.set_rollback(True)


def faults(loaded, look):
    """What `look` finds at each page, where it finds anything."""
    found = {page.path: look(page, shown) for page, shown in loaded.items()}
    return {path: fault for path, fault in found.items() if fault}


def test_there_are_starter_pages():
    assert len(PATHS) >= 55
    assert sorted(Page.objects.public().values_list("path", flat=True)) == PATHS


def test_each_starter_page_about_health_says_that_nobody_has_reviewed_it(loaded):
    def wrong(page, shown):
        note = (
            "No clinician of this clinic has reviewed this page yet. "
            "Its sources were checked on November 22, 2026."
        )
        return (note in " ".join(shown.split())) is (page.kind == Page.Kind.PLAIN)

    assert faults(loaded, wrong) == {}


def test_each_starter_page_has_one_title_and_its_summary(loaded):
    def missing(page, shown):
        return shown.count("<h1") != 1 or f'content="{page.live.summary}"' not in shown

    assert faults(loaded, missing) == {}


def test_no_two_pages_have_one_title():
    titles = [page.live.title for page in Page.objects.public()]

    assert len(set(titles)) == len(titles)


def test_no_starter_page_has_faults(loaded):
    assert faults(loaded, lambda page, shown: list(map(str, publishing.faults(page.live)))) == {}


def test_every_starter_page_reads_at_grade_8_or_lower(loaded):
    assert faults(loaded, lambda page, shown: page.live.grade if page.live.grade > 8 else None) == {}


def test_no_starter_page_has_an_id_twice(loaded):
    def twice(page, shown):
        return [id for id, count in Counter(re.findall(r'\bid="([^"]+)"', shown)).items() if count > 1]

    assert faults(loaded, twice) == {}


def test_links_within_a_starter_page_lead_somewhere(loaded):
    def astray(page, shown):
        return set(re.findall(r'href="#([^"]+)"', shown)) - set(re.findall(r'\bid="([^"]+)"', shown))

    assert faults(loaded, astray) == {}


def test_no_starter_page_promises_anything(loaded):
    def promises(page, shown):
        words = page.live
        return BANNED.findall(" ".join([words.title, words.summary, words.short_version, words.body]))

    assert faults(loaded, promises) == {}


def test_what_sources_show_promises_nothing():
    for source in Source.objects.all():
        assert BANNED.findall(f"{source.showed} {source.does_not_show}") == []


def test_starter_pages_have_short_sentences(loaded):
    def long_ones(page, shown):
        prose = [line for line in page.live.body.splitlines() if not line.startswith((":::", "|"))]
        text = re.sub(r"\[@[^\]]*\]|\]\([^)]*\)|[*#]", "", "\n".join(prose))
        sentences = re.split(r"[.!?:](?:\s|$)", text.replace("\n", ". "))
        return [sentence for sentence in sentences if len(sentence.split()) > 22]

    assert faults(loaded, long_ones) == {}


def test_every_source_is_cited():
    cited = {key for page in Page.objects.public() for key in page.live.citations}

    assert cited == set(Source.objects.values_list("key", flat=True))


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("migrane", "migraine"),
        ("imitrex", "migraine/treatments-compared"),
        ("spravato", "treatments/nasal-ketamine-and-spravato"),
        ("botox", "migraine/treatments-compared"),
        ("kill myself", "conditions/suicidal-thoughts"),
        ("how much does it cost", "ketamine-for-migraine/cost-and-insurance"),
        ("ketamin side efects", "ketamine-for-migraine/risks-and-side-effects"),
        ("can I drive after ketamine", "your-visit/getting-home"),
    ],
)
def test_what_people_ask_leads_to_the_page_that_says_it(query, path):
    assert path in [result.page.path for result in find(query).results][:5]

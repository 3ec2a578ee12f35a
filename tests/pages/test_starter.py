"""What every starter page keeps to. Each test runs over all files of pages/starter/."""

import re

import pytest
from django.core.management import call_command
from django.db import transaction

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
    """All pages, loaded once: these tests only read. Each runs in a savepoint of this transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_pages", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture(params=PATHS, ids=lambda path: f"/{path}")
def page(request):
    return Page.objects.get(path=request.param)


def test_there_are_starter_pages():
    assert len(PATHS) >= 55
    assert sorted(Page.objects.public().values_list("path", flat=True)) == PATHS


def test_a_starter_page_is_shown_with_one_title(client, page):
    response = client.get(page.get_absolute_url())
    shown = response.content.decode()

    assert response.status_code == 200
    assert len(re.findall("<h1", shown)) == 1
    assert f'content="{page.live.summary}"' in " ".join(shown.split())
    assert "No clinician of this clinic has reviewed this page yet." in " ".join(shown.split())
    assert "Its sources were checked on November 22, 2026." in " ".join(shown.split())


def test_no_two_pages_have_one_title():
    titles = [page.live.title for page in Page.objects.public()]

    assert len(set(titles)) == len(titles)


def test_a_starter_page_has_no_faults(page):
    assert [str(fault) for fault in publishing.faults(page.live)] == []


def test_a_starter_page_reads_at_grade_8_or_lower(page):
    assert page.live.grade <= 8


def test_a_starter_page_has_no_id_twice(client, page):
    ids = re.findall(r'\bid="([^"]+)"', client.get(page.get_absolute_url()).content.decode())

    assert sorted(set(ids)) == sorted(ids)


def test_links_within_a_starter_page_lead_somewhere(client, page):
    shown = client.get(page.get_absolute_url()).content.decode()
    ids = set(re.findall(r'\bid="([^"]+)"', shown))

    assert set(re.findall(r'href="#([^"]+)"', shown)) - ids == set()


def test_a_starter_page_promises_nothing(page):
    words = page.live
    text = " ".join([words.title, words.summary, words.short_version, words.body])

    assert BANNED.findall(text) == []


def test_what_sources_show_promises_nothing():
    for source in Source.objects.all():
        assert BANNED.findall(f"{source.showed} {source.does_not_show}") == []


def test_a_starter_page_has_short_sentences(page):
    prose = [line for line in page.live.body.splitlines() if not line.startswith((":::", "|"))]
    text = re.sub(r"\[@[^\]]*\]|\]\([^)]*\)|[*#]", "", "\n".join(prose))
    sentences = re.split(r"[.!?:](?:\s|$)", text.replace("\n", ". "))

    assert [sentence for sentence in sentences if len(sentence.split()) > 22] == []


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

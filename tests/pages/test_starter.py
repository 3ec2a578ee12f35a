"""What every page of the demo keeps to: the starter pages, and all that links lead to from there."""

import gzip
import json
import os
import re
import tomllib
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils.formats import date_format

from pages import publishing
from pages.management.commands.load_pages import STARTER
from pages.models import Page, Source, Synonym
from pages.search import find
from tests import make

PATHS = sorted(
    "" if file.name == "home.md" else str(file.relative_to(STARTER)).removesuffix(".md")
    for file in STARTER.rglob("*.md")
)
BANNED = re.compile(
    r"\b(cure[sd]?|breakthrough|game.changer|miracle|new hope|proven|confirm(s|ed)|works|non.addictive|safe|"
    r"no side effects|best|leading|experts? in|FDA.approved treatment|covered by insurance|migraine.safe)\b",
    re.IGNORECASE,
)
# Bytes after gzip at level 6, as nginx's and Django's own middleware pack at most. 14 kB is what a
# server sends before it waits for the first answer (10 packets, RFC 6928).
FIRST_ROUND_TRIP = 14 * 1024
# Up to ten pages in one, asked for by one link, to print: without any source it would still be 18 kB.
# The second round trip brings 28 kB more.
WHOLE_GUIDE = 28 * 1024
MOST_CSS, MOST_JS, MOST_IN_ALL, MOST_REQUESTS = 10 * 1024, 3 * 1024, 40 * 1024, 6
SCHEMA_ORG = tomllib.loads((Path(__file__).parent / "schema_org.toml").read_text())
# Where no link leads: answers to a search.
SEARCHES = ["/search/?q=ketamine", "/search/?q=migrane", "/search/?q=zzzzzz"]
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def site(django_db_setup, django_db_blocker):
    """Every address a reader can come to by links, and what is served there; for reading only.

    Each test runs in a savepoint of this transaction, and looks at every page: one that failed
    stands in its message by name. With PAGES_TO, all HTML is also written to that folder.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_clinic", verbosity=0)
        call_command("load_pages", verbosity=0)
        site = crawled(Client())
        if folder := os.environ.get("PAGES_TO"):
            write(Path(folder), site)
        yield site
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def loaded(site, django_db_blocker):
    """The starter pages and what is shown at each."""
    with django_db_blocker.unblock():
        pages = list(Page.objects.public().select_related("live"))
    return {page: site[page.get_absolute_url()] for page in pages}


class Lost(str):
    """What was served in place of a page that is not there: its status."""


def crawled(client):
    """From the home page, the sitemap and some searches along all links: text of pages, bytes of files."""
    ahead = ["/", "/robots.txt", *SEARCHES]
    ahead += [locally(found) for found in re.findall("<loc>(.*?)</loc>", client.get("/sitemap.xml").text)]
    served = {}
    while ahead:
        address = ahead.pop()
        if address in served:
            continue
        response = client.get(address)
        if response.status_code != 200:
            served[address] = Lost(response.status_code)
        elif response["Content-Type"].startswith("text/html"):
            served[address] = response.text
            ahead += [target for target, fragment in links(address, response.text)]
        else:
            served[address] = response.getvalue()
    return served


def locally(address):
    return address.removeprefix(settings.SITE_URL)


def links(address, shown):
    """Where a page leads on this site: addresses of pages and files, and the ids in them."""
    found = re.findall(r'\b(?:(?:href|src)="([^"]*)"|content="(http[^"]*)")', shown)
    for link in (locally(unescape(one or other)) for one, other in found):
        if link.startswith(("/", "#", "?")):
            yield urldefrag(urljoin(address, link))


def write(folder, site):
    """The pages as files, with those that only a mistake or somebody of the staff leads to."""
    folder.mkdir(parents=True, exist_ok=True)
    staff = Client()
    staff.force_login(make.staff())
    others = {
        "nowhere": Client().get("/nowhere/"),
        "who-with-mistakes": Client().post("/request-an-appointment/who/"),
        "feedback-with-mistakes": Client().post("/feedback/migraine/", {"comment": "Good"}),
        "styleguide": staff.get("/styleguide/"),
        "styleguide-with-mistakes": staff.get("/styleguide/?errors"),
    }
    written = {**html(site), **{name: response.text for name, response in others.items()}}
    for address, shown in written.items():
        name = re.sub("[^a-z0-9-]+", "_", address.strip("/")) or "home"
        (folder / f"{name}.html").write_text(shown)


def html(site):
    return {address: shown for address, shown in site.items() if type(shown) is str}


def faults(pages, look):
    """What `look` finds at each page or address, where it finds anything."""
    found = {str(page): look(page, shown) for page, shown in pages.items()}
    return {address: fault for address, fault in found.items() if fault}


def test_there_are_starter_pages():
    assert len(PATHS) >= 55
    assert sorted(Page.objects.public().values_list("path", flat=True)) == PATHS


def test_each_starter_page_about_health_says_that_nobody_has_reviewed_it(loaded):
    def wrong(page, shown):
        checked = date_format(page.live.sources_checked_on, "F j, Y")
        note = (
            f"No clinician of this clinic has reviewed this page yet. Its sources were checked on {checked}."
        )
        return (note in " ".join(shown.split())) is (page.kind == Page.Kind.PLAIN)

    assert faults(loaded, wrong) == {}


def test_every_page_has_one_h1(site):
    assert faults(html(site), lambda address, shown: shown.count("<h1") != 1) == {}


def test_no_two_pages_have_one_title_or_one_description(site):
    found = [shown for shown in html(site).values() if 'name="robots" content="noindex"' not in shown]

    for pattern in ["<title>(.*?)</title>", r'<meta name="description"\s+content="(.*?)">']:
        said = Counter(re.search(pattern, shown, re.DOTALL)[1] for shown in found)
        assert [words for words, count in said.items() if count > 1] == []


def test_no_starter_page_has_faults(loaded):
    assert faults(loaded, lambda page, shown: list(map(str, publishing.faults(page.live)))) == {}


def test_every_starter_page_reads_at_grade_8_or_lower(loaded):
    assert faults(loaded, lambda page, shown: page.live.grade if page.live.grade > 8 else None) == {}


def test_no_page_has_an_id_twice(site):
    def twice(address, shown):
        return [id for id, count in Counter(ids(shown)).items() if count > 1]

    assert faults(html(site), twice) == {}


def test_every_link_leads_to_a_page_or_a_file_and_to_an_id_in_it(site):
    """To sources too: a citation is a link to an id of its own page."""

    there = {address: {""} for address, served in site.items() if isinstance(served, bytes)}
    there |= {address: {"", *ids(shown)} for address, shown in html(site).items()}

    def astray(address, shown):
        led = set(links(address, shown))
        return [link for link in led if link[1] not in there.get(link[0], ())]

    assert faults(html(site), astray) == {}


def ids(shown):
    return re.findall(r'\bid="([^"]+)"', shown)


def packed(served):
    return len(gzip.compress(served.encode() if isinstance(served, str) else served, 6))


def test_no_page_is_heavier_than_its_first_round_trip(site):
    def weight(address, shown):
        most = WHOLE_GUIDE if address.endswith("/all/") else FIRST_ROUND_TRIP
        return packed(shown) if packed(shown) > most else None

    assert faults(html(site), weight) == {}


def test_no_page_asks_for_much_beside_itself(site):
    needed = re.compile(r'<(?:script|img)\b[^>]*\bsrc="(.*?)"|<link rel="(?:stylesheet|icon)" href="(.*?)"')
    sizes = {address: packed(served) for address, served in site.items()}

    def much(address, shown):
        files = {a or b for a, b in needed.findall(shown)}
        css = sum(sizes[file] for file in files if file.endswith(".css"))
        js = sum(sizes[file] for file in files if file.endswith(".js"))
        in_all = sizes[address] + sum(sizes[file] for file in files)
        small = css <= MOST_CSS and js <= MOST_JS and in_all <= MOST_IN_ALL and len(files) < MOST_REQUESTS
        return None if files and small else (css, js, in_all, files)

    assert faults(html(site), much) == {}


def properties_of(name):
    """Of a type of schema.org, its own and those of the types above it."""
    own = SCHEMA_ORG[name]
    return {*own["properties"]}.union(*map(properties_of, own["below"]))


def nodes(data):
    """Every object in a JSON-LD document."""
    if isinstance(data, dict):
        yield data
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else []:
        yield from nodes(part)


def test_what_pages_tell_machines_is_in_the_words_of_schema_org(loaded):
    def strange(page, shown):
        (script,) = re.findall('<script type="application/ld\\+json">(.*?)</script>', shown, re.DOTALL)
        graph = list(nodes(json.loads(script)["@graph"]))
        named = {node["@id"] for node in graph if "@type" in node and "@id" in node}
        for node in graph:
            keywords = {key for key in node if key.startswith("@")}
            if keywords == {"@id"}:
                yield from {node["@id"]} - named
            else:
                yield from node.keys() - keywords - properties_of(node["@type"])

    assert faults(loaded, lambda page, shown: list(strange(page, shown))) == {}


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
        ("imitrex", "migraine/treatments/acute-medicines"),
        ("spravato", "treatments/nasal-ketamine-and-spravato"),
        ("botox", "migraine/treatments/botox"),
        ("topamax", "migraine/treatments/preventive-medicines"),
        ("nurtec", "migraine/treatments/cgrp-medicines"),
        ("the pill and aura", "migraine/life-stages/hormones-and-birth-control"),
        ("migraine while pregnant", "migraine/life-stages/pregnancy-and-breastfeeding"),
        ("kill myself", "conditions/suicidal-thoughts"),
        ("how much does it cost", "ketamine-for-migraine/cost-and-insurance"),
        ("ketamin side efects", "ketamine-for-migraine/risks-and-side-effects"),
        ("can I drive after ketamine", "your-visit/getting-home"),
    ],
)
def test_what_people_ask_leads_to_the_page_that_says_it(query, path):
    assert path in [result.page.path for result in find(query).results][:5]


def test_every_starter_page_is_on_the_site_map(client, loaded, django_assert_num_queries):
    with django_assert_num_queries(1):
        shown = client.get("/site-map/").content.decode()

    main = re.search("<main.*</main>", shown, re.DOTALL)[0]
    links = re.findall(r'<a href="([^"]*)"', main)
    pages = [page.get_absolute_url() for page in loaded]
    others = ["/locations/", "/request-an-appointment/", "/tools/headache-diary/", "/tools/attack-card/"]
    assert sorted(links) == sorted([*pages, *others])


def test_a_starter_guide_has_no_id_twice_and_every_link_within_leads_somewhere(site, loaded):
    for hub in [page for page in loaded if page.kind == "hub"]:
        shown = site[f"{hub.get_absolute_url()}all/"]
        ids = re.findall(r'\bid="([^"]+)"', shown)
        named = set(" ".join(re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', shown)).split())
        assert sorted(set(ids)) == sorted(ids)
        assert {*re.findall(r'href="#([^"]+)"', shown), *named} - set(ids) == set()


def test_starter_names_are_loaded_once(loaded):
    Synonym.objects.exclude(term="imitrex").delete()
    call_command("load_pages", verbosity=0)

    assert list(Synonym.objects.values_list("term", flat=True)) == ["imitrex"]

import logging
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.postgres.search import SearchQuery
from django.db import IntegrityError, connection

from pages import publishing
from pages.models import Page, SearchEntry, Synonym
from pages.search import MOST_SHOWN, find
from tests.pages import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def three():
    """One page has "nausea" in its title, one in its short version, one in its text."""
    make.starter(make.page("text"), title="One", body="Light. " * 9 + "People have nausea. " + "Dark. " * 9)
    make.starter(make.page("short"), title="Two", short_version="Nausea is common.\nb\nc")
    make.starter(make.page("title"), title="Nausea")


def paths(query):
    return [result.page.path for result in find(query).results]


def test_the_title_counts_more_than_the_short_version_and_this_more_than_the_text(three):
    assert paths("nausea") == ["title", "short", "text"]


def test_other_forms_of_a_word_are_found():
    make.starter(body="Many injections are given.")

    assert paths("injected") == ["light"]


def test_every_word_is_there():
    make.starter(make.page("a"), title="Migraine and cost")
    make.starter(make.page("b"), title="Migraine alone")

    assert paths("migraine costs") == ["a"]
    assert find("migraine costs").has_all_words


def test_some_words_are_enough_where_no_page_has_them_all():
    make.starter(make.page("a"), title="Migraine alone")

    assert paths("migraine zebra") == ["a"]
    assert not find("migraine zebra").has_all_words


def test_a_misspelled_word_is_mended_and_said():
    make.starter(title="Living with migraine")

    found = find("migrane")

    assert (found.mended, [result.page.path for result in found.results]) == ("migraine", ["light"])


def test_a_word_nothing_looks_like_finds_nothing():
    make.starter()

    assert find("xylophone").count == 0


def test_a_name_staff_know_finds_the_plain_one():
    make.starter(title="Triptans compared")
    Synonym.objects.create(term="imitrex", means="triptan, sumatriptan")

    assert (paths("Imitrex"), paths("imitrx")) == (["light"], ["light"])


def test_a_name_of_several_words_finds_the_plain_one():
    make.starter(make.page("a"), title="Suicidal thoughts")
    make.starter(make.page("b"), title="Thoughts about cost")
    Synonym.objects.create(term="kill myself", means="suicidal thoughts")

    assert paths("I want to kill myself")[0] == "a"


def test_words_that_are_not_public_are_not_found():
    revision = make.approved(make.proposed(title="Zebra"))
    make.proposed(revision.page, by=make.writer("other"), title="Okapi")

    assert (paths("zebra"), paths("okapi")) == (["light"], [])


def test_a_word_of_a_page_that_is_gone_mends_nothing():
    page = make.starter(title="Living with migraine").page
    make.starter(make.page("dark"), title="Dark", caption="")
    publishing.withdraw(page, by=make.reviewer(), reason="Wrong", now=make.NOW)

    assert (paths("migraine"), find("migrane dark").mended) == ([], "")


def test_words_too_common_to_be_looked_for_are_not_mended():
    make.starter(title="Living with migraine", body="The theme.")

    assert find("them migrane").mended == "them migraine"


def test_a_snippet_is_the_whole_sentence_with_the_most_words_and_these_are_marked(three):
    snippet = str(find("people nausea").results[0].snippet)

    assert snippet == "<mark>People</mark> have <mark>nausea</mark>."


def test_the_summary_is_shown_where_no_sentence_has_more_of_the_words():
    make.starter(summary="About nausea and light.", body="Nausea is common.")

    assert str(find("nausea").results[0].snippet) == "About <mark>nausea</mark> and light."


def test_a_snippet_does_not_run_from_a_heading_into_the_text():
    make.starter(body="## Nausea\n\nLight hurts.\n\n- Dark helps nausea and pain\n- So does sleep")

    assert (
        str(find("nausea pain").results[0].snippet) == "Dark helps <mark>nausea</mark> and <mark>pain</mark>"
    )


def test_a_snippet_is_escaped_and_leaves_numbers_of_sources_out():
    make.starter(body="Pain < 3 & nausea [@schwenk-2018], **all**, of `<b>` kind.")

    assert (
        str(find("nausea").results[0].snippet)
        == "Pain &lt; 3 &amp; <mark>nausea</mark>, all, of &lt;b&gt; kind."
    )


def test_a_page_whose_text_lacks_the_words_shows_its_summary():
    make.starter(title="Nausea", summary="Why it comes.")

    assert str(find("nausea").results[0].snippet) == "Why it comes."


def test_at_most_the_closest_are_shown_and_all_are_counted():
    for number in range(MOST_SHOWN + 1):
        make.starter(make.page(f"p{number}"))

    found = find("light")

    assert (len(found.results), found.count) == (MOST_SHOWN, MOST_SHOWN + 1)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "  ",
            "the",
            "'",
            '"a',
            "a\0b",
            "& | ! <-> :*",
            "(((",
            "\\",
            "%s",
            "-",
            "x" * 1000,
            "a b " * 250,
        ),
        *("<b>", "'; --", "\ue000", "🙂", "don’t", "light:*", "!light", "much", "how many"),
    ],
)
def test_no_question_errs(query):
    make.starter()
    Synonym.objects.create(term="imitrex", means=" , ")

    assert find(query).count <= 1


def test_the_database_follows_however_a_page_becomes_public():
    """There is no verb for what a shell or another program does."""
    page = make.starter(title="Zebra").page
    older = page.live_id
    make.starter(page, title="Okapi")
    Page.objects.update(live=older)

    assert (paths("zebra"), paths("okapi")) == (["light"], [])


def test_the_search_can_use_its_index():
    make.starter()
    found = SearchEntry.objects.filter(searched=SearchQuery("light", config="english"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "words_that_are_searched" in found.explain()


@pytest.mark.parametrize("more", [0, 5])
def test_a_search_costs_few_queries(three, more, django_assert_num_queries):
    for number in range(more):
        make.starter(make.page(f"p{number}"), title="Nausea")

    with django_assert_num_queries(3):
        find("nausea")


def shown(client, query):
    response = client.get("/search/", {"q": query})
    assert response.status_code == 200
    return " ".join(re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)[0].split())


def test_the_search_page_shows_what_it_found(client, three):
    page = shown(client, "nausea")

    assert "<h2>3 pages found</h2>" in page
    assert re.findall(r'<h3> <a href="(.*?)">(.*?)</a>', page) == [
        ("/title/", "Nausea"),
        ("/short/", "Two"),
        ("/text/", "One"),
    ]


def test_the_search_page_shows_the_question_again_escaped(client):
    page = shown(client, '"><b>')

    assert 'value="&quot;&gt;&lt;b&gt;"' in page
    assert "<b>" not in page


def test_a_page_helps_where_nothing_is_found(client):
    make.starter(make.page("migraine", kind="hub"), title="About it")

    page = shown(client, "xylophone")

    assert "<h2>No page found</h2>" in page
    assert '<a href="/migraine/">About it</a>' in page
    assert '<a href="tel:7035550142">' in page


def test_nobody_keeps_what_was_looked_for(client, caplog):
    caplog.set_level(logging.DEBUG, "django.request")
    caplog.set_level(logging.DEBUG, "clinic")

    response = client.get("/search/?q=secret-pain")
    client.get("/search/?q=secret-pain%00")
    client.post("/search/?q=secret-pain")

    assert set(response.headers["Cache-Control"].split(", ")) == {"private", "no-store"}
    assert '<meta name="robots" content="noindex">' in response.content.decode()
    assert response.cookies == {}
    assert len(caplog.records) == 2
    assert "secret-pain" not in caplog.text


def test_every_page_leads_to_the_search(client):
    make.starter()

    assert '<a href="/search/"' in client.get("/light/").content.decode()
    assert '<a href="/search/"' in client.get("/nowhere/").content.decode()


def test_staff_edit_the_list_of_names(client):
    client.force_login(get_user_model().objects.create_superuser("boss"))

    client.post("/staff/pages/synonym/add/", {"term": "imitrex", "means": "triptan"})
    client.post("/staff/pages/synonym/add/", {"term": "Big Name", "means": "triptan"})

    assert list(Synonym.objects.values_list("term", "means")) == [("imitrex", "triptan")]


def test_the_database_refuses_a_name_that_is_never_found():
    with pytest.raises(IntegrityError, match="a_term_is_a_few_words_in_small_letters"):
        Synonym.objects.create(term="Imitrex", means="triptan")


def test_a_page_that_staff_chose_for_a_term_comes_first_whatever_else_has_the_word(three):
    Synonym.objects.create(term="feeling sick", page=Page.objects.get(path="text"), means="nausea")
    Synonym.objects.create(term="sick", page=Page.objects.get(path="short"))

    assert paths("I am feeling sick") == ["text", "title", "short"]
    assert find("feeling sick").count == 3


def test_a_chosen_page_without_the_word_is_counted_too_and_found_by_the_plural(three):
    make.starter(make.page("other"), title="Other")
    Synonym.objects.create(term="tummy bug", page=Page.objects.get(path="other"))

    assert (paths("tummy bugs"), find("tummy bugs").count) == (["other"], 1)


def test_a_chosen_page_that_is_not_public_is_not_shown(three):
    Synonym.objects.create(term="nausea", page=make.page("draft"))

    assert paths("nausea") == ["title", "short", "text"]


def test_a_page_whose_title_was_typed_comes_before_pages_that_have_the_word_more_often():
    make.starter(make.page("a"), title="Light and light", body="Light. " * 20)
    make.starter(make.page("b"), title="Light")

    assert paths("light") == ["b", "a"]


def test_a_term_needs_a_meaning_or_a_page(client):
    client.force_login(get_user_model().objects.create_superuser("boss"))

    page = client.post("/staff/pages/synonym/add/", {"term": "imitrex", "means": "", "page": ""})

    assert "Write what our pages say, or choose the page to show first." in page.text
    assert not Synonym.objects.exists()

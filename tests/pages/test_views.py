import re
from datetime import date

import pytest

from pages.models import Page, Revision, Source
from tests.pages import make

pytestmark = pytest.mark.django_db


def html(client, path):
    return " ".join(client.get(path).content.decode().split())


def main(client, path):
    return re.search(r"<main.*</main>", html(client, path))[0]


def test_a_public_page_is_kept_for_everybody(client):
    make.starter()

    response = client.get("/light/")

    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Vary"] == "Cookie"
    assert response.cookies == {}


def test_a_page_nobody_has_published_is_not_found(client):
    make.proposed()

    response = client.get("/light/")

    assert response.status_code == 404
    assert "public" not in response.headers["Cache-Control"]


def test_a_page_only_answers_to_reading(client):
    make.starter()

    assert client.post("/light/").status_code == 405


def test_the_title_carries_its_topic(client):
    make.starter()

    assert '<h1> <span class="caption">Migraine<span class="vh">: </span></span> Light </h1>' in main(
        client, "/light/"
    )


def test_words_nobody_has_reviewed_say_so_above_and_below(client):
    make.starter()

    shown = main(client, "/light/")

    assert shown.count("No clinician of this clinic has reviewed this page yet") == 2
    assert "Its sources were checked on March 8, 2027." in shown


def test_approved_words_say_who_reviewed_them_and_until_when(client):
    make.approved()

    shown = main(client, "/light/")

    assert "No clinician" not in shown
    assert re.findall(r"<dt>(.*?)</dt> <dd> (.*?) </dd>", shown) == [
        ("Reviewed by", "Ada Ng"),
        ("Last reviewed", "March 8, 2027"),
        ("Next review due", "March 1, 2028"),
        ("What changed", "First version (March 8, 2027)"),
    ]


def test_an_overdue_page_says_so(client):
    make.approved(reviewed_on=date(2025, 3, 8), review_due_on=date(2026, 3, 8))

    assert "This page was due for review on March 8, 2026." in main(client, "/light/")


def test_the_short_version_comes_before_the_text(client):
    make.starter()

    shown = main(client, "/light/")

    assert re.findall(r"<li>([\w ]+\.)</li>", shown) == ["Light can hurt.", "Dark can help.", "Ask us."]
    assert shown.index("The short version") < shown.index("Light can hurt<sup")


def test_a_page_that_opens_with_an_emergency_shows_it_first_and_the_review_note_last(client):
    card = "::: emergency Call 911 if:\n[Call 911](tel:911)\n\n:::\n"
    make.starter(body=f"{card}\n## Later\n\nLight can hurt.")

    shown = main(client, "/light/")

    parts = ['<a href="tel:911">', "The short version", "Light can hurt.", "No clinician of this clinic"]
    assert sorted(parts, key=shown.index) == parts


def test_a_table_in_the_opening_emergency_stays_in_it(client):
    table = "| Sign | Call |\n|---|---|\n| Weak arm | 911 |"
    make.starter(body=f"::: emergency Call 911 if:\n{table}\n\nNow.\n:::\n\nLight can hurt.")

    shown = main(client, "/light/")

    assert shown.index("Weak arm") < shown.index("Now.") < shown.index("The short version")


def test_sources_are_numbered_as_the_text_cites_them(client):
    make.source("zitek-2018", authors="Zitek T", sample_size=12345, showed="Less.", does_not_show="More.")
    make.starter(body="One [@zitek-2018]. Two [@schwenk-2018].")

    shown = main(client, "/light/")

    assert re.findall(r'<li id="source-(\d)">\s*(\w+)', shown) == [("1", "Zitek"), ("2", "Schwenk")]
    assert '<a href="https://doi.org/10.1/a" rel="noopener">Headache</a>' in shown
    assert "People studied: 12,345." in shown
    assert "<strong>What it does not show:</strong> More." in shown


def test_a_source_retracted_later_is_marked_at_once(client):
    make.starter()
    Source.objects.update(retracted=True)

    assert "This source was retracted." in main(client, "/light/")


def test_the_contents_list_the_parts_of_a_long_page(client):
    make.starter(body="## A\n\na\n\n## B\n\nb\n\n## C\n\nc\n\n## D\n\nd")

    links = re.findall(r'<a href="#([\w-]+)">(.*?)</a>', main(client, "/light/"))

    assert links == [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]


@pytest.fixture
def guide():
    """A hub with two pages, and a third that nobody can see."""
    hub = make.page("migraine", kind="hub")
    make.starter(hub, title="Migraine")
    make.starter(make.page("migraine/second", parent=hub, position=2), title="Second")
    make.starter(make.page("migraine/first", parent=hub, position=1), title="First")
    make.page("migraine/hidden", parent=hub, position=3)


def test_a_hub_lists_its_public_pages_in_order(client, guide):
    shown = main(client, "/migraine/")

    assert re.findall(r'<h3> <a href="(.*?)">(.*?)</a>', shown) == [
        ("/migraine/first/", "First"),
        ("/migraine/second/", "Second"),
    ]


def test_a_hub_has_its_drawing_and_its_pages_have_none(client, guide):
    hub, page = (main(client, path) for path in ("/migraine/", "/migraine/first/"))

    assert '<div class="title"> <svg class="picture"' in hub
    assert 'class="picture"' not in page


def test_a_hub_without_a_drawing_does_without(client):
    make.starter(make.page("quiet/rooms", kind="hub"))

    assert '<div class="title"> <h1>' in main(client, "/quiet/rooms/")


def test_the_pager_leads_through_the_guide(client, guide):
    found = re.findall(r'<a rel="(\w+)" href="(.*?)">', main(client, "/migraine/first/"))

    assert found == [("prev", "/migraine/"), ("next", "/migraine/second/")]


def test_the_breadcrumb_leaves_the_page_itself_out(client, guide):
    crumbs = re.search(r'aria-label="Breadcrumb">.*?</nav>', main(client, "/migraine/first/"))[0]

    assert re.findall(r'<a href="(.*?)">(.*?)</a>', crumbs) == [("/", "Home"), ("/migraine/", "Migraine")]


@pytest.mark.parametrize("more", [0, 3])
def test_a_page_costs_few_queries_however_many_stand_beside_it(
    client, guide, more, django_assert_num_queries
):
    hub = Page.objects.get(path="migraine")
    for number in range(more):
        make.starter(make.page(f"migraine/p{number}", parent=hub))

    with django_assert_num_queries(3):
        client.get("/migraine/first/")


def test_a_page_is_shared_by_the_readers_own_mail_or_text_message(client):
    make.starter(title="Light & dark")

    share = re.search(r'<aside class="share".*?</aside>', main(client, "/light/"))[0]

    address = "http%3A%2F%2F127.0.0.1%3A8000%2Flight%2F"
    assert re.findall(r'href="(.*?)"', share) == [
        f"mailto:?subject=Light%20%26%20dark&amp;body={address}",
        f"sms:?&amp;body={address}",
    ]
    assert "People can see the topic of this page." in share


def test_what_needs_a_script_to_share_is_hidden_without_one(client):
    make.starter()

    share = re.search(r'<aside class="share".*?</aside>', main(client, "/light/"))[0]

    assert share.count("<button") == share.count("<li hidden> <button") == 2


def test_the_sites_own_pages_are_not_for_sharing(client):
    make.starter(make.page(kind="plain"), short_version="")

    assert 'class="share"' not in main(client, "/light/")


def test_the_home_page_has_its_own_shape(client):
    make.starter(make.page("", kind="home"), title="Care for migraine", short_version="")

    shown = main(client, "/")

    assert re.findall(r"<h1>(.*?)</h1>", shown) == ["Care for migraine"]
    hero = shown[: shown.index('<ul class="cards">')]
    assert 'href="/during-an-attack/"' in hero and 'href="tel:7035550142"' in hero
    assert re.findall(r'<li class="card">.*?<a href="(.*?)">', shown) == [
        "/ketamine-for-migraine/does-it-work/",
        "/request-an-appointment/",
        "/locations/",
    ]


def test_words_of_a_page_are_escaped(client):
    make.starter(title="<i>Light</i>", short_version="<i>a\nb\nc")

    shown = html(client, "/light/")

    assert "<i>" not in shown
    assert Revision.objects.get().title == "<i>Light</i>"


def test_the_contact_page_tells_the_number_and_the_address_that_the_settings_hold(client, settings):
    settings.CLINIC = {**settings.CLINIC, "phone": "(703) 555-0199", "email": "us@example.org"}
    make.starter(make.page("contact", kind="plain"))

    shown = main(client, "/contact/")

    assert 'Phone: <a href="tel:7035550199">(703) 555-0199</a>' in shown
    assert 'Email: <a href="mailto:us@example.org">us@example.org</a>' in shown


def test_the_privacy_page_names_the_days_that_the_clean_up_goes_by(client, settings):
    make.starter(make.page("privacy", kind="plain"))
    settings.KEPT_DAYS = {"requests": 123, "unconfirmed": 11, "comments": 456}

    shown = client.get("/privacy/").text

    for words in ("123 days after your visit", "11 days after it ended", "456 days"):
        assert words in " ".join(shown.split())
    assert 'id="kept-for"' in shown

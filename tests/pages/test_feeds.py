import xml.etree.ElementTree as ET
from datetime import date, timedelta

import pytest

from pages.feeds import MOST, Changes
from pages.models import Page
from tests.pages import make

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def feed(client):
    response = client.get("/feed.xml", headers={"host": "localhost"})
    assert response.status_code == 200
    return ET.fromstring(response.content)  # noqa: S314, our own words


def entries(client, part):
    return [entry.findtext(f"{ATOM}{part}") for entry in feed(client).iter(f"{ATOM}entry")]


def test_the_feed_starts_with_what_changed_last(client):
    make.approved(now=make.NOW + timedelta(days=1))
    make.starter(make.page("starter"), title="Starter")
    make.proposed(make.page("hidden"), by=make.writer("other"))

    assert entries(client, "title") == ["Light", "Starter"]
    assert entries(client, "updated") == ["2027-03-09T17:00:00+00:00", "2027-03-08T17:00:00+00:00"]


def test_an_entry_says_what_changed_and_who_reviewed_it(client):
    make.approved(now=make.NOW + timedelta(days=1))
    make.starter(make.page("starter"))

    assert entries(client, "summary") == [
        "First version. Reviewed by Ada Ng.",
        "First version. No clinician of this clinic has reviewed this page yet.",
    ]


def test_words_in_the_feed_are_no_html(client):
    make.starter(change_note="Said <b>.")

    assert entries(client, "summary")[0].startswith("Said &lt;b&gt;. No")


def test_a_corrected_page_is_a_new_entry(client):
    before = make.approved(reviewed_on=date(2027, 3, 8))
    first = entries(client, "id")
    make.approved(
        make.proposed(before.page, by=make.writer("other"), change_note="Right"), by=make.reviewer("next")
    )

    assert Page.objects.get().live != before
    assert len(first) == len(entries(client, "id")) == 1
    assert first != entries(client, "id")


def test_addresses_in_the_feed_are_the_sites_own(client, settings):
    make.starter()

    links = {link.get("href") for link in feed(client).iter(f"{ATOM}link")}

    assert links == {f"{settings.SITE_URL}{path}" for path in ("/", "/feed.xml", "/light/")}


def test_the_feed_is_kept_for_everybody_and_costs_one_query(client, django_assert_num_queries):
    make.starter()

    with django_assert_num_queries(1):
        response = client.get("/feed.xml")

    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.cookies == {}


def test_the_feed_has_the_newest_alone():
    for number in range(MOST + 1):
        make.starter(make.page(f"p{number}"))

    assert len(Changes().items()) == MOST


def test_every_page_names_the_feed(client):
    make.starter()

    assert 'href="/feed.xml"' in client.get("/light/").content.decode()

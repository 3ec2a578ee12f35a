import logging

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pages.tools import LIMITS

CARD = "/tools/attack-card/"
FILLED = {
    "first": "my triptan, 1 tablet",
    "again": "after 2 hours, once",
    "then": "anti-nausea medicine",
    "most_days": "9",
    "helps": "dark room, no talking",
    "call": "Sam, 555-0100",
}


def test_the_diary_has_every_day_of_a_month_and_the_limits_drawn_in(client):
    page = client.get("/tools/headache-diary/")

    assert page.headers["Cache-Control"] == "public, max-age=60" and page.cookies == {}
    assert page.text.count('<th scope="row">') == 31
    over = LIMITS["triptan"], LIMITS["painkiller"]
    assert over == (10, 15)
    assert page.text.count('class="over"') == 10  # the boxes from 10 to 14, and from 15 to 19
    assert '<span class="over">10</span>' in page.text and "<span >9</span>" in page.text


def test_the_card_says_what_was_typed(client):
    response = client.post(CARD, FILLED)

    assert response.status_code == 200
    assert [words for words in FILLED.values() if words not in response.text] == []
    assert "At most 9." in response.text and "Call 911" in response.text


def test_a_card_with_the_one_thing_that_is_needed_has_no_empty_lines(client):
    shown = client.post(CARD, {"first": "rest"}).text

    assert "rest" in shown and "At most" not in shown
    assert not any(f"<dt>{name}</dt>" in shown for name in ("Again", "If that does not help", "Call"))


@pytest.mark.django_db
def test_a_card_is_neither_stored_nor_logged_nor_kept_by_a_cache(client, caplog, settings):
    caplog.set_level(logging.DEBUG)
    secret = "grandmother's tablets"

    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.post(CARD, {**FILLED, "first": secret})

    assert response.headers["Cache-Control"] == "private, no-store"
    assert len(queries) == 0 and not Session.objects.exists()
    assert secret not in caplog.text
    assert secret not in client.get(CARD).text and not response.has_header("Location")


def test_a_card_is_made_only_from_our_own_form():
    assert Client(enforce_csrf_checks=True).post(CARD, FILLED).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"first": ""}, "Enter what to take first"),
        ({"first": "a" * 121}, "What to take first must be 120 characters or less"),
        ({"helps": "a" * 161}, "What else helps, or what others should do must be 160 characters or less"),
        ({"most_days": "32"}, "Most days a month must be a number from 1 to 31"),
        ({"most_days": "0"}, "Most days a month must be a number from 1 to 31"),
        ({"most_days": "many"}, "Most days a month must be a number from 1 to 31"),
    ],
)
def test_what_does_not_fit_on_a_card_gets_a_sentence_and_what_was_typed_stays(client, wrong, sentence):
    response = client.post(CARD, {**FILLED, **wrong})

    assert response.status_code == 422
    assert sentence in response.text and FILLED["again"] in response.text


def test_what_is_typed_into_a_card_is_no_html(client):
    shown = client.post(CARD, {"first": "<script>alert(1)</script>"}).text

    assert "<script>alert" not in shown and "&lt;script&gt;alert(1)" in shown

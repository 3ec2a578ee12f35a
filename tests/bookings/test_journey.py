import re
import uuid
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle, tasks
from bookings.models import AppointmentRequest, Closure, Schedule, VisitType
from tests import make
from tests.bookings.conftest import ALL, YOU, first_free, url, words

pytestmark = pytest.mark.django_db


def test_a_request_sent_through_the_pages_lies_in_the_database(client, walk, room):
    start = first_free(room)

    response = walk(*ALL)

    asked = AppointmentRequest.objects.get()
    assert (asked.patient_name, asked.email, asked.status) == (
        "Łukasz O’Brien",
        "lukasz@example.com",
        "unverified",
    )
    assert (asked.visit_type, asked.location) == (room.visit_types.get(), room.location)
    assert asked.wanted_at.isoformat() == start
    assert response.status_code == 302
    page = client.get(response.headers["Location"]).content.decode()
    assert "We have your request" in page and asked.reference in page


@pytest.mark.parametrize(
    ("steps", "question"),
    [
        ([], "What would you like to come for?"),
        (["visit"], "Where would you like to be seen?"),
        (["visit", "where"], "When would you like to come?"),
        (["visit", "where", "when"], "How can we reach you?"),
        (["visit", "where", "when", "you"], "What would help you on the day?"),
        (ALL[:-1], "Check your answers"),
    ],
)
def test_each_answer_leads_to_the_next_question(client, walk, steps, question):
    page = client.get(walk(*steps).headers["Location"]).content.decode()

    assert re.search(rf"<h1>.*{re.escape(question)}\s*</h1>", page, re.S)


def test_a_page_finds_out_once_what_there_is_to_choose(client, walk, django_assert_num_queries):
    """The session, the visit, the place, the price and the places for who comes back."""
    address = walk("visit", "where", "when").headers["Location"]

    with django_assert_num_queries(5):
        client.get(address)


def test_a_question_cannot_be_skipped(client, walk):
    response = walk("visit")

    assert client.get(url(response, "check")).headers["Location"] == url(response, "where")


@pytest.mark.parametrize("step", ["visit", "where", "when", "you"])
def test_an_empty_answer_is_asked_again_with_a_sentence(walk, step):
    steps = ["visit", "where", "when", "you"]
    before = steps[: steps.index(step) + 1]

    response = walk(*before, **{step: {}})

    page = response.content.decode()
    assert response.status_code == 422
    assert "<title>Error: " in page and "There is a problem" in page
    assert re.findall("This field|[Vv]alid |required", page) == []


def test_a_wrong_answer_keeps_what_was_typed(walk):
    you = {**YOU, "email": "lukasz@", "phone": "12"}

    page = walk("visit", "where", "when", "you", you=you).content.decode()

    assert 'value="Łukasz O’Brien"' in page and 'value="lukasz@"' in page and 'value="12"' in page
    assert "Enter an email address in the correct format, like name@example.com" in page
    assert "Enter a phone number with its area code, like (703) 555-0142" in page


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("email", "Enter your email address, so that we can answer you"),
        ("phone", "Enter your phone number, so that we can call you"),
    ],
)
def test_the_way_of_answering_needs_its_address(walk, way, sentence):
    you = {"patient_name": "Ann", "contact_by": way}

    page = walk("visit", "where", "when", "you", you=you).content.decode()

    assert sentence in page


def test_sending_twice_shows_the_same_confirmation_and_makes_one_request(client, walk):
    response = walk(*ALL)

    again = client.post(url(response, "check"))

    assert again.headers["Location"] == response.headers["Location"]
    assert AppointmentRequest.objects.count() == 1


def test_going_back_after_sending_shows_the_confirmation(client, walk):
    response = walk(*ALL)

    assert client.get(url(response, "you")).headers["Location"] == response.headers["Location"]


def test_a_time_that_went_meanwhile_is_asked_again_and_nothing_else_is_lost(client, walk, room):
    start = first_free(room)
    before = walk(*ALL[:-1])
    make.submitted(room, starts_at=datetime.fromisoformat(start), now=timezone.now())

    response = client.post(url(before, "check"))

    assert response.headers["Location"] == url(before, "when")
    page = client.get(url(before, "when")).content.decode()
    assert "That time was just taken" in page and start not in page
    assert "The nearest free times" in page and first_free(room) in page
    chosen = client.post(url(before, "when"), {"start": first_free(room)})
    assert chosen.headers["Location"] == url(before, "check")
    client.post(url(before, "check"))
    assert AppointmentRequest.objects.filter(patient_name="Łukasz O’Brien").count() == 1


def test_a_made_up_time_is_not_booked(client, walk):
    before = walk(*ALL[:-1], when={"start": "2027-03-10T03:00:00+00:00"})

    response = client.post(url(before, "check"))

    assert response.headers["Location"] == url(before, "when")
    assert AppointmentRequest.objects.count() == 0


@pytest.mark.parametrize(
    "start",
    [
        "",
        "tomorrow",
        "2027-03-10",
        "2027-03-10T09:00",
        "9" * 400,
        "0001-01-01T00:00:00+00:00",
        "9999-12-31T23:59:00-12:00",
    ],
)
def test_a_time_that_is_none_gets_a_sentence(walk, start):
    response = walk("visit", "where", "when", when={"start": start})

    assert response.status_code == 422


@pytest.mark.parametrize("query", ["from=9999-12-31", "from=0001-01-01", "from=x&day=y", "day=9999-12-31"])
def test_days_that_are_none_show_days_that_are(client, walk, query):
    response = walk("visit", "where")

    page = client.get(url(response, "when"), query_params=dict(pair.split("=") for pair in query.split("&")))

    assert page.status_code == 200 and 'name="start"' in page.content.decode()


def test_two_tabs_do_not_mix(client, walk):
    first = walk(*ALL[:-1])
    second = walk(*ALL[:-1], you={**YOU, "patient_name": "Kim"})

    client.post(url(first, "check"))
    client.post(url(second, "check"))

    # The second wanted the same time, so it was asked again; the first went through as itself.
    assert list(AppointmentRequest.objects.values_list("patient_name", flat=True)) == ["Łukasz O’Brien"]


def test_another_visit_asks_again_where_and_when_and_keeps_the_person(client, walk, room):
    response = walk(*ALL[:-1])
    other = make.visit_type(slug="follow-up")
    for taking in Schedule.objects.all():
        taking.visit_types.add(other)

    changed = client.post(url(response, "visit"), {"visit": "follow-up"})

    assert changed.headers["Location"] == url(response, "where")
    client.post(url(response, "where"), {"where": "arlington"})
    last = client.post(url(response, "when"), {"start": first_free(room, other)})
    assert last.headers["Location"] == url(response, "check")


def test_who_pays_is_asked_where_the_visit_has_a_price(client, walk, room):
    VisitType.objects.update(price=250)
    before = walk(*ALL[:-1])
    assert before.headers["Location"] == url(before, "pay")

    page = client.get(url(before, "pay")).content.decode()
    assert "you have the right to a written estimate of the cost" in page and ": 7 of 8<" in page
    empty = client.post(url(before, "pay"))
    assert empty.status_code == 422 and "Select how you would like to pay" in empty.content.decode()
    client.post(url(before, "pay"), {"pays_self": "yes"})
    check = words(client.get(url(before, "check")))
    assert "How you pay Myself, without insurance Change how you pay" in check
    client.post(url(before, "check"))

    assert AppointmentRequest.objects.get().pays_self is True


def test_who_pays_is_not_kept_where_the_price_has_gone_meanwhile(client, walk, room):
    VisitType.objects.update(price=250)
    before = walk(*ALL[:-1], "pay", pay={"pays_self": "yes"})
    VisitType.objects.update(price=None)

    assert "How you pay" not in words(client.get(url(before, "check")))
    client.post(url(before, "check"))
    assert AppointmentRequest.objects.get().pays_self is None


def test_someone_who_asks_for_another_person_gives_both_names(walk):
    you = {**YOU, "patient_name": "Ada", "asked_by": "Łukasz"}

    walk(*ALL, who={"who": "other"}, you=you)

    asked = AppointmentRequest.objects.get()
    assert (asked.patient_name, asked.asked_by) == ("Ada", "Łukasz")


@pytest.mark.parametrize("name", ["Nguyễn Thị Ánh", "محمد", "李", "X", "O'Brien-Łukasz"])
def test_real_names_are_kept_whole(walk, name):
    walk(*ALL, you={**YOU, "patient_name": f"  {name} "})

    assert AppointmentRequest.objects.get().patient_name == name


@pytest.mark.parametrize("name", ["\u200b\u200b", "\u202e", " \t ", "\r\n"])
def test_a_name_that_cannot_be_seen_is_none(walk, name):
    page = walk("visit", "where", "when", "you", you={**YOU, "patient_name": name}).content.decode()

    assert "Enter your full name" in page


def test_a_name_cannot_break_a_line_or_turn_the_text_around(walk):
    walk(*ALL, you={**YOU, "patient_name": "Ann\r\nBcc: x\u202eevil"})

    assert AppointmentRequest.objects.get().patient_name == "Ann Bcc: xevil"


@pytest.mark.parametrize("name", ["request_step", "request_sent"])
def test_an_unknown_journey_gets_a_helpful_page_that_reveals_nothing(client, room, name):
    make.submitted(room, now=make.NOW)
    args = (
        [uuid.uuid4(), "check"] if name == "request_step" else [AppointmentRequest.objects.get().submission]
    )

    response = client.get(reverse(name, args=args))

    assert response.status_code == 404
    assert "Your answers are no longer here" in response.content.decode()


def test_a_form_whose_token_is_old_gets_a_page_with_the_phone_number(room):
    response = Client(enforce_csrf_checks=True).post(reverse("request_first_step"), {"who": "me"})

    assert response.status_code == 403
    assert "(703) 555-0142" in response.content.decode()


def test_the_pages_of_a_journey_are_never_kept(client, walk):
    response = client.get(walk("visit").headers["Location"])

    assert response.headers["Cache-Control"] == "private, no-store"


def test_the_start_page_sets_no_cookie(client):
    response = client.get(reverse("start_request"))

    assert response.status_code == 200 and response.cookies == {}


def test_a_full_calendar_offers_the_ways_out(client, walk, room):
    response = walk("visit", "where")
    Closure.objects.create(
        location=room.location,
        starts_at=timezone.now() - timedelta(days=1),
        ends_at=timezone.now() + timedelta(days=90),
    )

    page = client.get(url(response, "when")).content.decode()

    assert "There are no free times in these two weeks" in page and "(703) 555-0142" in page
    assert re.findall('href="[^"]*/when/([a-z-]+)/"', page) == ["days", "waiting-list", "call"]


def test_after_sending_the_session_keeps_the_reference_only(client, walk):
    walk(*ALL)

    asked = AppointmentRequest.objects.get()
    assert list(client.session["journeys"].values()) == [{"sent": asked.reference}]


def test_answers_that_were_never_sent_are_forgotten_when_the_session_has_ended(client, walk):
    walk(*ALL[:-1])
    Session.objects.update(expire_date=timezone.now())

    tasks.forget_ended_sessions(timestamp=0)

    assert Session.objects.count() == 0


def test_answers_of_today_are_kept(client, walk):
    response = walk(*ALL[:-1])

    tasks.forget_ended_sessions(timestamp=0)

    assert client.get(url(response, "check")).status_code == 200


def test_the_decided_request_of_another_browser_cannot_be_seen(client, walk, room):
    asked = make.confirmed(room, starts_at=datetime.fromisoformat(first_free(room)), now=timezone.now())
    lifecycle.accept(asked, by=make.staff(), now=timezone.now())

    assert client.get(reverse("request_sent", args=[asked.submission])).status_code == 404

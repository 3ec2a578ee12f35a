"""The ways through the journey that are not the plain one, and the ways into it."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import AppointmentRequest, Closure, Location, Message, VisitType
from tests import make
from tests.bookings.conftest import ALL, YOU, a_minute_ago, first_free, url, words

pytestmark = pytest.mark.django_db

BEFORE_WHEN, AFTER_WHEN = ("visit", "where"), ("you", "day", "check")
CALL_ME = {"patient_name": "Ada", "phone": "(703) 555-0142"}


def other(response, kind):
    return f"{url(response, 'when')}{kind}/"


def finish(client, response, **you):
    for step in AFTER_WHEN:
        response = client.post(url(response, step), {**YOU, **you} if step == "you" else {})
    return response


def test_days_that_suit_are_asked_for_and_shown_before_and_after_sending(client, walk):
    begun = walk(*BEFORE_WHEN)
    days = {"day_1": "Tuesdays", "part_1": "morning", "day_2": "Dec 31", "part_2": "any"}

    client.post(other(begun, "days"), days)
    client.post(url(begun, "you"), YOU)
    client.post(url(begun, "day"), {})
    check = words(client.get(url(begun, "check")))
    again = client.get(other(begun, "days")).content.decode()
    sent = words(client.get(client.post(url(begun, "check")).headers["Location"]))

    asked = AppointmentRequest.objects.get()
    assert (asked.asks_for, asked.wanted_at, asked.appointment) == ("periods", None, None)
    assert str(asked.periods.first()) == "Tuesdays, in the morning"
    assert asked.periods.count() == 2
    assert "Days that suit me Tuesdays, in the morning;" in check
    assert 'value="Tuesdays"' in again and 'value="Dec 31"' in again
    assert "These days work for you: Tuesdays, in the morning" in sent


def test_a_bad_date_keeps_what_was_typed(client, walk):
    begun = walk(*BEFORE_WHEN)

    response = client.post(other(begun, "days"), {"day_1": "Feb 29, 2027", "day_2": "Friday"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "First choice: there is no such date" in page
    assert 'value="Feb 29, 2027"' in page and 'value="Friday"' in page


def test_the_waiting_list_is_asked_for_with_one_press(client, walk, room):
    begun = walk(*BEFORE_WHEN)

    client.post(other(begun, "waiting-list"), {"first_day": "", "last_day": "", "part": "any"})
    finish(client, begun)

    asked = AppointmentRequest.objects.get()
    period = asked.periods.get()
    assert asked.asks_for == "waitlist"
    assert period.first_day == room.location.local(timezone.now()).date()
    assert period.last_day == period.first_day + timedelta(days=60)


def test_a_call_about_the_time_needs_a_number_and_nothing_else(client, walk):
    begun = walk(*BEFORE_WHEN)

    client.post(other(begun, "call"), {})
    refused = client.post(url(begun, "you"), YOU)
    finish(client, begun, phone="703-555-0142", email="")

    assert refused.status_code == 422
    asked = AppointmentRequest.objects.get()
    assert (asked.asks_for, asked.contact_by, asked.status) == ("call", "phone", "pending")
    assert asked.visit_type.slug == "consultation"


def test_who_changes_to_a_call_is_asked_for_the_number(client, walk):
    begun = walk(*ALL[:-1])

    response = client.post(other(begun, "call"), {})

    assert response.headers["Location"] == url(begun, "you")
    assert 'value="Łukasz O’Brien"' in client.get(url(begun, "you")).content.decode()


def test_whoever_names_days_can_still_take_a_time(client, walk, room):
    begun = walk(*BEFORE_WHEN)
    client.post(other(begun, "days"), {"day_1": "Tuesday"})

    client.post(url(begun, "when"), {"start": first_free(room)})
    finish(client, begun)

    asked = AppointmentRequest.objects.get()
    assert asked.asks_for == "time" and asked.periods.count() == 0


def test_a_single_place_is_not_asked_for(client, walk, room):
    Location.objects.get(slug="norfolk").schedules.update(is_active=False)

    begun = walk("visit")
    when = client.get(url(begun, "when")).content.decode()
    client.post(url(begun, "when"), {"start": first_free(room)})
    client.post(url(begun, "you"), YOU)
    client.post(url(begun, "day"), {})
    check = client.get(url(begun, "check")).content.decode()

    assert begun.headers["Location"] == url(begun, "when")
    assert "3 of 6" in when and f'class="back-link" href="{url(begun, "visit")}"' in when
    assert "Arlington" in check and url(begun, "where") not in check
    assert client.get(url(begun, "where")).headers["Location"] == url(begun, "check")


def test_a_single_time_is_not_chosen_for_the_patient(client, walk, room):
    begun = walk(*BEFORE_WHEN)
    only = datetime.fromisoformat(first_free(room))
    for starts_at, ends_at in [
        (only - timedelta(days=2), only),
        (only + timedelta(hours=1), only + timedelta(days=90)),
    ]:
        Closure.objects.create(location=room.location, starts_at=starts_at, ends_at=ends_at)

    page = client.get(url(begun, "when")).content.decode()

    assert page.count('name="start"') == 1 and "checked" not in page


def test_the_page_of_visits_shows_length_and_price_where_there_is_one(client, walk, room):
    make.schedule(room.location, make.visit_type(slug="talk", name="Talk", price=1250, minutes=90), "Two")

    page = words(client.get(walk().headers["Location"]))

    assert "Consultation (1 hour) A talk." in page
    assert "Talk (1 hour 30 minutes, $1,250) A talk." in page


@pytest.mark.parametrize("gone", ["visit", "where"])
def test_what_is_not_offered_any_more_is_asked_again(client, walk, gone):
    begun = walk(*ALL[:-1])
    if gone == "visit":
        VisitType.objects.update(is_listed=False)
    else:
        Location.objects.filter(slug="arlington").update(is_listed=False)
        make.schedule(make.location(slug="richmond"), VisitType.objects.get(), "Other")

    response = client.post(url(begun, "check"))

    assert response.headers["Location"] == url(begun, gone)
    assert client.get(url(begun, gone)).status_code == 200
    assert AppointmentRequest.objects.count() == 0


def test_fields_that_nobody_asked_for_change_nothing(client, walk):
    extra = {
        "status": "accepted",
        "is_suspect": "",
        "price": "0",
        "submission": "x",
        "minutes": "5",
        "id": "7",
    }

    walk(*ALL, you={**YOU, **extra}, check=extra)

    asked = AppointmentRequest.objects.get()
    assert asked.status == "unverified"
    assert asked.appointment.ends_at - asked.appointment.starts_at == timedelta(hours=1)


NASTY = '<script>alert(1)</script>{{ 7|add:7 }}"\'>=HYPERLINK("x")'


def test_what_is_typed_is_never_run(client, walk):
    you = {**YOU, "patient_name": NASTY, "asked_by": NASTY}
    begun = walk(*ALL[:-2], who={"who": "other"}, you=you)
    client.post(url(begun, "day"), {"language": NASTY, "note": NASTY})

    pages = [client.get(url(begun, step)) for step in ("you", "day", "check")]
    pages.append(client.get(client.post(url(begun, "check")).headers["Location"]))
    asked = AppointmentRequest.objects.get()
    desk = Client()
    desk.force_login(make.staff())
    for path in ("", f"{asked.pk}/change/"):
        pages.append(desk.get(f"/staff/bookings/appointmentrequest/{path}"))

    assert asked.patient_name == asked.note == asked.language == NASTY
    assert [page.status_code for page in pages] == [200] * 6
    assert [page for page in pages if "<script>alert" in page.content.decode()] == []
    assert "{{ 7|add:7 }}" in words(pages[2]) and "{{ 7|add:7 }}" in words(pages[5])


@pytest.mark.parametrize("language", ["ar,*;q=0.1", "xx-YY;q=nonsense", "de-DE" * 500])
def test_a_browser_in_another_language_gets_the_same_page(client, room, language):
    page = client.get(reverse("request_first_step"), headers={"Accept-Language": language})

    assert page.status_code == 200 and "Who is the visit for?" in page.content.decode()


@pytest.mark.parametrize(
    "robot",
    [
        {"who": {"began": ""}},  # never saw the first page
        {"who": {"subject": "Cheap pills"}},
        {"you": {**YOU, "subject": "Cheap pills"}},
    ],
    ids=["too quick", "decoy on the first page", "decoy beside the name"],
)
def test_what_a_robot_asks_for_is_kept_apart_and_its_page_says_so(client, walk, robot):
    page = words(client.get(walk(*ALL, **robot).headers["Location"]))

    asked = AppointmentRequest.objects.get()
    assert (asked.is_suspect, asked.appointment, Message.objects.count()) == (True, None, 0)
    assert "So we have not sent you an email, and we are not holding a time for you." in page
    assert "We have kept your request" in page and "We send an email" not in page


# Ask us to call you


def test_a_name_and_a_number_are_enough_to_be_called(client, room):
    page = client.get(reverse("request_call"))
    submission = re.search('name="submission" value="([^"]+)"', page.content.decode())[1]
    call_me = {**CALL_ME, "submission": submission, "began": a_minute_ago()}

    first = client.post(reverse("request_call"), call_me)
    second = client.post(reverse("request_call"), call_me)

    asked = AppointmentRequest.objects.get()
    assert (asked.asks_for, asked.visit_type, asked.location) == ("call", None, room.location)
    assert (asked.status, asked.contact_by, asked.phone) == ("pending", "phone", "(703) 555-0142")
    assert first.headers["Location"] == second.headers["Location"]
    sent = words(client.get(first.headers["Location"]))
    by = room.location.time_in_words(asked.reply_until)
    assert f"A person here calls you at (703) 555-0142 by {by}." in sent


@pytest.mark.parametrize("robot", [{"began": ""}, {"began": "x"}, {"subject": "Cheap pills"}])
def test_a_call_that_a_robot_asks_for_is_kept_apart_and_its_page_asks_to_call_us(client, room, robot):
    response = client.post(reverse("request_call"), {**CALL_ME, "began": a_minute_ago(), **robot})

    asked = AppointmentRequest.objects.get()
    assert (asked.is_suspect, asked.status, Message.objects.count()) == (True, "unverified", 0)
    page = words(client.get(response.headers["Location"]))
    assert "Please call us." in page and "A person here calls you" not in page


def test_a_call_needs_a_name_and_a_number_that_can_be_called(client, room):
    response = client.post(reverse("request_call"), {"patient_name": "Ada", "phone": "12"})

    page = response.content.decode()
    assert response.status_code == 422 and 'value="Ada"' in page and 'value="12"' in page
    assert "Enter a phone number with its area code" in page


def test_the_address_of_somebody_elses_journey_cannot_be_used_to_see_it(client, walk):
    asked_by_another = walk(*ALL)
    stranger = Client()

    response = stranger.post(
        reverse("request_call"),
        {**CALL_ME, "submission": re.search("[0-9a-f-]{36}", url(asked_by_another, "who"))[0]},
    )

    assert "lukasz@example.com" not in words(stranger.get(response.headers["Location"]))
    assert AppointmentRequest.objects.count() == 2


# A link that names a time


def linked(client, room, **parameters):
    named = {"location": "arlington", "visit": "consultation", "source": "finder", "booking-referral": "1"}
    return client.get(reverse("start_request"), {**named, **parameters})


def address_of_the_button(page):
    return unescape(re.search(r'class="button"\s+href="([^"]+)"', page.content.decode())[1])


def test_a_link_starts_with_the_time_chosen(client, room):
    start = first_free(room)

    page = linked(client, room, start=start)
    begun = client.post(address_of_the_button(page), {"who": "me"})
    client.post(url(begun, "you"), YOU)
    client.post(url(begun, "day"), {})
    client.post(url(begun, "check"))

    assert (
        f"You chose: Consultation, Arlington, {room.location.time_in_words(datetime.fromisoformat(start))}."
        in words(page)
    )
    assert begun.headers["Location"] == url(begun, "you")
    assert AppointmentRequest.objects.get().wanted_at.isoformat() == start


def test_a_link_to_a_time_that_has_gone_shows_the_nearest(client, room):
    start = first_free(room)
    make.submitted(room, starts_at=datetime.fromisoformat(start), now=timezone.now())

    page = linked(client, room, start=start)
    begun = client.post(address_of_the_button(page), {"who": "me"})
    when = words(client.get(begun.headers["Location"]))

    assert "This time isn't available:" in words(page)
    links = re.findall(r'(?:href|action)="[^"]*&amp;start=', page.content.decode())
    assert len(links) == 6 + 1  # the nearest, and the button
    assert begun.headers["Location"] == url(begun, "when")
    assert "That time was just taken:" in when and "The nearest free times" in when


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"start": "soon"}, "The link did not name a time."),
        ({"start": "2027-03-09T09:00"}, "The link did not name a time."),
        ({"start": "0001-01-01T00:00:00+00:00"}, "The link did not name a time."),
        ({"start": "2100-01-01T00:00:00+00:00"}, "This time isn't available:"),
        ({"location": "nowhere"}, "doesn't match what we offer now"),
        ({"visit": "x" * 3000}, "doesn't match what we offer now"),
        ({"visit": "", "location": ""}, None),
    ],
)
def test_a_link_that_makes_no_sense_says_so_and_leads_on(client, room, parameters, sentence):
    page = linked(client, room, **parameters)

    assert page.status_code == 200
    assert sentence is None or sentence in words(page)
    assert client.post(address_of_the_button(page), {"who": "me"}).status_code == 302


def test_a_link_may_name_the_place_alone(client, room):
    page = linked(client, room, visit="")
    begun = client.post(address_of_the_button(page), {"who": "me"})
    client.post(url(begun, "visit"), {"visit": "consultation"})

    assert "notice--warning" not in page.content.decode()
    where = client.get(url(begun, "where")).content.decode()
    assert re.findall(r'value="([a-z]+)"[^>]*checked', where) == ["arlington"]


def test_a_link_whose_plus_became_a_space_still_names_its_time(client, room):
    assert "You chose:" in words(linked(client, room, start=first_free(room).replace("+", " ")))

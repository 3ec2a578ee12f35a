"""What patients do on their own page: accept, move, cancel, correct. The page itself: test_manage.py."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle, links
from tests import make
from tests.bookings import test_manage
from tests.bookings.test_manage import (
    CONTACT,
    asking,
    free,
    leads_to_the_page,
    offered,
    path,
    record,
    status,
    text,
)

pytestmark = pytest.mark.django_db
robin = test_manage.robin


def test_an_offer_is_accepted_once_however_often_the_button_is_pressed(client, room, robin):
    asked = offered(room, robin)
    link = path(asked, "accept")

    first, second = client.post(link), client.post(link)

    assert leads_to_the_page(first, asked) and leads_to_the_page(second, asked)
    page = text(client.get(second.headers["Location"]))
    assert "You have accepted this time." in page and "Your visit is booked" in page
    assert asked.messages.filter(kind="accepted").count() == 1


def test_an_offer_whose_time_has_gone_is_not_accepted(client, room, robin):
    asked = offered(room, robin)
    start = asked.appointment.starts_at
    asked.appointments.filter(status="pending").update(held_until=timezone.now())
    make.accepted(room, starts_at=start, now=timezone.now(), email="b@example.com")

    response = client.post(path(asked, "accept"))

    assert response.status_code == 409 and "That time was just taken." in text(response)
    assert status(asked) == "offered"


@pytest.mark.parametrize(
    ("act", "becomes", "question", "done"),
    [
        ("refuse", "pending", "Can't come at that time?", "You told us that you can't come then."),
        ("withdraw", "withdrawn", "Cancel this request?", "You have canceled your request."),
    ],
)
def test_what_cannot_be_undone_asks_first_and_then_says_what_was_done(
    client, room, robin, act, becomes, question, done
):
    asked = offered(room, robin)
    assert question in text(client.get(path(asked, act)))

    response = client.post(path(asked, act))

    assert leads_to_the_page(response, asked) and status(asked) == becomes
    assert done in text(client.get(response.headers["Location"]))


def test_a_visit_is_cancelled_and_its_time_is_free(client, room):
    asked = asking(room, make_it=make.accepted)
    start = asked.appointment.starts_at
    assert "Cancel this visit?" in text(client.get(path(asked, "cancel")))

    response = client.post(path(asked, "cancel"), follow=True)

    assert "You have canceled your visit." in text(response) and "We had to cancel" not in text(response)
    assert free(room) == start


def test_two_devices_that_cancel_at_once_both_see_that_it_is_done(room, real_commits):
    asked = asking(room, make_it=make.accepted)
    link, start = path(asked, "cancel"), Barrier(2)

    def press(_):
        start.wait()
        try:
            return Client().post(link)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as devices:
        responses = list(devices.map(press, range(2)))

    assert [leads_to_the_page(response, asked) for response in responses] == [True, True]
    assert asked.events.filter(verb="cancel").count() == 1


def test_what_was_done_is_not_said_again_later_nor_of_what_others_did(client, room, robin):
    asked = asking(room, make_it=make.accepted)
    lifecycle.cancel(asked, now=timezone.now() - timedelta(minutes=11))
    by_us = asking(room, make_it=make.accepted, email="b@example.com")
    lifecycle.cancel(by_us, now=timezone.now(), by=robin, reason="closed")

    assert "You have cancelled" not in text(client.get(path(asked)))
    assert "You have cancelled" not in text(client.get(path(by_us)))


def test_a_booked_visit_moves_to_a_time_that_is_really_free(client, room):
    asked = asking(room, make_it=make.accepted)
    old, new = asked.appointment.starts_at, free(room, days=6)
    page = client.get(path(asked, "time") + f"?day={room.location.local(new).date()}")
    assert new.isoformat() in page.content.decode() and old.isoformat() not in page.content.decode()

    link = path(asked, "time")

    response = client.post(link, {"start": new.isoformat()}, follow=True)

    assert "You have moved your visit." in text(response)
    assert (asked.appointment.starts_at, free(room)) == (new, old)
    client.post(path(asked, "time"), {"start": old.isoformat()})
    assert client.post(link, {"start": new.isoformat()}).status_code == 410  # no double click any more


def test_a_visit_stays_where_it_is_when_the_new_time_has_gone(client, room):
    asked = asking(room, make_it=make.accepted)
    old, new = asked.appointment.starts_at, free(room, days=6)
    asking(room, days=6, email="b@example.com")

    response = client.post(path(asked, "time"), {"start": new.isoformat()})

    assert response.status_code == 409
    assert "That time was just taken:" in text(response) and "Your visit stays as it was." in text(response)
    assert "The nearest free times" in text(response)
    asked.refresh_from_db()
    assert asked.appointment.starts_at == old


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("", "Select a time"),
        ("tomorrow", "Select one of the times shown"),
        ("2026-01-01T09:00:00+00:00", "Select one of the times shown"),
        ("0001-01-01T00:00:00+00:00", "Select one of the times shown"),
        ("9999-12-31T23:59:00-12:00", "Select one of the times shown"),
    ],
)
def test_a_time_that_nobody_offered_is_a_mistake_with_a_sentence(client, room, start, says):
    asked = asking(room, make_it=make.accepted)

    response = client.post(path(asked, "time"), {"start": start})

    assert (response.status_code, says in text(response)) == (422, True)
    assert "<legend>Start" not in response.content.decode()  # the day, after a mistake too
    assert "<title>Error: Your request" in response.content.decode()


def test_past_the_notice_a_visit_is_changed_on_the_phone(client, room):
    room.visit_types.update(change_notice_hours=24 * 10)
    asked = asking(room, make_it=make.accepted)
    before = record(asked)
    assert "It's too late to move or cancel this visit here." in text(client.get(path(asked)))

    for act in ["time", "cancel"]:
        page = client.get(path(asked, act))
        assert "Please call us" in text(page) and "(703) 555-0142" in text(page)
        refused = client.post(path(asked, act), {"start": free(room, days=6).isoformat()})
        assert (refused.status_code, "Please call us" in text(refused)) == (409, True)

    assert record(asked) == before


def test_contact_details_are_corrected_and_a_new_address_gets_a_new_link(client, room):
    asked = asking(room, make_it=make.confirmed, phone="(703) 555-0199")
    page = client.get(path(asked, "contact"))
    assert (
        'value="anh@example.com"' in page.content.decode()
        and 'name="patient_name"' not in page.content.decode()
    )
    old = path(asked, "contact")

    response = client.post(old, CONTACT, follow=True)

    asked.refresh_from_db()
    assert (asked.email, asked.phone, asked.patient_name) == ("new@example.com", "", "Nguyễn Thị Ánh")
    assert "We have your new contact details." in text(response)
    assert asked.messages.filter(kind="link", version=asked.version).count() == 1
    assert leads_to_the_page(client.post(old, CONTACT), asked)  # pressed twice
    assert client.post(old, {**CONTACT, "email": "other@example.com"}).status_code == 410
    assert client.get(old).status_code == 410


def test_who_asked_for_a_call_is_still_called_whatever_else_is_corrected(client, room):
    call = {"asks_for": "call", "starts_at": None, "phone": "(703) 555-0199", "contact_by": "phone"}
    asked = make.confirmed(room, now=timezone.now(), **call)
    page = client.get(path(asked, "contact"))

    response = client.post(
        path(asked, "contact"), {"contact_by": "email", "email": "a@example.com", "phone": ""}
    )

    assert response.status_code == 422 and "How should we answer you?" not in text(page)
    client.post(path(asked, "contact"), {"contact_by": "email", "email": "", "phone": "703 555 0142"})
    asked.refresh_from_db()
    assert (asked.email, asked.phone, asked.contact_by) == ("", "703 555 0142", "phone")


def test_a_mistake_in_contact_details_keeps_what_was_typed(client, room):
    asked = asking(room, make_it=make.confirmed)

    response = client.post(path(asked, "contact"), {"email": "a@b", "phone": "12", "contact_by": "phone"})

    assert response.status_code == 422
    assert "Enter an email address in the correct format" in text(response)
    assert 'value="a@b"' in response.content.decode() and 'value="12"' in response.content.decode()
    asked.refresh_from_db()
    assert asked.email == "anh@example.com"


def test_saving_the_same_contact_details_leaves_links_alive(client, room):
    asked = asking(room, make_it=make.confirmed)
    link = path(asked)

    client.post(path(asked, "contact"), {**CONTACT, "email": asked.email})

    assert client.get(link).status_code == 200


def test_nobody_can_send_links_to_address_after_address(client, room):
    asked = asking(room, make_it=make.confirmed)

    answers = [
        client.post(path(asked, "contact"), {**CONTACT, "email": f"a{number}@example.com"}).status_code
        for number in range(7)
    ]

    assert answers == [302] * 5 + [409] * 2
    assert "Please call us" in text(client.get(path(asked, "contact")))


def test_a_booked_visit_can_be_put_in_a_calendar_and_no_other(client, room):
    asked = asking(room, make_it=make.accepted)
    token = links.token(asked, "manage_request", now=timezone.now())
    address = reverse("request_calendar", args=[token])

    file = client.get(address)

    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert file.content.startswith(b"BEGIN:VCALENDAR\r\n")
    lifecycle.cancel(asked, now=timezone.now())
    assert client.get(address).status_code == 410
    asked.refresh_from_db()
    fresh = reverse("request_calendar", args=[links.token(asked, "manage_request", now=timezone.now())])
    assert client.get(fresh).status_code == 409

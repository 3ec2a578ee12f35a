"""After sending: what happens next, taking it back, mending a wrong address."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bookings import lifecycle
from bookings.models import AppointmentRequest, Message
from tests import make
from tests.bookings.conftest import ALL, YOU, url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(client, walk):
    """The address of the page after sending."""
    return walk(*ALL).headers["Location"]


def test_the_page_after_sending_says_what_to_do_and_by_when(client, sent):
    asked = AppointmentRequest.objects.get()

    page = words(client.get(sent))

    time = asked.location.time_in_words(asked.wanted_at)
    assert "We send an e-mail to lukasz@example.com now." in page
    assert f"within 20 minutes, we can keep this time for you: {time} , Arlington" in page
    assert f"answers by {asked.location.time_in_words(asked.reply_until)}, by e-mail." in page


def test_without_an_address_the_page_says_when_we_call(client, walk):
    page = words(
        client.get(
            walk(*ALL, you={**YOU, "contact_by": "phone", "email": "", "phone": "703-555-0142"}).headers[
                "Location"
            ]
        )
    )

    assert "Confirm your e-mail" not in page and ", by phone." in page


def test_a_request_can_be_taken_back_while_it_is_open(client, sent):
    client.get(f"{sent}undo/")
    assert AppointmentRequest.objects.get().status == "unverified"

    response = client.post(f"{sent}undo/")

    asked = AppointmentRequest.objects.get()
    assert (asked.status, asked.appointment) == ("withdrawn", None)
    assert response.headers["Location"] == sent
    page = words(client.get(sent))
    assert "Your request is taken back" in page and "Take my request back" not in page
    assert client.post(f"{sent}undo/").headers["Location"] == sent


def test_what_was_accepted_cannot_be_taken_back_here(client, sent):
    asked = AppointmentRequest.objects.get()
    asked = lifecycle.verify(asked, now=timezone.now())
    lifecycle.accept(asked, by=make.staff(), now=timezone.now())

    client.post(f"{sent}undo/")

    asked.refresh_from_db()
    assert asked.status == "accepted"
    assert f"Your appointment: {asked.location.time_in_words(asked.wanted_at)}" in words(client.get(sent))


def test_a_wrong_address_is_mended_and_the_mail_sent_there(client, sent):
    response = client.post(
        f"{sent}contact/", {"contact_by": "email", "email": "lukas@example.com", "phone": ""}
    )

    asked = AppointmentRequest.objects.get()
    assert (asked.email, asked.status) == ("lukas@example.com", "unverified")
    assert asked.messages.filter(kind=Message.Kind.VERIFY, version=asked.version).count() == 1
    assert "We have changed how we can reach you." in words(client.get(response.headers["Location"]))


def test_who_asked_for_a_call_can_mend_the_number_and_is_still_called(client, walk):
    begun = walk("visit", "where")
    client.post(f"{url(begun, 'when')}call/", {})
    client.post(url(begun, "you"), {"patient_name": "Ada", "phone": "(703) 555-0142"})
    client.post(url(begun, "day"), {})
    sent = client.post(url(begun, "check")).headers["Location"]

    page = words(client.get(f"{sent}contact/"))
    client.post(f"{sent}contact/", {"contact_by": "email", "email": "", "phone": "(703) 555-0199"})

    asked = AppointmentRequest.objects.get()
    assert "How should we answer you?" not in page
    assert (asked.phone, asked.contact_by) == ("(703) 555-0199", "phone")


def test_an_address_can_be_mended_a_few_times_only(client, sent):
    for number in range(7):
        client.post(f"{sent}contact/", {"contact_by": "email", "email": f"l{number}@example.com"})

    assert AppointmentRequest.objects.get().email == "l4@example.com"
    assert "Please phone us" in words(client.get(f"{sent}contact/"))


def test_the_mail_is_sent_again_though_not_at_once(client, sent):
    message = Message.objects.get(kind=Message.Kind.VERIFY)
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    Message.objects.update(status="sent", sent_at=a_minute_ago, claimed_at=a_minute_ago)
    client.post(f"{sent}again/")
    message.refresh_from_db()
    assert message.status == "sent"

    Message.objects.update(claimed_at=timezone.now() - timedelta(minutes=11))
    page = client.post(f"{sent}again/", follow=True)

    message.refresh_from_db()
    assert message.status == "queued"
    assert "The e-mail is on its way." in words(page)


def test_a_suspect_request_sends_nothing_and_its_page_is_the_same(client, sent):
    before = words(client.get(sent))
    Message.objects.all().delete()
    AppointmentRequest.objects.update(is_suspect=True)

    client.post(f"{sent}again/")
    client.post(f"{sent}contact/", {"contact_by": "email", "email": "other@example.com"})

    assert Message.objects.count() == 0
    assert words(client.get(sent)).replace("other@", "lukasz@") == before


@pytest.mark.parametrize("page", ["undo/", "again/", "contact/"])
def test_another_browser_can_change_nothing(sent, page):
    response = Client().post(sent + page, {"contact_by": "email", "email": "x@example.com"})

    asked = AppointmentRequest.objects.get()
    assert response.status_code == 404
    assert (asked.status, asked.email) == ("unverified", "lukasz@example.com")

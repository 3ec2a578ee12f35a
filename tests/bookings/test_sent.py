"""After sending: what happens next, taking it back, mending a wrong address."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bookings import lifecycle, shield
from bookings.models import Appointment, AppointmentRequest, Message
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

    say = asked.location.time_in_words
    assert "We're sending an email to lukasz@example.com" in page
    until = say(asked.appointment.held_until)
    assert f"We are holding this time for you: {say(asked.wanted_at)} , Arlington. Confirm by {until}" in page
    assert f"answers by {say(asked.reply_until)}, by email." in page


def test_without_an_address_the_page_says_when_we_call(client, walk):
    page = words(
        client.get(
            walk(*ALL, you={**YOU, "contact_by": "phone", "email": "", "phone": "703-555-0142"}).headers[
                "Location"
            ]
        )
    )

    assert "Confirm your email" not in page and ", by phone." in page


def test_a_request_can_be_taken_back_while_it_is_open(client, sent):
    client.get(f"{sent}undo/")
    assert AppointmentRequest.objects.get().status == "unverified"

    response = client.post(f"{sent}undo/")

    asked = AppointmentRequest.objects.get()
    assert (asked.status, asked.appointment) == ("withdrawn", None)
    assert response.headers["Location"] == sent
    page = words(client.get(sent))
    assert "Your request is canceled" in page and "Cancel my request" not in page
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
    assert "Please call us" in words(client.get(f"{sent}contact/"))


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
    assert "The email is on its way." in words(page)


def test_a_suspect_request_sends_nothing_and_its_page_says_so(client, sent):
    Message.objects.all().delete()
    AppointmentRequest.objects.update(is_suspect=True)

    page = client.post(f"{sent}again/", follow=True)
    client.post(f"{sent}contact/", {"contact_by": "email", "email": "other@example.com"})

    assert Message.objects.count() == 0
    for shown in (words(page), words(client.get(sent))):
        assert "So we have not sent you an email" in shown and "on its way" not in shown
        assert "call us at (703) 555-0142 and give us your reference" in shown


def test_where_no_time_could_be_held_the_page_says_so_and_that_the_request_is_kept(client, sent):
    Appointment.objects.update(status="cancelled")

    page = words(client.get(sent))

    asked = AppointmentRequest.objects.get()
    assert (
        f"We could not keep this time for you: {asked.location.time_in_words(asked.wanted_at)}, Arl" in page
    )
    assert "We still have your request, and we'll answer it." in page and "holding" not in page


def test_who_asks_by_phone_reads_whether_the_time_is_held(client, walk):
    you = {**YOU, "contact_by": "phone", "email": "", "phone": "703-555-0142"}
    sent = walk(*ALL, you=you).headers["Location"]
    until = AppointmentRequest.objects.get().appointment.held_until

    assert "We are holding it for you until" in words(client.get(sent))
    Appointment.objects.update(held_until=until - timedelta(minutes=20))
    assert "We could not keep this time for you." in words(client.get(sent))


@pytest.mark.parametrize("phone", ["", "703-555-0142"])
def test_where_the_mailbox_has_had_too_many_emails_the_page_says_so_and_what_to_do(client, walk, phone):
    now = timezone.now()
    for number in range(3):
        assert shield.may_write_to("Lukasz@example.com", f"n{number}", now=now)

    sent = walk(*ALL, you={**YOU, "phone": phone}).headers["Location"]
    page = words(client.get(sent))

    assert Message.objects.get().status == "failed"
    assert "We could not send you an email" in page and "We send an email" not in page
    assert "We are holding this time for you" in page
    call = f"A person here will call you at {phone} ." if phone else "To confirm it, please call us"
    assert call in page
    again = words(client.post(f"{sent}again/", follow=True))
    assert "We did not send the email again" in again and "on its way" not in again


def test_where_our_email_was_not_delivered_the_page_says_so(client, sent):
    Message.objects.update(status="failed", error="SMTPRecipientsRefused 550")

    page = words(client.get(sent))

    assert "Our email to lukasz@example.com was not delivered." in page and "in an hour" not in page


@pytest.mark.parametrize("page", ["undo/", "again/", "contact/"])
def test_another_browser_can_change_nothing(sent, page):
    response = Client().post(sent + page, {"contact_by": "email", "email": "x@example.com"})

    asked = AppointmentRequest.objects.get()
    assert response.status_code == 404
    assert (asked.status, asked.email) == ("unverified", "lukasz@example.com")

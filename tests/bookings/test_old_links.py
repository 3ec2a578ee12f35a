"""What a link of an earlier version shows, and to whom."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle, links, outbox
from tests import make
from tests.bookings.test_manage import asking, free, path, record, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def robin():
    return make.staff()


def test_an_old_link_shows_how_it_stands_and_sends_a_new_one_to_the_address_we_have(client, room, mailbox):
    asked = asking(room, make_it=make.accepted)
    old = path(asked)
    start = free(room, days=6)
    lifecycle.reschedule(
        asked, lifecycle.Choice(asked.visit_type, asked.location, start), now=timezone.now(), by=make.staff()
    )

    page = client.get(old)

    assert page.status_code == 410 and "This link is old" in text(page)
    when = asked.location.time_in_words(start)
    assert f"Your visit is booked: {when}, {asked.location.name}." in text(page)
    for secret in [asked.reference, asked.email, "Thị", asked.visit_type.name]:
        assert secret not in text(page)
    before = record(asked)
    for act in ("cancel", "time", "contact", "withdraw"):
        assert client.post(reverse("request_act", args=[old.split("/")[2], act])).status_code == 410
    assert record(asked) == before
    asked.refresh_from_db()
    assert links.token(asked, "manage_request", now=timezone.now()) not in page.text
    action = re.search('action="(/manage/[^"]*)"', page.content.decode())[1]
    response = client.post(action, follow=True)
    assert "A new link is on its way" in text(response) and asked.email not in response.content.decode()
    assert "manage" not in response.request["PATH_INFO"]
    outbox.deliver_due(now=timezone.now())
    assert [(mail["To"], "link" in mail["Subject"]) for mail in mailbox.messages] == [(asked.email, True)]
    fresh = re.search(r"(/manage/\S+/)", mailbox.messages[0].get_body("plain").get_content())[1]
    assert "Your visit is booked" in text(client.get(fresh))


def test_while_the_news_is_on_its_way_the_link_before_shows_it(client, room, robin):
    """Staff accept; for the three minutes before the email leaves no other link works."""
    asked = asking(room, make_it=make.confirmed)
    link = path(asked)
    assert "We have your request" in text(client.get(link))
    lifecycle.accept(asked, by=robin, now=timezone.now())

    page = text(client.get(link))

    when = asked.location.time_in_words(asked.appointment.starts_at)
    assert f"Your visit is booked: {when}, {asked.location.name}." in page


def test_a_mailbox_that_was_wrong_learns_nothing_from_its_link(client, room, robin):
    """Also after more has changed, and where the address is taken back later."""
    asked = asking(room, make_it=make.confirmed)
    wrong = path(asked)
    lifecycle.correct_contact(
        asked, email="right@example.com", phone="", contact_by="email", now=timezone.now(), by=robin
    )
    asked.refresh_from_db()
    right = path(asked)
    lifecycle.accept(asked, by=robin, now=timezone.now())

    page = client.get(wrong)

    assert page.status_code == 410 and "Something has changed since we sent it." in text(page)
    when = asked.location.time_in_words(asked.appointment.starts_at)
    for secret in [when, "booked", asked.location.name, asked.reference, "right@example.com"]:
        assert secret not in text(page)
    assert f"Your visit is booked: {when}" in text(client.get(right))


def test_another_number_leaves_an_old_link_as_it_is(client, room, robin):
    asked = asking(room, make_it=make.confirmed)
    link = path(asked)
    lifecycle.correct_contact(
        asked, email=asked.email, phone="(703) 555-0199", contact_by="email", now=timezone.now(), by=robin
    )
    asked.refresh_from_db()
    lifecycle.waitlist(asked, by=robin, now=timezone.now())

    assert "You are on our waiting list." in text(client.get(link))

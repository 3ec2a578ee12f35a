"""Who only looks leaves no row, and who begins leaves few, for a day."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import tasks
from bookings.models import AppointmentRequest
from tests import make
from tests.bookings.conftest import words

pytestmark = pytest.mark.django_db
FIRST = "/request-an-appointment/who/"


def start(at, client=None):
    return (client or Client()).post(FIRST, {"who": "me"}, REMOTE_ADDR=at)


def shield_of(page):
    """The hidden fields of the form on a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_who_only_looks_at_pages_leaves_no_session(client):
    call_command("load_pages", verbosity=0)
    place = make.location()
    public = re.findall(r"<loc>https?://[^/]+([^<]+)</loc>", client.get("/sitemap.xml").text)
    guide = next(path for path in public if path.count("/") > 2)
    nobodys = "/request-an-appointment/00000000-0000-4000-8000-000000000000/"
    others = [
        *map(reverse, ("request_call", "request_first_step", "search", "link_sent", "admin:login")),
        *(nobodys + step for step in ("when/", "sent/", "check/")),
        f"{guide}feedback/",
        f"{FIRST}?location={place.slug}",
        "/search/?q=migraine",
        "/confirm/x/",
        "/manage/x/",
        "/staff/",
        "/staff/reset/",
        "/staff/reset/MQ/x-y/",
        "/nowhere/",
        "/robots.txt",
    ]
    looks = [*public, *others]
    for number in range(200):
        Client().get(looks[number % len(looks)])
    client.post("/display/", {"theme": "dim", "back": "/"})

    assert len(public) > 20 and Session.objects.count() == 0


def test_one_address_leaves_sixty_sessions_in_an_hour_and_is_told_whom_to_call():
    told = [start("8.8.8.8") for _ in range(62)]

    assert [answer.status_code for answer in told] == [302] * 60 + [429] * 2
    page = words(told[-1])
    assert "started from your network today. Call us at (703) 555-0142, or try again later." in page
    assert re.search(r'value="me"[^>]*checked', told[-1].text)
    assert Session.objects.count() == 60
    assert start("8.8.4.4").status_code == 302


def test_an_ipv6_network_leaves_no_more_than_one_address():
    told = [start(f"2600:1f18::{number:x}").status_code for number in range(61)]

    assert told == [302] * 60 + [429]


def test_one_call_that_is_asked_for_again_and_again_leaves_no_more_sessions_than_that():
    make.location()
    form = shield_of(Client().get(reverse("request_call")))
    form |= {"patient_name": "Anh Tran", "phone": "(703) 555-0100"}
    told = [Client().post(reverse("request_call"), form, REMOTE_ADDR="8.8.8.8") for _ in range(64)]

    assert AppointmentRequest.objects.count() == 1
    assert Session.objects.count() == 61
    assert [answer.status_code for answer in told] == [302] * 61 + [429] * 3
    assert "We have this request" in words(told[-1])


def test_who_has_begun_may_begin_again_however_many_others_did(client):
    start("8.8.8.8", client)
    for _ in range(60):
        start("8.8.8.8")

    assert [start("8.8.8.8", client).status_code for _ in range(6)] == [302] * 6
    assert Session.objects.count() == 60


def test_sessions_that_have_ended_are_deleted_in_batches(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(tasks, "SESSIONS_AT_ONCE", 10)
    now = timezone.now()
    for number in range(25):
        Session(f"ended {number}", "", now - timedelta(seconds=1)).save()
    Session("goes on", "", now + timedelta(minutes=1)).save()

    with django_assert_num_queries(7):  # three batches, and a last look
        tasks.forget_ended_sessions(timestamp=0)

    assert [session.pk for session in Session.objects.all()] == ["goes on"]

"""A clinic around the real clock, which the views read, and somebody who walks through the journey."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import availability, shield
from tests import make

ALL = ("visit", "where", "when", "you", "day", "check")
YOU = {"patient_name": "Łukasz O’Brien", "contact_by": "email", "email": "lukasz@example.com", "phone": ""}


@pytest.fixture
def room():
    """Open every day of the week, in one of two places where the same visit is given."""
    visit = make.visit_type(slug="consultation", name="Consultation")
    make.schedule(make.location(slug="norfolk", name="Norfolk", weekdays=range(7), position=1), visit)
    return make.schedule(make.location(slug="arlington", weekdays=range(7)), visit)


@pytest.fixture
def walk(client, room):
    """Walk through the journey, answer by answer; gives the last response."""

    def answer(*steps, **changed):
        response = client.post(
            reverse("request_first_step"), {"who": "me", "began": a_minute_ago(), **changed.get("who", {})}
        )
        answers = {
            "visit": {"visit": "consultation"},
            "where": {"where": "arlington"},
            "when": {"start": first_free(room)},
            "you": YOU,
            "day": {},
            "check": {},
            **changed,
        }
        for step in steps:
            response = client.post(url(response, step), answers[step])
        return response

    return answer


def a_minute_ago():
    """The time that stands in a form, as if a person had taken a minute to fill it in."""
    return shield.stamp({}, now=timezone.now() - timedelta(minutes=1))


def first_free(room, visit=None):
    now = timezone.now()
    visit, place = visit or room.visit_types.get(), room.location
    return availability.free_slots(visit, place, place.local(now).date(), 9, now=now)[0].starts_at.isoformat()


def url(response, *step, name="request_step"):
    """The address of a page, as a rule of a `step`, in the journey that a response leads to."""
    journey = re.search("[0-9a-f-]{36}", response.headers.get("Location") or response.request["PATH_INFO"])
    return reverse(name, args=[journey[0], *step])


def words(response):
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", response.content.decode())).split())

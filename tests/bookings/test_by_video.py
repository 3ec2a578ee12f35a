"""A location by video is one like any other, but for the address: what patients and staff read of it."""

import re
from html import unescape

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from ical.calendar_stream import IcsCalendarStream

from bookings import ical, lifecycle, links, messages
from bookings.models import AppointmentRequest, Location, Message, VisitType
from tests import make
from tests.bookings.conftest import first_free, url, words

pytestmark = pytest.mark.django_db

STATES = "Virginia or Maryland"
NEEDED = (
    f"You must be in {STATES} during the visit: our clinicians are licensed there. "
    "You need a private place, and a phone or computer with a camera."
)
LINK = (
    "We'll give you the video link before the visit, by email or phone. "
    "If you don't have it 1 hour before, please call us."
)


def by_video(visit=None, **fields):
    """A schedule for visits by video."""
    place = make.location(name="By video", slug="by-video", video_states=STATES, **fields)
    return make.schedule(place, visit, name="Clinician")


def test_a_visit_by_video_is_asked_for_and_booked_like_any_other_and_nobody_is_told_a_way_here(
    client, walk, room
):
    screen = by_video(room.visit_types.get(), weekdays=range(7), position=2)
    here = {"where": {"where": "by-video"}, "when": {"start": first_free(screen)}}

    where = words(client.get(walk("visit").headers["Location"]))
    assert f"By video {NEEDED}" in where and "Arlington 1 Example Street, Arlington, VA 22201" in where
    begun = walk("visit", "where", "when", "you", **here)
    needs = re.findall(r'name="needs"\s+value="([a-z_]+)"', client.get(url(begun, "day")).text)
    assert needs == ["interpreter"]
    client.post(url(begun, "day"), {})
    assert f"Where By video {NEEDED} Change" in words(client.get(url(begun, "check")))
    sent = client.get(client.post(url(begun, "check")).headers["Location"])
    assert '<a href="/locations/by-video/">How a video visit works</a>' in sent.text

    now, asked = timezone.now(), AppointmentRequest.objects.get()
    asked = lifecycle.verify(asked, now=now)
    client.force_login(make.staff())
    lifecycle.accept(asked, by=make.staff("kim"), now=now)
    asked.refresh_from_db()
    own = words(client.get(reverse("manage_request", args=[links.token(asked, "manage_request", now=now)])))
    assert asked.appointment.schedule == screen
    assert f"By video, from a private place in {STATES} Add it to your calendar" in own
    assert LINK in own and "How a video visit works" in own
    assert [page for page in (where, words(sent), own) if "How to get" in page or ", ," in page] == []
    staff = words(client.get(f"/staff/bookings/appointmentrequest/{asked.pk}/change/"))
    assert f"write a note that you did. The patient must be in {STATES}." in staff
    day = words(client.get("/staff/bookings/appointment/?location=by-video"))
    assert "Each patient needs the link before the visit, by email or phone." in day


def test_messages_and_the_calendar_file_of_a_visit_by_video_say_from_where_and_how_the_link_comes():
    asked = make.accepted(by_video())

    said = {}
    for kind in Message.Kind.values:
        message = Message(request=asked, kind=kind, version=asked.version, message_id="<one@clinic.example>")
        mail = messages.compose(message, now=make.NOW)
        html = " ".join(unescape(re.sub("<[^>]+>", "", mail.alternatives[0].content)).split())
        assert "How to get here" not in mail.body
        assert (LINK in mail.body) == (LINK in html)
        assert ("Where: By video" in mail.body) == (
            f"Where: By video, from a private place in {STATES}" in html
        )
        said[kind] = LINK in mail.body and f"Where: By video, from a private place in {STATES}\n" in mail.body
    assert {kind for kind in said if said[kind]} == {"accepted", "rescheduled", "reminder_2", "reminder_1"}

    file = ical.to_invite(asked.appointment, now=make.NOW).decode()
    [event] = IcsCalendarStream.calendar_from_ics(file).events
    assert event.location == f"By video, from a private place in {STATES}"
    assert "CONFERENCE" not in file and "http" not in file


def test_the_public_pages_of_a_place_by_video_say_what_is_needed_and_name_no_way_there(client):
    by_video(getting_here="We call you.", light_sound_smell="Turn the picture off.")

    page, places = client.get("/locations/by-video/").text, words(client.get("/locations/"))

    said = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert f"By video From a private place in {STATES} Phone By video:" in said
    assert f"What you need {NEEDED} How it works {LINK} We call you. Opening hours" in said
    assert f"By video From a private place in {STATES} Phone By video:" in places
    assert "Getting here" not in page and "sound and smell" not in page
    assert 'content="Visits by video with Example Clinic: what you need' in page


WHOLE = {"street": "1 Example Street", "city": "Arlington", "state": "VA", "postal_code": "22201"}
NOTHING = dict.fromkeys([*WHOLE, "video_states"], "")


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [
        (WHOLE, True),
        ({"video_states": STATES}, True),
        ({}, False),
        ({**WHOLE, "postal_code": ""}, False),
        ({**WHOLE, "video_states": STATES}, False),
        ({"city": "Arlington", "video_states": STATES}, False),
    ],
    ids=["an address", "states", "nothing", "half an address", "both", "a city and states"],
)
def test_a_location_has_a_whole_address_or_the_states_of_its_patients_whoever_writes_it(
    client, typed, is_right
):
    """Staff get a sentence and keep what they typed; any other way Postgres refuses it."""
    client.force_login(make.staff())
    form = {**NOTHING, **typed, "name": "New", "slug": "new", "phone": "(703) 555-0142", "position": "0"}
    form |= {
        f"{inline}-{kind}_FORMS": "0"
        for inline in ("opening_hours", "schedules")
        for kind in ("TOTAL", "INITIAL")
    }

    page = client.post("/staff/bookings/location/add/", {**form, "time_zone": "America/New_York"})

    assert Location.objects.count() == is_right
    if not is_right:
        assert "Enter the whole address that patients come to" in page.text
        assert [value for value in typed.values() if value and f'value="{value}"' not in page.text] == []
        with pytest.raises(IntegrityError, match="a_location_has_an_address"), transaction.atomic():
            Location.objects.create(**NOTHING | typed)


def test_the_demo_offers_by_video_only_visits_at_which_people_talk():
    call_command("load_clinic", verbosity=0)

    [place] = Location.objects.exclude(video_states="")
    taken = VisitType.objects.filter(schedules__location=place).values_list("slug", flat=True)
    assert set(taken) == {"first-consultation", "follow-up", "psychotherapy"}

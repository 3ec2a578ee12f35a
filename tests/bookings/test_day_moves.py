"""Moving a visit, and offering a free time to who waits for it."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Appointment, Closure, Schedule
from tests import make

pytestmark = pytest.mark.django_db

DAY = "/staff/bookings/appointment/"
OFFER = f"{DAY}offer/"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """It is the Monday of the tests."""
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def move_url(asked):
    return reverse("admin:bookings_appointment_move", args=[asked.appointments.get().pk])


def to(room, at, on="2027-03-10", **more):
    return {"schedule": room.pk, "day": on, "hour": at, "which": "", "reason": "", **more}


def test_a_visit_is_moved_and_the_page_says_where_to(desk):
    room = make.schedule()
    asked = make.accepted(room)

    page = desk.post(move_url(asked), to(room, "14:00"), follow=True).content.decode()

    assert asked.appointments.get().starts_at == make.WEDNESDAY_9 + timedelta(hours=5)
    said = f"{asked.reference}: moved to Wednesday, March 10, 2027 at 2pm EST."
    assert f"{said} The patient will be told by email." in page


def test_a_taken_time_is_answered_with_a_sentence_and_what_is_free(desk):
    room = make.schedule()
    asked = make.accepted(room)
    make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(hours=1), email="bo@example.com")

    page = desk.post(move_url(asked), to(room, "10:30")).content.decode()

    assert asked.appointments.get().starts_at == make.WEDNESDAY_9
    assert "Room is taken from 10am EST to 11am EST." in page and 'value="10:30"' in page


def test_outside_opening_hours_needs_a_reason_which_is_kept(desk):
    room = make.schedule()
    asked = make.accepted(room)

    page = desk.post(move_url(asked), to(room, "19:00")).content.decode()
    assert "This time is outside the opening hours. Choose another time, or say why this one" in page
    assert asked.appointments.get().starts_at == make.WEDNESDAY_9
    desk.post(move_url(asked), to(room, "19:00", reason="agreed"))

    assert asked.appointments.get().starts_at == make.WEDNESDAY_9 + timedelta(hours=10)
    assert asked.events.last().reason == "agreed"


def test_who_may_not_override_is_sent_to_a_manager(client, django_user_model):
    room = make.schedule()
    asked = make.accepted(room)
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="decide_request"))
    client.force_login(clerk)

    page = client.post(move_url(asked), to(room, "19:00", reason="agreed")).text

    assert "This time is outside the opening hours. Choose another time. A manager can book this one" in page
    assert asked.appointments.get().starts_at == make.WEDNESDAY_9


def test_the_hour_that_comes_twice_is_asked_about_and_the_skipped_one_explained(desk):
    place = make.location(hours=(time(0), time(5)), weekdays=range(7))
    room = make.schedule(place, make.visit_type(horizon_days=365))
    asked = make.accepted(room, starts_at=datetime(2027, 3, 10, 6, tzinfo=UTC))

    twice = desk.post(move_url(asked), to(room, "01:30", "2027-11-07")).content.decode()
    never = desk.post(move_url(asked), to(room, "02:30", "2027-03-14")).content.decode()
    assert "1:30am EDT, the first" in twice and "1:30am EST, the second" in twice
    assert "There is no 02:30 in Arlington on that day: the clocks go forward." in never
    desk.post(move_url(asked), to(room, "01:30", "2027-11-07", which="1"))

    assert asked.appointments.get().starts_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)


def test_two_who_move_the_same_visit_do_not_undo_each_other_unseen(desk):
    room = make.schedule()
    asked = make.accepted(room)
    lifecycle.cancel(asked, by=make.staff("kim"), now=make.NOW)

    page = desk.post(move_url(asked), to(room, "14:00")).content.decode()

    assert "This visit is already marked “cancelled”: kim, Monday, March 8, 2027 at noon EST." in page


def test_who_moves_what_somebody_else_has_moved_meanwhile_looks_again_first(desk):
    room = make.schedule()
    asked = make.accepted(room)
    seen = re.search(r'name="_seen"\s+value="(\d+)"', desk.get(move_url(asked)).text).group(1)
    noon = lifecycle.Choice(asked.visit_type, room.location, make.WEDNESDAY_9 + timedelta(hours=3), room)
    lifecycle.reschedule(asked, noon, by=make.staff("kim"), now=make.NOW)

    page = desk.post(move_url(asked), to(room, "14:00", _seen=seen)).text

    assert asked.appointments.get().starts_at == noon.starts_at
    assert "This request has changed since you looked at it: kim" in page


@pytest.mark.parametrize(
    "wrong", [{"day": "soon"}, {"hour": "25:00"}, {"schedule": "x"}, {"reason": "whim"}, {"which": "7"}]
)
def test_what_cannot_be_read_is_named_and_moves_nothing(desk, wrong):
    room = make.schedule()
    asked = make.accepted(room)

    response = desk.post(move_url(asked), {**to(room, "14:00"), **wrong})

    moved = asked.appointments.get().starts_at != make.WEDNESDAY_9
    assert (response.status_code, moved) == (200, False)
    assert "There is a problem" in response.content.decode()


# The waiting list


def test_a_free_time_is_matched_to_who_waits_for_it_the_longest_first(desk):
    room = make.schedule()
    later = make.waitlisted(room, email="b@example.com", patient_name="Bo", now=make.NOW)
    first = make.waitlisted(room, email="a@example.com", patient_name="Al", now=make.NOW - timedelta(days=2))
    make.waitlisted(room, email="c@example.com", patient_name="Cy", first=date(2027, 3, 11))
    afternoon = make.waitlisted(room, email="d@example.com", patient_name="Di", part="afternoon")
    make.waitlisted(make.schedule(), email="e@example.com", patient_name="Ed")
    Schedule.objects.exclude(pk=room.pk).update(is_active=False)

    page = desk.get(DAY, {"location": room.location.slug, "date": "2027-03-10"}).text

    listed = page[page.index("On the waiting list") :]
    assert re.findall(r"<bdi>(\w+)</bdi>", listed) == ["Al", "Bo", "Di"]
    assert re.findall(r'name="request" value="(\d+)"', listed) == [
        str(one.pk) for one in (first, later, afternoon)
    ]
    assert re.findall(r"([\w:]+ E[SD]T), Room", listed) == ["9am EST", "9am EST", "noon EST"]


def test_an_offer_holds_the_time_so_that_the_next_is_refused(desk):
    room = make.schedule()
    one, two = make.waitlisted(room), make.waitlisted(room, email="b@example.com")
    offer = {"schedule": room.pk, "start": make.WEDNESDAY_9.isoformat()}

    said, refused = (
        desk.post(OFFER, {"request": asked.pk, **offer}, follow=True).text for asked in (one, two)
    )

    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.status, two.status) == ("offered", "waitlisted")
    assert Appointment.objects.get().starts_at == make.WEDNESDAY_9
    assert f"{one.reference}: offered Wednesday, March 10, 2027 at 9am EST, and held for it." in said
    assert "That time was just taken." in refused
    Closure.objects.create(location=room.location, starts_at=make.NOW, ends_at=make.later(days=9))
    closed = {"request": two.pk, "schedule": room.pk, "start": make.later(days=2).isoformat()}
    assert "This time is closed: holiday. Choose another one." in desk.post(OFFER, closed, follow=True).text


def test_only_who_is_on_the_waiting_list_is_offered_a_free_time(desk):
    room = make.schedule()
    asked = make.confirmed(room)
    offer = {"schedule": room.pk, "start": (make.WEDNESDAY_9 + timedelta(hours=3)).isoformat()}

    page = desk.post(OFFER, {"request": asked.pk, **offer}, follow=True).text

    asked.refresh_from_db()
    assert asked.status == "pending" and f"{asked.reference} is no longer on the waiting list." in page


@pytest.mark.parametrize(
    "wrong", [{"start": "soon"}, {"schedule": "٣٣"}, {"start": "2027-03-10T09:00"}, {"request": "x"}]
)
def test_an_offer_that_names_no_time_offers_nothing(desk, wrong):
    room = make.schedule()
    asked = make.waitlisted(room)
    offer = {"schedule": room.pk, "start": make.WEDNESDAY_9.isoformat(), **wrong}

    page = desk.post(OFFER, {"request": asked.pk, **offer}, follow=True).text

    asked.refresh_from_db()
    assert asked.status == "waitlisted" and "That could not be read." in page

"""Another time for a request: looked at against visits, hours, closures and notice before it is taken."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from bookings.models import Appointment, Closure
from tests import make
from tests.bookings.test_worklist_request import text, url

pytestmark = pytest.mark.django_db
FRIDAY_9 = make.TUESDAY_9 + timedelta(days=3)


@pytest.fixture
def desk(client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    client.force_login(make.staff())
    return client


def answers(asked, **fields):
    """What the form of a time sends: an hour on a day, or one of the buttons."""
    return {"visit_type": asked.visit_type_id, "location": asked.location_id, **fields}


def typed(day, hour, **fields):
    return {"start": "another", "day": day, "hour": hour, **fields}


def test_an_offer_is_looked_at_then_made(desk):
    asked = make.confirmed()
    start = FRIDAY_9.isoformat()
    assert f'value="{start}"' in desk.get(url(asked, "offer"), {"start": start}).content.decode()

    looked = text(desk.post(url(asked, "offer"), answers(asked, start=start)))
    asked.refresh_from_db()
    assert (asked.status, asked.appointments.get().starts_at) == ("pending", make.WEDNESDAY_9)
    assert "Friday, March 12, 2027 at 9am EST" in looked and "The patient will get this email" in looked
    desk.post(url(asked, "offer"), answers(asked, start=start, _do="", _seen=asked.version))

    asked.refresh_from_db()
    held = asked.appointments.get(status="pending")
    assert (asked.status, held.starts_at) == ("offered", FRIDAY_9)


def test_what_was_chosen_can_still_be_changed(desk):
    asked = make.confirmed()

    page = desk.post(url(asked, "offer"), answers(asked, **typed("2027-03-12", "09:00"), _change=""))

    assert 'value="2027-03-12"' in page.content.decode()
    assert "Look at the message first" in page.content.decode()


def test_a_visit_moves_to_any_time_inside_the_rules(desk):
    asked = make.accepted()

    desk.post(url(asked, "reschedule"), answers(asked, **typed("2027-03-12", "09:10"), _do=""))

    visit = asked.appointments.get()
    assert (visit.starts_at, visit.sequence) == (FRIDAY_9 + timedelta(minutes=10), 1)
    assert asked.events.last().reason == ""


def test_who_asked_for_a_call_is_booked_once_it_is_known_what_for(desk):
    room = make.schedule()
    asked = make.confirmed(room, asks_for="call", starts_at=None, visit_type=None)
    fields = {**typed("2027-03-12", "09:00"), "location": room.location_id}
    assert "Select what the visit is for" in text(desk.post(url(asked, "book"), fields))

    desk.post(url(asked, "book"), {**fields, "visit_type": room.visit_types.get().pk, "_do": ""})

    asked.refresh_from_db()
    assert (asked.status, asked.visit_type) == ("accepted", room.visit_types.get())


def test_a_rule_is_set_aside_only_with_a_reason_which_is_kept(desk):
    place = make.location()
    room = make.schedule(place, make.visit_type(notice_hours=72))
    Closure.objects.create(location=place, starts_at=make.WEDNESDAY_9, ends_at=FRIDAY_9, reason="holiday")
    asked = make.confirmed(room, starts_at=FRIDAY_9)
    wrong = {
        "sooner than the notice of 72 hours": typed("2027-03-09", "09:00"),
        "outside the opening hours": typed("2027-03-12", "20:00", schedule=room.pk),
        "sooner than the notice of 72 hours, closed: holiday": typed("2027-03-10", "10:00", schedule=room.pk),
        "more than 60 days ahead": typed("2027-06-09", "10:00"),
    }

    said = {
        why: text(desk.post(url(asked, "book"), answers(asked, **given, _do="")))
        for why, given in wrong.items()
    }
    needed = {
        why: f"This time is {why.replace(', ', ', and ')}. Choose another time, or say why" for why in wrong
    }
    assert [why for why in wrong if needed[why] not in said[why]] == []
    assert "Nothing is free then. Room: outside the opening hours." in text(
        desk.post(url(asked, "book"), answers(asked, **typed("2027-03-12", "20:00"), _do=""))
    )
    given = answers(asked, **wrong["sooner than the notice of 72 hours, closed: holiday"], reason="agreed")
    looked = text(desk.post(url(asked, "book"), given))
    assert "Against the rules: sooner than the notice of 72 hours, closed: holiday" in looked
    desk.post(url(asked, "book"), {**given, "_do": ""})

    asked.refresh_from_db()
    assert (asked.status, asked.events.last().reason) == ("accepted", "agreed")
    assert "(agreed with the patient)" in text(desk.get(url(asked)))


def test_who_may_not_set_rules_aside_is_sent_to_a_manager(desk, django_user_model):
    room = make.schedule()
    asked = make.confirmed(room)
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["decide_request", "view_appointmentrequest"])
    )
    desk.force_login(clerk)
    early = typed("2027-03-12", "20:00", schedule=room.pk)

    shown = text(desk.get(url(asked, "book")))
    said = text(desk.post(url(asked, "book"), answers(asked, **early, reason="agreed", _do="")))

    assert "Why, where it breaks a rule?" not in shown
    assert "This time is outside the opening hours. Choose another time. A manager can book this one" in said
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_no_reason_takes_a_time_that_somebody_has(desk):
    room = make.schedule()
    taken, asked = make.accepted(room), make.confirmed(room, starts_at=FRIDAY_9, email="b@x.org")
    given = answers(asked, **typed("2027-03-10", "09:30"), reason="clinician", _do="")

    anywhere = text(desk.post(url(asked, "book"), given))
    named = text(desk.post(url(asked, "book"), {**given, "schedule": room.pk}))

    asked.refresh_from_db()
    assert f"Nothing is free then. Room: taken by {taken.reference}." in anywhere
    assert f"Room is taken then by {taken.reference}" in named
    assert asked.status == "pending"


def test_a_time_lost_while_the_form_was_open_keeps_what_was_typed(desk, monkeypatch):
    room = make.schedule()
    asked = make.confirmed(room)
    monkeypatch.setattr("bookings.admin.times._taken", lambda *args, **options: {})  # not yet seen
    make.accepted(room, starts_at=FRIDAY_9, email="b@x.org")

    page = desk.post(url(asked, "offer"), answers(asked, **typed("2027-03-12", "09:00"), _do=""))

    assert "That time was just taken. Choose another one." in text(page)
    assert 'value="2027-03-12"' in page.content.decode()
    assert Appointment.objects.get(request=asked).starts_at == make.WEDNESDAY_9


# In 2027 New York skips 2am to 3am on March 14 and has 1am to 2am twice on November 7.
def test_an_hour_that_does_not_exist_or_comes_twice_is_asked_about(desk):
    room = make.schedule(
        make.location(weekdays=range(7), hours=(time(0), time(23))), make.visit_type(horizon_days=400)
    )
    asked = make.confirmed(room)
    skipped = text(desk.post(url(asked, "book"), answers(asked, **typed("2027-03-14", "02:30"), _do="")))
    twice = typed("2027-11-07", "01:30")
    unclear = text(desk.post(url(asked, "book"), answers(asked, **twice, _do="")))

    desk.post(url(asked, "book"), answers(asked, **twice, which="1", _do=""))

    assert "This hour does not exist that day: the clocks go forward. Enter another" in skipped
    assert "Say which one: that night the hour comes twice" in unclear
    assert asked.appointments.get(status="booked").starts_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)


WRONG = {
    "Select a time, or enter another day and hour": {},
    "Select one of the times shown": {"start": "soon"},
    "Enter a day that exists, like 2027-03-10": typed("2027-02-30", "09:00"),
    "Enter a day of this year or the next": typed("9999-12-31", "09:00"),
    "Enter an hour like 14:30": typed("2027-03-12", "25:00"),
    "This time has passed. Choose one that is still ahead": typed("2027-03-08", "09:00"),
    "Select a location": {"start": FRIDAY_9.isoformat(), "location": "999"},
    "Select a chair or room": {"start": FRIDAY_9.isoformat(), "schedule": "x"},
}


def test_each_wrong_answer_has_its_sentence_and_changes_nothing(desk):
    asked = make.confirmed()

    said = {
        why: text(desk.post(url(asked, "offer"), {**answers(asked), **given, "_do": ""}))
        for why, given in WRONG.items()
    }

    asked.refresh_from_db()
    assert [why for why in WRONG if why not in said[why]] == []
    assert asked.status == "pending"


def test_no_start_in_the_address_breaks_the_form(desk):
    asked = make.confirmed()
    starts = ["x", "2027-03-12", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"]

    assert [desk.get(url(asked, "offer"), {"start": start}).status_code for start in starts] == [200] * 4


def test_a_new_address_gets_the_link_and_a_wrong_one_its_sentence(desk):
    asked = make.confirmed()
    given = {"email": "new@example.com", "phone": "", "contact_by": "email"}
    assert "Your new link to Example Clinic" in text(desk.post(url(asked, "contact"), given))
    assert "Enter it, so that we can answer in this way" in text(
        desk.post(url(asked, "contact"), {**given, "contact_by": "phone", "_do": ""})
    )

    desk.post(url(asked, "contact"), {**given, "_do": ""})

    asked.refresh_from_db()
    assert (asked.email, asked.messages.last().kind) == ("new@example.com", "link")


def test_where_no_time_is_near_the_day_and_the_hour_are_the_question(desk):
    asked = make.submitted(asks_for="call", visit_type=None, starts_at=None, by=make.staff("lee"))

    page = desk.get(url(asked, "book")).content.decode()
    nothing = text(desk.post(url(asked, "book"), answers(asked, start="another", visit_type="", _do="")))

    assert 'type="radio"' not in page and ">Day</label>" in page and "Another" not in page
    assert "Enter a day and an hour" in nothing and "Select a time" not in nothing

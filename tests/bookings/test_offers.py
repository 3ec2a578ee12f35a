"""Another time proposed, the waiting list, and what the clock ends."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings import lifecycle
from bookings.lifecycle import Choice
from tests import make

pytestmark = pytest.mark.django_db

TEN = timedelta(hours=1)


def choice(asked, starts_at=make.WEDNESDAY_9 + TEN, **fields):
    return Choice(asked.visit_type, asked.location, starts_at, **fields)


def offered(room=None):
    asked = make.confirmed(room)
    return lifecycle.offer(asked, choice(asked), by=make.staff(), now=make.later(hours=1))


def standing(asked):
    """The times of the request that occupy a schedule."""
    occupying = asked.appointments.filter(status__in=["pending", "booked", "arrived"])
    return list(occupying.values_list("period__startswith", "status"))


def test_an_offered_time_is_held_in_place_of_the_one_asked_for():
    asked = offered()

    assert asked.status == "offered"
    assert standing(asked) == [(make.WEDNESDAY_9 + TEN, "pending")]
    assert asked.messages.latest("pk").kind == "offered"


def test_an_accepted_offer_is_a_booked_appointment_at_that_time():
    asked = offered()

    lifecycle.accept_offer(asked, now=make.later(hours=2))

    asked.refresh_from_db()
    assert (asked.status, standing(asked)) == ("accepted", [(make.WEDNESDAY_9 + TEN, "booked")])


def test_a_refused_offer_frees_its_time_and_the_clinic_must_answer_again():
    asked = offered()

    lifecycle.refuse_offer(asked, now=make.later(days=1))

    asked.refresh_from_db()
    assert (asked.status, standing(asked)) == ("pending", [])
    assert asked.reply_until > make.later(days=1)
    assert asked.messages.filter(kind="staff_new", version=asked.version).count() == 1


@pytest.mark.parametrize("verb", [lifecycle.accept_offer, lifecycle.refuse_offer])
def test_without_an_offer_there_is_nothing_to_answer(verb):
    with pytest.raises(lifecycle.Refused, match="no offer"):
        verb(make.confirmed(), now=make.NOW)


def test_another_offer_takes_the_place_of_the_first():
    asked = offered()

    lifecycle.offer(asked, choice(asked, make.TUESDAY_9), by=make.staff("kim"), now=make.later(hours=2))

    assert standing(asked) == [(make.TUESDAY_9, "pending")]
    assert asked.messages.filter(kind="offered").count() == 2


def test_an_offer_of_a_taken_time_is_refused_and_leaves_the_old_one():
    room = make.schedule()
    make.confirmed(room, email="other@example.com", starts_at=make.WEDNESDAY_9 + TEN)
    asked = make.confirmed(room)

    with pytest.raises(lifecycle.TimeGone):
        lifecycle.offer(asked, choice(asked), by=make.staff(), now=make.later(hours=1))

    asked.refresh_from_db()
    assert (asked.status, standing(asked)) == ("pending", [(make.WEDNESDAY_9, "pending")])


def test_the_past_cannot_be_offered():
    asked = make.confirmed()

    with pytest.raises(lifecycle.Refused, match="has passed"):
        lifecycle.offer(asked, choice(asked, make.NOW), by=make.staff(), now=make.NOW)


def test_staff_can_choose_a_schedule_outside_its_hours_but_never_twice():
    room, robin = make.schedule(), make.staff()
    at_night = make.WEDNESDAY_9.replace(hour=3)
    first, second = make.confirmed(room), make.confirmed(room, starts_at=make.TUESDAY_9)

    lifecycle.accept(first, by=robin, now=make.NOW, choice=choice(first, at_night, schedule=room))

    assert standing(first) == [(at_night, "booked")]
    with pytest.raises(lifecycle.TimeGone):
        lifecycle.accept(second, by=robin, now=make.NOW, choice=choice(second, at_night, schedule=room))


def test_a_visit_across_a_change_of_the_clocks_lasts_as_long_as_any_other():
    new_york = ZoneInfo("America/New_York")
    room = make.schedule()
    asked = make.confirmed(room)
    half_past_one = datetime(2027, 3, 14, 1, 30, tzinfo=new_york)

    lifecycle.accept(asked, by=make.staff(), now=make.NOW, choice=choice(asked, half_past_one, schedule=room))

    visit = asked.appointments.get()
    assert (visit.starts_at, visit.ends_at - visit.starts_at) == (half_past_one, timedelta(hours=1))


def test_a_time_agreed_on_the_phone_books_a_call():
    room = make.schedule()
    asked = make.submitted(
        room,
        asks_for="call",
        visit_type=None,
        starts_at=None,
        email="",
        phone="703 555 0199",
        contact_by="phone",
    )
    agreed = Choice(room.visit_types.get(), room.location, make.WEDNESDAY_9)

    lifecycle.accept(asked, by=make.staff(), now=make.NOW, choice=agreed)

    asked.refresh_from_db()
    assert (asked.visit_type, asked.status) == (room.visit_types.get(), "accepted")
    assert standing(asked) == [(make.WEDNESDAY_9, "booked")]


def test_a_request_without_a_time_cannot_be_accepted_without_one():
    room = make.schedule()
    asked = make.submitted(room, asks_for="waitlist", starts_at=None, by=make.staff())

    with pytest.raises(lifecycle.Refused, match="no exact time"):
        lifecycle.accept(asked, by=make.staff("kim"), now=make.NOW)


def test_who_waits_on_the_list_holds_nothing_and_can_be_offered_a_time():
    asked, robin = make.confirmed(), make.staff()

    lifecycle.waitlist(asked, by=robin, now=make.later(hours=1))

    asked.refresh_from_db()
    assert (asked.status, standing(asked), asked.messages.latest("pk").kind) == (
        "waitlisted",
        [],
        "waitlisted",
    )
    lifecycle.offer(asked, choice(asked), by=robin, now=make.later(hours=2))
    assert standing(asked) == [(make.WEDNESDAY_9 + TEN, "pending")]


def test_who_named_days_and_refuses_an_offer_still_asks_for_the_visit_and_the_place_they_named():
    asked, elsewhere = make.waitlisted(), make.schedule(make.location(name="Far"))
    asked.refresh_from_db()
    named = (asked.visit_type, asked.location)
    other = Choice(elsewhere.visit_types.get(), elsewhere.location, make.WEDNESDAY_9)
    lifecycle.offer(asked, other, by=make.staff(), now=make.later(hours=2))
    asked.refresh_from_db()

    lifecycle.refuse_offer(asked, now=make.later(hours=3))

    asked.refresh_from_db()
    assert (asked.visit_type, asked.location) == named


def test_nobody_waits_on_the_list_for_a_visit_that_is_not_known():
    asked = make.submitted(asks_for="call", visit_type=None, starts_at=None, by=make.staff())

    with pytest.raises(lifecycle.Refused, match="what the visit is for"):
        lifecycle.waitlist(asked, by=make.staff("kim"), now=make.NOW)


# What the clock ends


def test_the_sweep_frees_an_overdue_hold_and_keeps_the_request():
    asked = make.submitted()
    until = asked.appointments.get().held_until

    assert lifecycle.sweep(now=until - timedelta(seconds=1)) == 0
    assert lifecycle.sweep(now=until) == 1
    asked.refresh_from_db()
    assert (asked.status, asked.version, standing(asked)) == ("unverified", 1, [])


def test_an_offer_that_nobody_answered_goes_back_to_staff():
    asked = offered()
    until = asked.appointments.get(status="pending").held_until

    lifecycle.sweep(now=until)

    asked.refresh_from_db()
    event = asked.events.last()
    assert (asked.status, standing(asked)) == ("pending", [])
    assert (event.verb, event.who) == ("lapse", "the clock")
    assert asked.messages.filter(kind="staff_new", version=asked.version).count() == 1


def test_a_request_that_nobody_answered_ends_and_the_patient_is_told():
    asked = make.confirmed()
    assert asked.expires_at == make.WEDNESDAY_9

    lifecycle.sweep(now=asked.expires_at)

    asked.refresh_from_db()
    assert (asked.status, asked.expires_at, standing(asked)) == ("expired", None, [])
    assert asked.messages.latest("pk").kind == "expired"


def test_an_unconfirmed_request_ends_without_a_word():
    asked = make.submitted()

    lifecycle.sweep(now=asked.expires_at)

    asked.refresh_from_db()
    assert (asked.status, asked.messages.count()) == ("expired", 1)


def test_an_answer_that_is_late_can_still_be_given_for_a_week():
    next_month = make.WEDNESDAY_9 + timedelta(days=28, hours=-1)
    asked = make.confirmed(starts_at=next_month)

    assert asked.expires_at == asked.reply_until + timedelta(days=7)
    lifecycle.sweep(now=asked.reply_until)
    lifecycle.accept(asked, by=make.staff(), now=asked.reply_until + timedelta(days=1))
    assert standing(asked) == [(next_month, "booked")]


def test_the_sweep_goes_on_after_a_request_that_it_cannot_end(monkeypatch, caplog):
    room = make.schedule()
    first = make.submitted(room)
    second = make.submitted(room, starts_at=make.TUESDAY_9, email="other@example.com")
    let_go = lifecycle.sweep.__globals__["claims"].let_go
    refuse = lambda request: let_go(request) if request.pk == second.pk else 1 / 0  # noqa: E731
    monkeypatch.setattr("bookings.lifecycle.claims.let_go", refuse)

    assert lifecycle.sweep(now=make.later(minutes=20)) == 1
    assert (len(standing(first)), len(standing(second))) == (1, 0)
    assert f"request {first.pk}" in caplog.text

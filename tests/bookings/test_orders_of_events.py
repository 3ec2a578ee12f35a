"""Orders of events that once broke a promise of the verbs."""

import pytest

from bookings import lifecycle
from bookings.lifecycle import Choice
from bookings.models import AppointmentRequest, Message
from tests import make
from tests.bookings.test_races import at_once
from tests.make import NOW, TUESDAY_9, WEDNESDAY_9, later


def offered(room, *, starts_at=TUESDAY_9, to=None, **fields):
    asked = make.confirmed(room, **fields)
    to = to or room
    choice = Choice(to.visit_types.get(), to.location, starts_at)
    return lifecycle.offer(asked, choice, by=make.staff("kim"), now=NOW)


@pytest.mark.django_db
def test_an_offer_whose_time_a_newcomer_took_before_the_sweep_ends_all_the_same():
    room = make.schedule()
    offer = offered(room)
    past_the_deadline = offer.appointment.held_until
    make.submitted(room, starts_at=TUESDAY_9, email="new@example.com", now=past_the_deadline)

    lifecycle.sweep(now=past_the_deadline)

    offer.refresh_from_db()
    assert offer.status == AppointmentRequest.Status.PENDING
    assert offer.messages.filter(kind=Message.Kind.STAFF_NEW, version=offer.version).exists()


@pytest.mark.django_db
def test_a_plain_yes_after_a_refused_offer_means_the_place_and_the_visit_that_were_asked_for():
    visit = make.visit_type()
    here = make.schedule(make.location(), visit)
    there = make.schedule(make.location(name="Fairfax"), visit)
    offer = offered(here, to=there)
    lifecycle.refuse_offer(offer, now=NOW)
    offer.refresh_from_db()

    booked = lifecycle.accept(offer, by=make.staff("robin"), now=NOW)

    assert (booked.schedule, booked.starts_at) == (here, WEDNESDAY_9)


@pytest.mark.django_db
def test_a_visit_can_be_moved_to_another_place_at_the_same_hour():
    visit = make.visit_type()
    here = make.schedule(make.location(), visit)
    there = make.schedule(make.location(name="Fairfax"), visit)
    asked = make.accepted(here)

    moved = lifecycle.reschedule(asked, Choice(visit, there.location, WEDNESDAY_9), now=NOW)

    assert moved.schedule == there


@pytest.mark.django_db
def test_a_contact_can_be_corrected_after_a_visit_was_moved():
    room = make.schedule()
    asked = make.accepted(room, starts_at=later(days=8))
    visit = room.visit_types.get()
    lifecycle.reschedule(asked, Choice(visit, room.location, later(days=9)), now=NOW)
    asked.refresh_from_db()

    lifecycle.correct_contact(asked, email="new@example.com", phone="", contact_by="email", now=NOW)

    owed = asked.messages.filter(kind="reminder_1", version=5).count()
    assert owed == 1  # and the one for the old time stays untrue


@pytest.mark.django_db
def test_who_corrects_only_the_number_can_still_confirm_the_address():
    asked = make.submitted()

    corrected = lifecycle.correct_contact(
        asked, email=asked.email, phone="(703) 555-0142", contact_by="email", now=NOW
    )

    assert list(asked.messages.values_list("kind", "version")) == [("verify", corrected.version)]


@pytest.mark.django_db
def test_one_mailbox_holds_one_unconfirmed_time_however_often_it_corrects_its_address():
    room = make.schedule()
    first = make.submitted(room, email="mallory@example.com")
    lifecycle.correct_contact(first, email="victim@example.com", phone="", contact_by="email", now=NOW)

    second = make.submitted(room, email="mallory@example.com", starts_at=TUESDAY_9)

    first = AppointmentRequest.objects.get(pk=first.pk)
    assert [first.appointment, second.appointment].count(None) == 1


def test_of_two_who_move_a_visit_at_once_the_second_is_told(real_commits):
    room = make.schedule()
    asked, robin, kim = make.accepted(room), make.staff("robin"), make.staff("kim")
    visit = room.visit_types.get()

    results = at_once(
        lambda: lifecycle.reschedule(asked, Choice(visit, room.location, TUESDAY_9), by=robin, now=NOW),
        lambda: lifecycle.reschedule(asked, Choice(visit, room.location, later(hours=1)), by=kim, now=NOW),
    )

    assert sum(isinstance(result, lifecycle.Refused) for result in results) == 1


def test_who_cancels_the_visit_they_saw_does_not_cancel_another_one(real_commits):
    room = make.schedule()
    asked = make.accepted(room)
    visit = room.visit_types.get()
    seen = AppointmentRequest.objects.get(pk=asked.pk)  # on the patient's page: Wednesday
    lifecycle.reschedule(asked, Choice(visit, room.location, later(days=2)), by=make.staff("robin"), now=NOW)

    with pytest.raises(lifecycle.Refused):
        lifecycle.cancel(seen, now=NOW)


@pytest.mark.django_db
def test_a_link_that_went_to_one_address_does_not_confirm_another():
    seen = make.submitted(email="mallory@example.com")
    lifecycle.correct_contact(seen, email="victim@example.com", phone="", contact_by="email", now=NOW)

    with pytest.raises(lifecycle.Refused):
        lifecycle.verify(seen, now=NOW)

    assert AppointmentRequest.objects.get().verified_at is None

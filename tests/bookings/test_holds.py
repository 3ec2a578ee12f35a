"""How much of a schedule strangers may hold at once: nobody empties it, and real people get through.

The room of `make` is open for 80 hours in two weeks, and a visit takes one: 80 times.
"""

from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from bookings import lifecycle
from bookings.models import Appointment, AppointmentRequest, Closure
from tests import make
from tests.bookings.test_races import at_once

numbers = count()


def hour(number):
    """When the room is open for the hour of that number, counted from Tuesday morning."""
    days, hours = divmod(number, 8)
    day = datetime(2027, 3, 9, 9 + hours, tzinfo=ZoneInfo("America/New_York"))
    return day + timedelta(days=days + 2 * ((days + 1) // 5))


def ask(room, number, network, *, is_confirmed=True, **fields):
    """A request of a new person from a network; confirmed, it would be held for days."""
    fields = {
        "email": f"{next(numbers)}@example.com",
        "starts_at": hour(number),
        "network": network,
        **fields,
    }
    return (make.confirmed if is_confirmed else make.submitted)(room, **fields)


def is_held(asked):
    return asked.appointments.filter(status="pending").exists()


def held(room, numbers, network, **fields):
    """How many of these hours are held after somebody asked for all of them."""
    return sum(is_held(ask(room, number, network, **fields)) for number in numbers)


@pytest.mark.django_db
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_one_network_holds_a_tenth_of_two_weeks_and_each_request_is_kept(is_confirmed):
    room = make.schedule()

    assert held(room, range(20), "flood", is_confirmed=is_confirmed) == 8
    assert AppointmentRequest.objects.filter(status__in=["pending", "unverified"]).count() == 20


@pytest.mark.django_db
def test_a_practice_chooses_the_share_of_a_network(settings):
    settings.LIMITS = {**settings.LIMITS, "percent_held_by_network": 5}

    assert held(make.schedule(), range(20), "flood") == 4


@pytest.mark.django_db
def test_what_is_not_held_keeps_its_confirmation_email_and_its_history_says_so():
    room = make.schedule()
    held(room, range(8), "flood")

    asked = ask(room, 8, "flood", is_confirmed=False)

    assert not is_held(asked) and asked.messages.get().status == "queued"
    assert asked.events.get().reason == "not_held"


@pytest.mark.django_db
def test_from_a_quarter_on_a_network_holds_one_time_and_newcomers_still_get_theirs():
    room = make.schedule()

    assert [held(room, range(n * 10, n * 10 + 10), f"flood {n}") for n in range(3)] == [8, 8, 4]
    assert [held(room, range(30 + 2 * n, 32 + 2 * n), f"home {n}") for n in range(5)] == [1] * 5


@pytest.mark.django_db
def test_once_half_is_held_nobody_holds_and_half_stays_free():
    room = make.schedule()

    assert held(room, range(30), "") == 30  # whose network is not known
    assert sum(held(room, [30 + n], f"home {n}") for n in range(20)) == 10


@pytest.mark.django_db
def test_what_is_booked_is_not_shared_out():
    room = make.schedule()
    for number in range(40):
        asked = ask(room, number, "", by=make.staff(str(number)), via="phone")
        lifecycle.accept(asked, by=make.staff(f"a{number}"), now=make.NOW)

    assert held(room, range(40, 60), "flood") == 4


@pytest.mark.django_db
def test_what_staff_enter_or_offer_is_neither_limited_nor_counted():
    room, robin = make.schedule(), make.staff()

    assert held(room, range(30), "", by=robin, via="phone", is_confirmed=False) == 30
    wish = ask(room, 30, "home", asks_for="waitlist", starts_at=None)
    lifecycle.offer(wish, lifecycle.Choice(wish.visit_type, wish.location, hour(31)), by=robin, now=make.NOW)
    assert is_held(wish)
    assert held(room, range(32, 36), "home") == 4  # a tenth of the 49 that are left


@pytest.mark.django_db
def test_an_answered_or_ended_request_counts_no_more_and_forgets_its_network():
    room, robin = make.schedule(), make.staff()
    asked = [ask(room, number, "flood") for number in range(8)]
    lifecycle.accept(asked[0], by=robin, now=make.NOW)
    lifecycle.decline(asked[1], by=robin, reason="no_time", now=make.NOW)
    lifecycle.withdraw(asked[2], now=make.NOW)

    assert held(room, range(10, 20), "flood") == 2  # 79 hours are left to share, so 7 holds in all
    for one in asked:
        one.refresh_from_db()
    assert [one.network for one in asked] == [""] * 3 + ["flood"] * 5


@pytest.mark.django_db
def test_a_hold_that_ran_out_makes_room_and_a_late_confirmation_counts_anew():
    room = make.schedule()
    late = [ask(room, number, "flood", is_confirmed=False) for number in range(9)]
    later = make.later(minutes=21)
    assert held(room, range(10, 20), "flood", now=later) == 8

    confirmed = lifecycle.verify(late[0], now=later)

    assert confirmed.status == "pending" and not is_held(confirmed)


@pytest.mark.django_db
def test_staff_who_confirm_a_request_hold_its_time_whatever_strangers_hold():
    room = make.schedule()
    held(room, range(8), "flood")
    asked = ask(room, 8, "flood", is_confirmed=False)

    assert is_held(lifecycle.verify(asked, by=make.staff(), now=make.NOW))


@pytest.mark.django_db
def test_a_patient_moves_the_time_held_and_one_over_the_limit_gets_none():
    room = make.schedule()
    asked = [ask(room, number, "flood") for number in range(9)]

    moved = lifecycle.choose_time(asked[0], hour(20), now=make.NOW)
    refused = lifecycle.choose_time(asked[8], hour(21), now=make.NOW)

    assert (is_held(moved), is_held(refused), refused.wanted_at) == (True, False, hour(21))


@pytest.mark.django_db
def test_of_several_rooms_one_with_room_is_taken():
    place, visit = make.location(), make.visit_type()
    first = make.schedule(place, visit, "Room 1")
    make.schedule(place, visit, "Room 2")

    assert held(first, range(20), "flood") == 16


@pytest.mark.django_db
def test_in_a_room_with_hardly_any_time_each_network_may_still_hold_one():
    room = make.schedule()
    Closure.objects.create(
        location=room.location, starts_at=hour(4), ends_at=make.later(days=13), reason="other"
    )  # Monday and four hours are left

    assert held(room, range(2), "home") == 1
    assert held(room, [2], "other") == 1


@pytest.mark.django_db
def test_times_after_a_closed_fortnight_are_measured_by_their_own_two_weeks():
    room = make.schedule()
    Closure.objects.create(
        location=room.location, starts_at=make.NOW, ends_at=make.later(days=14), reason="other"
    )

    assert held(room, range(80, 100), "home") == 8


def test_of_two_at_once_one_takes_the_last_hold_of_a_network(real_commits):
    room = make.schedule()
    held(room, range(7), "flood")

    results = at_once(
        *[lambda number=number: ask(room, number, "flood", is_confirmed=False) for number in range(10, 14)]
    )

    assert sorted(is_held(asked) for asked in results) == [False] * 3 + [True]
    assert Appointment.objects.filter(status="pending").count() == 8


def test_of_two_who_confirm_at_once_one_takes_the_last_hold_of_a_network(real_commits):
    room = make.schedule()
    asked = [ask(room, number, "flood", is_confirmed=False) for number in range(2)]
    later = make.later(minutes=30)
    lifecycle.sweep(now=later)
    held(room, range(10, 17), "flood", now=later)

    at_once(*[lambda one=one: lifecycle.verify(one, now=later) for one in asked])

    assert sorted(is_held(one) for one in asked) == [False, True]

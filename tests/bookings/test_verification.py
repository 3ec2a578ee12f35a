"""A request before and while its address is confirmed."""

from datetime import date, timedelta

import pytest

from bookings import lifecycle
from bookings.models import Appointment, AppointmentRequest, RequestedPeriod
from tests import make

pytestmark = pytest.mark.django_db

IN_20_MINUTES = make.later(minutes=20)


def held(asked):
    """The period that the request occupies: its start and until when it is held."""
    return list(asked.appointments.filter(status="pending").values_list("period__startswith", "held_until"))


def kinds(asked):
    return list(asked.messages.values_list("kind", flat=True))


def test_until_its_address_is_confirmed_a_request_holds_its_time_for_20_minutes():
    asked = make.submitted()

    assert (asked.status, asked.verified_at) == ("unverified", None)
    assert held(asked) == [(make.WEDNESDAY_9, IN_20_MINUTES)]
    assert kinds(asked) == ["verify"]


def test_a_confirmed_request_holds_its_time_until_the_answer_is_due():
    asked = make.submitted()

    confirmed = lifecycle.verify(asked, now=make.later(minutes=5))

    assert (confirmed.status, confirmed.verified_at) == ("pending", make.later(minutes=5))
    assert held(asked) == [(make.WEDNESDAY_9, confirmed.reply_until)]
    assert kinds(asked) == ["verify", "received", "staff_new", "staff_overdue"]


def test_confirming_twice_changes_nothing():
    asked = make.confirmed()

    again = lifecycle.verify(asked, now=make.later(hours=1))

    assert (again.version, again.verified_at, asked.events.count()) == (2, make.NOW, 2)


def test_a_late_confirmation_claims_the_time_again():
    asked = make.submitted()
    lifecycle.sweep(now=IN_20_MINUTES)
    assert held(asked) == []

    confirmed = lifecycle.verify(asked, now=make.later(hours=1))

    assert held(asked) == [(make.WEDNESDAY_9, confirmed.reply_until)]


def test_a_late_confirmation_whose_time_went_keeps_the_request():
    room = make.schedule()
    asked = make.submitted(room)
    make.confirmed(room, now=IN_20_MINUTES, email="newcomer@example.com")

    confirmed = lifecycle.verify(asked, now=make.later(hours=1))

    assert (confirmed.status, held(asked)) == ("pending", [])
    assert (confirmed.appointment, kinds(asked)[1:]) == (None, ["received", "staff_new", "staff_overdue"])


def test_a_request_that_has_ended_cannot_be_confirmed():
    asked = make.submitted(starts_at=make.TUESDAY_9)
    lifecycle.sweep(now=make.TUESDAY_9)

    with pytest.raises(lifecycle.Refused, match="already expired: the clock"):
        lifecycle.verify(asked, now=make.TUESDAY_9)


def test_a_request_confirmed_when_its_time_has_come_holds_nothing():
    asked = make.submitted(starts_at=make.TUESDAY_9)

    confirmed = lifecycle.verify(asked, now=make.TUESDAY_9)

    assert (confirmed.status, confirmed.reply_until > make.TUESDAY_9) == ("pending", True)
    assert held(asked) == []


def test_one_person_holds_one_unconfirmed_time():
    room = make.schedule()
    make.submitted(room, email="anh@example.com")

    second = make.submitted(room, email="Anh+other@Example.com", starts_at=make.TUESDAY_9)

    assert (second.status, held(second), kinds(second)) == ("unverified", [], ["verify"])


def test_a_confirmed_person_can_hold_several_times():
    room = make.schedule()
    make.confirmed(room)

    second = make.confirmed(room, starts_at=make.TUESDAY_9)

    assert [start for start, _ in held(second)] == [make.TUESDAY_9]


@pytest.mark.parametrize(
    "contact",
    [{}, {"email": "", "phone": "(703) 555-0199", "contact_by": "phone"}],
    ids=["with an address", "with a number"],
)
def test_a_suspect_request_is_kept_and_holds_and_sends_nothing(contact):
    asked = make.submitted(is_suspect=True, **contact)

    assert (asked.status, asked.is_suspect, held(asked), kinds(asked)) == ("unverified", True, [], [])


def test_a_suspect_request_for_a_taken_time_is_refused_like_any_other():
    room = make.schedule()
    make.confirmed(room)

    with pytest.raises(lifecycle.TimeGone):
        make.submitted(room, is_suspect=True, email="newcomer@example.com")


def test_staff_who_know_the_person_clear_a_suspicion():
    asked = make.submitted(is_suspect=True)

    confirmed = lifecycle.verify(asked, by=make.staff(), now=make.NOW)

    assert (confirmed.is_suspect, confirmed.status) == (False, "pending")
    assert held(asked) == [(make.WEDNESDAY_9, confirmed.reply_until)]


def test_a_request_by_phone_is_held_briefly_and_staff_are_told():
    asked = make.submitted(email="", phone="(703) 555-0199", contact_by="phone")

    assert (asked.status, held(asked)) == ("pending", [(make.WEDNESDAY_9, IN_20_MINUTES)])
    assert kinds(asked) == ["staff_new", "staff_overdue"]


def test_a_request_entered_by_staff_needs_no_confirmation_and_they_are_told_only_when_it_is_late():
    asked = make.submitted(by=make.staff(), via="phone")

    assert (asked.status, asked.verified_at) == ("pending", make.NOW)
    assert held(asked) == [(make.WEDNESDAY_9, asked.reply_until)]
    assert kinds(asked) == ["received", "staff_overdue"]
    assert asked.messages.get(kind="staff_overdue").due_at == asked.reply_until


def periods():
    return [
        RequestedPeriod(weekday=1, part_of_day="morning"),
        RequestedPeriod(first_day=date(2027, 3, 19), last_day=date(2027, 3, 19)),
        RequestedPeriod(first_day=date(2027, 3, 10), last_day=date(2027, 4, 1), part_of_day="afternoon"),
    ]


def test_days_that_suit_are_kept_in_their_order_and_read_well():
    asked = make.submitted(asks_for="periods", starts_at=None, periods=periods())

    assert [str(period) for period in asked.periods.all()] == [
        "Tuesdays, in the morning",
        "Friday, March 19, 2027, any time",
        "from March 10, 2027 to April 1, 2027, in the afternoon",
    ]
    assert Appointment.objects.count() == 0


def test_a_call_needs_neither_visit_type_nor_time():
    asked = make.submitted(
        asks_for="call",
        visit_type=None,
        starts_at=None,
        email="",
        phone="+1 703 555 0199",
        contact_by="phone",
    )

    thursday_5pm = make.WEDNESDAY_9.replace(hour=22)
    assert (asked.status, asked.reply_until) == ("pending", thursday_5pm)


def test_who_names_another_time_while_nobody_has_answered_holds_that_one_instead():
    room = make.schedule()
    asked = make.confirmed(room)

    changed = lifecycle.choose_time(asked, make.TUESDAY_9, now=make.later(minutes=5))

    assert held(asked) == [(make.TUESDAY_9, changed.reply_until)]
    assert (changed.wanted_at, changed.status, changed.asks_for) == (make.TUESDAY_9, "pending", "time")
    queued = asked.messages.filter(kind="received").values_list("version", "status")
    assert list(queued) == [(changed.version, "queued")]


def test_who_names_a_sooner_time_is_late_for_staff_when_that_answer_is_due():
    asked = make.confirmed(starts_at=make.WEDNESDAY_9 + timedelta(days=14))

    changed = lifecycle.choose_time(asked, make.TUESDAY_9, now=make.later(minutes=5))

    late = asked.messages.filter(kind="staff_overdue").values_list("version", "due_at").get()
    assert changed.reply_until < asked.reply_until and late == (changed.version, changed.reply_until)


def test_who_names_a_time_that_has_gone_keeps_the_one_held():
    room = make.schedule()
    asked = make.confirmed(room)
    make.confirmed(room, starts_at=make.TUESDAY_9, email="newcomer@example.com")

    with pytest.raises(lifecycle.TimeGone):
        lifecycle.choose_time(asked, make.TUESDAY_9, now=make.later(minutes=5))

    asked.refresh_from_db()
    assert (asked.wanted_at, asked.version) == (make.WEDNESDAY_9, 2)
    assert held(asked) == [(make.WEDNESDAY_9, asked.reply_until)]


def test_another_time_cannot_be_named_once_the_clinic_has_answered():
    asked = make.accepted()

    with pytest.raises(lifecycle.Refused, match="already accepted"):
        lifecycle.choose_time(asked, make.TUESDAY_9, now=make.NOW)


def test_a_withdrawn_request_frees_its_time_and_sends_nothing_more():
    room = make.schedule()
    asked = make.confirmed(room)

    lifecycle.withdraw(asked, now=make.later(minutes=1))

    asked.refresh_from_db()
    assert (asked.status, asked.expires_at, held(asked)) == ("withdrawn", None, [])
    assert make.confirmed(room, email="newcomer@example.com").status == "pending"


def test_a_corrected_address_takes_over_what_is_owed_and_gets_a_new_way_in():
    asked = make.accepted()

    corrected = lifecycle.correct_contact(
        asked, email="new@example.com", phone="", contact_by="email", now=make.later(minutes=1)
    )

    owed = asked.messages.filter(version=corrected.version, status="queued").values_list("kind", flat=True)
    assert sorted(owed) == ["accepted", "link", "reminder_1"]
    assert corrected.person == "new@example.com"


def test_an_unconfirmed_address_that_is_corrected_must_be_confirmed_anew():
    asked = make.submitted()

    corrected = lifecycle.correct_contact(
        asked, email="new@example.com", phone="", contact_by="email", now=make.later(minutes=1)
    )

    verify = asked.messages.filter(kind="verify").values_list("version", flat=True)
    assert (corrected.status, list(verify)) == ("unverified", [1, 2])


def test_who_takes_the_unconfirmed_address_back_and_leaves_a_number_waits_for_the_clinic_at_once():
    asked, later = make.submitted(phone="(703) 555-0142"), make.later(minutes=1)

    corrected = lifecycle.correct_contact(
        asked, email="", phone="(703) 555-0142", contact_by="phone", now=later
    )

    assert (corrected.status, held(asked)) == ("pending", [(make.WEDNESDAY_9, IN_20_MINUTES)])
    owed = asked.messages.filter(version=corrected.version).values_list("kind", "due_at")
    assert list(owed) == [("staff_new", later), ("staff_overdue", corrected.reply_until)]


def test_the_contact_of_a_request_that_has_ended_stays():
    asked = make.confirmed()
    lifecycle.withdraw(asked, now=make.NOW)
    asked.refresh_from_db()

    with pytest.raises(lifecycle.Refused, match="has ended"):
        lifecycle.correct_contact(asked, email="", phone="1", contact_by="phone", now=make.NOW)


def test_an_unconfirmed_request_ends_after_seven_days_or_with_its_time():
    next_week = make.WEDNESDAY_9.replace(day=24, hour=13)
    soon, later = make.submitted(), make.submitted(starts_at=next_week)

    assert soon.expires_at == make.WEDNESDAY_9
    assert later.expires_at == make.later(days=7)
    assert AppointmentRequest.objects.count() == 2
    assert timedelta(days=7) == later.expires_at - make.NOW

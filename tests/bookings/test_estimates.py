"""Who pays without insurance gets a written estimate in time: 45 CFR 149.610(b)(1)(vi)."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bookings import estimates, lifecycle, messages, outbox
from bookings.admin import lists
from bookings.admin.estimate import state
from bookings.models import AppointmentRequest, Closure, Estimate
from tests import make
from tests.bookings.test_manage import text

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"
NOON = 17  # in New York, as UTC before the clocks change


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def at(day, hour=NOON):
    return datetime(2027, 3, day, hour, tzinfo=UTC)


def holiday(place, day, **fields):
    start = at(day, 5)
    Closure.objects.create(location=place, starts_at=start, ends_at=start + timedelta(days=1), **fields)


# March 8, 2027 is a Monday; the clocks change on the 14th.
@pytest.mark.parametrize(
    ("booked", "visit", "due"),
    [
        (8, 8, None),
        (8, 10, None),  # two business days ahead
        (8, 11, 9),  # three: the next business day
        (5, 10, 8),  # Friday for Wednesday: Monday
        (6, 10, None),  # Saturday for Wednesday: only Monday and Tuesday lie between
        (6, 11, 8),
        (8, 19, 9),  # nine
        (8, 22, 11),  # ten: the third business day
        (5, 19, 10),
    ],
)
def test_the_day_of_the_estimate_follows_the_rule(booked, visit, due):
    day = estimates.due_on(make.location(), at(visit), booked_at=at(booked))

    assert day == (due and date(2027, 3, due))


def test_a_holiday_of_the_location_is_no_business_day():
    place, other = make.location(), make.location(name="Other")
    holiday(place, 9)
    for day in (8, 10, 11):
        holiday(other, day)
        holiday(place, day, reason=Closure.Reason.TRAINING)
        holiday(place, day, schedule=make.schedule(place, name=str(day)))

    assert estimates.due_on(place, at(11), booked_at=at(8)) is None
    assert estimates.due_on(place, at(12), booked_at=at(8)) == date(2027, 3, 10)


def test_the_day_is_that_of_the_location():
    # Late on Sunday evening in New York is Monday in UTC.
    assert estimates.due_on(make.location(), at(11), booked_at=at(8, 3)) == date(2027, 3, 8)


def paying(**fields):
    """A booked visit on Thursday of somebody who pays without insurance, booked on Monday."""
    room = make.schedule(visit=make.visit_type(**fields))
    asked = make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(days=1))
    return lifecycle.record_payment(asked, pays_self=True, by=make.staff("pat"), now=make.later(hours=1))


def test_whether_payment_is_known_before_the_booking_or_after_makes_no_difference():
    kim, thursday = make.staff("kim"), make.WEDNESDAY_9 + timedelta(days=1)
    before = make.confirmed(starts_at=thursday)
    lifecycle.record_payment(before, pays_self=True, by=kim, now=make.NOW)
    before.refresh_from_db()
    assert before.estimate_due_on is None

    lifecycle.accept(before, by=kim, now=make.later(hours=1))
    before.refresh_from_db()
    after = paying()
    insured = lifecycle.record_payment(after, pays_self=False, by=kim, now=make.NOW)

    assert before.estimate_due_on == date(2027, 3, 9)
    assert insured.estimate_due_on is None and insured.version == after.version


def test_the_clock_runs_from_the_booking_not_from_when_staff_heard_of_it():
    asked = paying()

    again = lifecycle.record_payment(asked, pays_self=True, by=make.staff(), now=make.later(days=2))

    assert again.estimate_due_on == date(2027, 3, 9)


def test_the_estimate_is_kept_as_it_was_given():
    asked, kim = paying(price=Decimal("250.00")), make.staff("kim")

    given = lifecycle.give_estimate(asked, how=Estimate.How.HAND, by=kim, now=make.later(hours=2))
    asked.visit_type.price, asked.visit_type.name = 300, "Talk"
    asked.visit_type.save()

    given.refresh_from_db()
    assert (given.visit, given.price, given.by) == ("Consultation", Decimal("250.00"), kim)
    asked.refresh_from_db()
    assert state(asked, now=make.later(hours=2)) == "given March 8, for “Consultation”"
    assert asked.events.last().verb == "estimate"


def test_there_is_no_estimate_without_a_price_or_a_visit():
    kim = make.staff("kim")
    with pytest.raises(lifecycle.Refused, match="Consultation has no price yet"):
        lifecycle.give_estimate(paying(), how="hand", by=kim, now=make.NOW)
    with pytest.raises(lifecycle.Refused, match="no booked visit"):
        lifecycle.give_estimate(make.submitted(), how="hand", by=kim, now=make.NOW)

    assert Estimate.objects.count() == 0


def test_the_desk_asks_prints_and_marks_the_estimate(desk):
    room = make.schedule(visit=make.visit_type(price=Decimal("250.00"), notice_hours=1))
    asked = make.confirmed(room)
    page = f"{LIST}{asked.pk}/"

    said = desk.post(f"{page}payment/", {}).content.decode()
    assert "Select how the patient will pay" in said

    desk.post(f"{page}payment/", {"pays_self": "yes"})
    shown = desk.get(f"{page}change/").content.decode()
    assert "without insurance" in shown and f"{page}estimate/print/" in shown

    lifecycle.accept(asked, by=make.staff("kim"), now=make.NOW)
    sheet = desk.get(f"{page}estimate/print/").content.decode()
    assert sheet.count("$250.00") == 2 and "Wednesday, March 10, 2027 at 9am EST" in sheet
    assert (
        "Front desk, Example Clinic" in sheet
        and "$400" in sheet
        and "1-800-985-3059" in sheet
        and "Nguyễn Thị Ánh" in sheet
    )

    desk.post(f"{page}estimate/", {"how": "post"})
    assert asked.estimates.get().how == "post"
    assert "given " in desk.get(f"{page}change/").content.decode()


def test_an_estimate_is_listed_as_owed_until_it_is_given_and_marked_when_late(desk):
    asked = paying(price=100)
    make.accepted(email="insured@example.com")
    tuesday, wednesday = make.later(days=1), make.later(days=2)

    def owed():
        return list(AppointmentRequest.objects.filter(lists.LISTS["estimates"].requests(wednesday)))

    assert owed() == [asked]
    assert state(asked, now=tuesday) == '<span class="tag tag--waiting">due</span> March 9'
    assert state(asked, now=wednesday) == '<span class="tag tag--stopped">late</span> March 9'

    lifecycle.give_estimate(asked, how="hand", by=make.staff("kim"), now=wednesday)
    asked.refresh_from_db()
    assert owed() == []
    assert state(asked, now=wednesday) == "given March 10"
    assert "given March 10" in desk.get(f"{LIST}?list=all").content.decode()


def test_a_visit_that_was_cancelled_owes_no_estimate():
    asked = paying(price=100)
    lifecycle.cancel(asked, now=make.later(hours=2))

    assert state(AppointmentRequest.objects.get(), now=make.later(hours=3)) == "none"
    assert not AppointmentRequest.objects.filter(lists.LISTS["estimates"].requests(make.NOW))


def who_decided(asked):
    return asked.events.exclude(by=None).last().by


def sent(asked, *, now):
    """The request after its estimate was sent by email."""
    lifecycle.give_estimate(asked, how=Estimate.How.EMAIL, by=who_decided(asked), now=now)
    asked.refresh_from_db()
    return asked


@pytest.fixture
def desk_at(desk, monkeypatch):
    """The desk some hours after noon, newly signed in."""

    def sign_in(hours):
        monkeypatch.setattr(timezone, "now", lambda: make.later(hours=hours))
        desk.force_login(get_user_model().objects.get(username="robin"))
        return desk

    return sign_in


def test_the_estimate_is_sent_read_and_printed_as_it_was_given(desk_at, mailbox):
    """From the page of the request by email to the patient's own page; a later price changes nothing."""
    asked, patient = paying(price=Decimal("250.00")), Client()
    desk, page = desk_at(2), f"{LIST}{asked.pk}/"

    preview = desk.get(f"{page}send_estimate/").text
    assert "Your written estimate from Example Clinic" in preview and "[the patient’s own link]" in preview
    assert "<strong>$250.00</strong>" in preview and Estimate.objects.count() == 0
    desk.post(f"{page}send_estimate/", {"_do": "1"})
    assert "waiting to be sent" in text(desk.get(f"{page}change/"))
    asked.visit_type.price = 300
    asked.visit_type.save()
    outbox.deliver_due(now=make.later(hours=3))
    mail = mailbox.messages[-1].get_body("plain").get_content()
    assert re.findall(r"250|Consultation|A talk", mail) == []

    desk_at(4)
    assert "Estimate sent March 8, not opened yet" in text(desk.get(f"{page}change/"))
    link = re.search(r"/manage/\S+/", mail)[0]
    assert "See your estimate" in text(patient.get(link))
    shown = text(patient.get(f"{link}estimate/"))
    assert asked.estimates.get().opened_at is None  # a robot may have looked
    for part in [
        "For Nguyễn Thị Ánh Visit Consultation A talk. When Thursday, March 11, 2027 at 9am EST",
        "Where Example Clinic, Arlington 1 Example Street, Arlington, VA 22201",
        "Made on Monday, March 8, 2027.",
        "Expected charge $250.00 in all",
        "$400 or more above this estimate",
        "not a contract",
        "Not on this page: your date of birth, the codes for billing",
    ]:
        assert part in shown, part
    assert "has changed since this estimate was made" not in shown

    for hours in (4, 5):
        desk_at(hours)
        opened = patient.post(f"{link}estimate/")
        assert text(patient.get(opened["Location"])) == shown
    assert asked.estimates.get().opened_at == make.later(hours=4)
    told = text(desk.get(f"{page}change/"))
    assert "Estimate opened March 8" in told and "robin gave the written estimate (sent by email)" in told
    assert "opened March 8" in desk.get(f"{LIST}?list=all").text
    sheet, anew = desk.get(f"{page}estimate/print/").text, desk.get(f"{page}estimate/print/?new").text
    assert (sheet.count("$250.00"), anew.count("$300.00")) == (2, 2)


def test_an_estimate_that_does_not_arrive_is_seen_and_can_be_sent_once_more(desk_at, mailbox):
    asked = sent(paying(price=100), now=make.later(hours=1))
    with pytest.raises(lifecycle.Refused, match="on its way"):
        sent(asked, now=make.later(hours=1))

    mailbox.answer = "550 No such mailbox"
    outbox.deliver_due(now=make.later(hours=2))
    assert state(asked, now=make.later(hours=2)) == '<span class="tag tag--stopped">not delivered</span>'
    mailbox.answer = "250 OK"
    sent(asked, now=make.later(hours=3))
    outbox.deliver_due(now=make.later(hours=4))
    with pytest.raises(lifecycle.Refused, match="on its way, or has just left"):
        sent(asked, now=make.later(hours=4))

    assert state(asked, now=make.later(hours=5)) == "sent March 8, not opened yet"
    started = asked.appointment.starts_at
    again = desk_at(5).get(f"{LIST}{asked.pk}/send_estimate/")
    assert "The patient will get this email" in again.text and asked.estimates.count() == 2
    sent(asked, now=started - timedelta(minutes=1))
    outbox.deliver_due(now=started)
    assert asked.messages.get(kind="estimate").error == "too late: the visit has begun"


def test_without_an_address_the_estimate_is_given_by_hand_or_by_post(desk):
    asked = paying(price=100)
    lifecycle.correct_contact(asked, email="", phone="(703) 555-0199", contact_by="phone", now=make.NOW)
    asked.refresh_from_db()

    with pytest.raises(lifecycle.Refused, match="no email address"):
        sent(asked, now=make.NOW)

    assert Estimate.objects.count() == 0
    page = desk.get(f"{LIST}{asked.pk}/change/").text
    assert f'{asked.pk}/estimate/"' in page and "/send_estimate/" not in page


def move(asked, now, *, visit_type=None, schedule=None, **delta):
    starts_at = asked.appointment.starts_at + timedelta(**delta)
    choice = lifecycle.Choice(visit_type or asked.visit_type, asked.location, starts_at, schedule)
    lifecycle.reschedule(asked, choice, by=who_decided(asked), now=now)
    asked.refresh_from_db()


def test_a_visit_that_moves_owes_a_new_estimate_from_that_day_on(client, monkeypatch):
    asked, tuesday, wednesday = paying(price=100), make.later(days=1), make.later(days=2)
    other = make.schedule(asked.location, asked.visit_type, name="Other room")

    move(asked, tuesday, schedule=other)  # the same visit in another room
    assert asked.estimate_due_on == date(2027, 3, 9)
    known = {"pays_self": True, "by": who_decided(asked), "now": tuesday}
    assert lifecycle.record_payment(asked, **known).estimate_due_on == date(2027, 3, 9)
    sent(asked, now=tuesday)
    assert lifecycle.record_payment(asked, **known).estimate_due_on is None

    move(asked, tuesday, days=7)
    assert asked.estimate_due_on == date(2027, 3, 10)
    assert asked.messages.get(kind="estimate").version != asked.version
    insured = lifecycle.record_payment(asked, pays_self=None, by=make.staff(), now=wednesday)
    assert (insured.pays_self, insured.estimate_due_on) == (None, None)
    again = lifecycle.record_payment(asked, pays_self=True, by=make.staff("pam"), now=wednesday)
    assert again.estimate_due_on == date(2027, 3, 10)

    sent(asked, now=wednesday)
    assert asked.estimate_due_on is None
    follow_up = make.visit_type(name="Follow-up", price=80)
    other.visit_types.add(follow_up)
    move(asked, wednesday, visit_type=follow_up)
    assert (asked.visit_type.name, asked.estimate_due_on) == ("Follow-up", date(2027, 3, 11))

    monkeypatch.setattr(timezone, "now", lambda: wednesday)
    path = messages.links.url(asked, "manage_request", now=wednesday).removeprefix("http://127.0.0.1:8000")
    assert "has changed since this estimate was made" in text(client.get(f"{path}estimate/"))
    move(asked, wednesday, days=-7, hours=6)
    assert asked.estimate_due_on is None  # too soon for the rule: the day after
    assert state(asked, now=wednesday) == "waiting to be sent, for another time"

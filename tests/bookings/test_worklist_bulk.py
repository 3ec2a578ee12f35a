"""Many requests at once: each row stands or falls for itself."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from bookings import lifecycle
from bookings.models import AppointmentRequest
from tests import make
from tests.bookings.test_worklist_request import LIST, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    client.force_login(make.staff())
    return client


def statuses(*requests):
    return [AppointmentRequest.objects.get(pk=asked.pk).status for asked in requests]


def test_each_row_has_a_line_of_its_own_and_one_refusal_stops_no_other(desk):
    room = make.schedule()
    first, second, third, fourth = (
        make.confirmed(room, starts_at=make.TUESDAY_9.replace(hour=14 + n), email=f"p{n}@x.org")
        for n in range(4)
    )
    seen = {f"_seen_{asked.pk}": asked.version for asked in (first, second, third, fourth)}
    chosen = {"action": "accept_each", "_selected_action": [first.pk, second.pk, third.pk, fourth.pk]}
    looked = text(desk.post(LIST, chosen))
    assert statuses(first, second, third) == ["pending"] * 3
    assert looked.count("yes possible") == 4
    kim = make.staff("kim")
    lifecycle.decline(second, reason="no_time", by=kim, now=make.NOW)
    choice = lifecycle.Choice(third.visit_type, third.location, make.WEDNESDAY_9)
    lifecycle.offer(third, choice, by=kim, now=make.NOW)  # accepting would still be possible

    done = text(desk.post(LIST, {**chosen, **seen, "_do": ""}))

    assert statuses(first, second, third, fourth) == ["accepted", "declined", "offered", "accepted"]
    assert "2 of 4 done." in done
    assert done.count("yes Accepted. The patient will be told by email.") == 2
    assert done.count("no This request is already declined: kim, ") == 1
    assert done.count("no This request has changed since you looked at it: kim, ") == 1


def test_a_bulk_decline_asks_why_first(desk):
    asked = make.confirmed()
    chosen = {"action": "decline_each", "_selected_action": [asked.pk]}

    unsaid = text(desk.post(LIST, {**chosen, "_do": ""}))
    assert "Select a reason" in unsaid and statuses(asked) == ["pending"]
    desk.post(LIST, {**chosen, "_do": "", "reason": "duplicate"})

    assert statuses(asked) == ["declined"]


def test_who_may_not_decide_decides_nothing_in_bulk(client, monkeypatch, django_user_model):
    asked = make.confirmed()
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(
        Permission.objects.filter(codename__in=["view_appointmentrequest", "mark_visit"])
    )
    client.force_login(reader)

    page = client.get(LIST).content.decode()
    client.post(LIST, {"action": "accept_each", "_selected_action": [asked.pk], "_do": ""})

    assert ("accept_each" in page, "arrive_each" in page) == (False, True)
    assert statuses(asked) == ["pending"]


def test_who_ticks_or_chooses_nothing_is_told_what_to_do(desk):
    asked = make.confirmed()

    for given in ({"action": "accept_each"}, {"action": "", "_selected_action": [asked.pk]}):
        said = text(desk.post(LIST, given, follow=True))
        assert "Tick the requests, choose what to do with them, and press Go." in said


BY_PHONE = {"email": "", "phone": "(703) 555-0111", "contact_by": "phone"}


def test_after_an_act_staff_are_told_to_phone_who_has_no_address(desk):
    """Nobody is told by itself then: a sentence that says so leaves the patient waiting."""
    room = make.schedule()
    starts = [make.TUESDAY_9.replace(hour=hour) for hour in (14, 15, 16)]
    asked = [make.submitted(room, starts_at=at, **BY_PHONE) for at in starts]
    chosen = {"action": "decline_each", "_selected_action": [asked[0].pk], "reason": "duplicate", "_do": ""}

    declined = text(desk.post(LIST, chosen))
    waiting, booked = (
        text(desk.post(f"{LIST}{one.pk}/{act}/", {"_do": ""}, follow=True))
        for one, act in [(asked[1], "waitlist"), (asked[2], "accept")]
    )

    assert statuses(*asked) == ["declined", "waitlisted", "accepted"]
    for page in (declined, waiting, booked):
        assert "Phone the patient: (703) 555-0111." in page and "will be told" not in page
    assert not LogEntry.objects.filter(change_message__contains="0111").exists()

"""What staff write down beside a request, and who was first."""

import pytest
from django.db import ProgrammingError, transaction

from bookings import lifecycle
from bookings.models import Appointment, AppointmentRequest, Note
from tests import make

pytestmark = pytest.mark.django_db


def test_a_call_is_an_event_with_a_code_and_its_words_are_a_note():
    asked, robin = make.confirmed(), make.staff()
    version = asked.version

    lifecycle.mark_phoned(asked, outcome="message", text=" Will call back ", by=robin, now=make.NOW)

    asked.refresh_from_db()
    call, words = asked.events.last(), asked.notes.get()
    assert (call.verb, call.reason, call.to_status, call.by) == ("phone", "message", "pending", robin)
    assert (words.text, words.by, words.at) == ("Will call back", robin, make.NOW)
    assert (asked.status, asked.version) == ("pending", version)  # links and messages stay true


def test_a_note_is_never_changed():
    lifecycle.note(make.confirmed(), "Brings her sister", by=make.staff(), now=make.NOW)

    with pytest.raises(ProgrammingError, match="A note is never changed"), transaction.atomic():
        Note.objects.update(text="Something else")

    assert Note.objects.get().text == "Brings her sister"


def test_a_note_without_words_is_refused():
    with pytest.raises(lifecycle.Refused, match="Write the note first"):
        lifecycle.note(make.confirmed(), "  ", by=make.staff(), now=make.NOW)


def test_why_a_rule_was_set_aside_is_recorded():
    room = make.schedule()
    asked = make.confirmed(room)
    at_night = make.WEDNESDAY_9.replace(hour=2)
    choice = lifecycle.Choice(asked.visit_type, asked.location, at_night, schedule=room, reason="clinician")

    lifecycle.accept(asked, choice=choice, by=make.staff(), now=make.NOW)

    assert asked.events.last().reason == "clinician"


def test_a_call_since_then_stops_nobody_but_a_change_does():
    asked = make.accepted()
    lifecycle.mark_phoned(asked, outcome="reached", by=make.staff("robin"), now=make.NOW)
    seen = AppointmentRequest.objects.get(pk=asked.pk)
    lifecycle.arrive(asked, by=make.staff("kim"), now=make.WEDNESDAY_9)
    lifecycle.mark_phoned(seen, outcome="reached", by=make.staff("sam"), now=make.NOW)

    with pytest.raises(lifecycle.Refused, match="has changed since you looked at it: kim, Wednesday"):
        lifecycle.cancel(seen, by=make.staff("lee"), now=make.WEDNESDAY_9)

    assert Appointment.objects.get().status == "arrived"


def test_a_call_is_not_what_made_a_request_what_it_is():
    asked = make.accepted()
    decided_by = asked.events.last().by
    lifecycle.mark_phoned(asked, outcome="reached", by=make.staff("sam"), now=make.NOW)

    with pytest.raises(lifecycle.Refused, match=f"already accepted: {decided_by}"):
        lifecycle.withdraw(asked, by=decided_by, now=make.NOW)

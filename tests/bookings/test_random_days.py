"""Any order of verbs, at any time, by anybody: what is promised of booking stays true after each."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from bookings import lifecycle
from bookings.lifecycle import Choice
from bookings.models import Appointment, AppointmentRequest
from tests import make

hours = st.integers(0, 15).map(lambda number: make.TUESDAY_9 + timedelta(days=number // 8, hours=number % 8))
people = st.sampled_from(["anh@example.com", "bo@example.com", "+1 703 555 0199"])
STAFF_VERBS = {
    "decline": {"reason": "no_time"},
    "waitlist": {},
    "arrive": {},
    "fulfil": {},
    "mark_noshow": {},
    "undo_noshow": {},
    "enter_in_error": {},
    "verify": {},
    "accept": {},
    "cancel": {"reason": "staff_ill"},
}
PATIENT_VERBS = ["verify", "withdraw", "accept_offer", "refuse_offer", "cancel"]


class Clinic(RuleBasedStateMachine):
    """Two rooms, one of them with two kinds of visit; a clock that only goes forward."""

    asked = Bundle("asked")

    def __init__(self):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = make.NOW
        self.robin = make.staff()
        place = make.location()
        self.short, self.long = make.visit_type(minutes_after=10), make.visit_type(minutes=120)
        self.rooms = [make.schedule(place, self.short, name) for name in ("Room 1", "Room 2")]
        self.rooms[0].visit_types.add(self.long)

    def teardown(self):
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def choice(self, starts_at, room, is_long):
        visit_type = self.long if is_long else self.short
        schedule = None if room is None else self.rooms[room]
        return Choice(visit_type, self.rooms[0].location, starts_at, schedule)

    @rule(target=asked, starts_at=hours, person=people, by_staff=st.booleans(), suspect=st.booleans())
    def ask(self, starts_at, person, by_staff, suspect):
        contact = {"email": person, "phone": ""} if "@" in person else {"email": "", "phone": person}
        try:
            return make.submitted(
                self.rooms[1],
                starts_at=starts_at,
                now=self.now,
                by=self.robin if by_staff else None,
                is_suspect=suspect and not by_staff,
                **contact,
            )
        except lifecycle.Refused:
            return multiple()

    @rule(request=asked, verb=st.sampled_from(PATIENT_VERBS))
    def patient(self, request, verb):
        request.refresh_from_db()
        self.attempt(lambda: getattr(lifecycle, verb)(request, now=self.now))

    @rule(request=asked, verb=st.sampled_from(sorted(STAFF_VERBS)))
    def staff(self, request, verb):
        request.refresh_from_db()
        more = STAFF_VERBS[verb]
        self.attempt(lambda: getattr(lifecycle, verb)(request, by=self.robin, now=self.now, **more))

    @rule(
        request=asked,
        verb=st.sampled_from(["accept", "offer", "reschedule"]),
        starts_at=hours,
        room=st.sampled_from([None, 0, 1]),
        is_long=st.booleans(),
    )
    def staff_choose(self, request, verb, starts_at, room, is_long):
        request.refresh_from_db()
        choice = self.choice(starts_at, room, is_long)
        self.attempt(lambda: getattr(lifecycle, verb)(request, choice=choice, by=self.robin, now=self.now))

    @rule(request=asked, starts_at=hours, is_booked=st.booleans())
    def patient_chooses(self, request, starts_at, is_booked):
        request.refresh_from_db()
        choice = Choice(request.visit_type, request.location, starts_at)
        if is_booked:
            self.attempt(lambda: lifecycle.reschedule(request, choice, now=self.now))
        else:
            self.attempt(lambda: lifecycle.choose_time(request, starts_at, now=self.now))

    @rule(minutes=st.sampled_from([1, 19, 20, 21, 60, 600, 1440, 4320]), sweeps=st.booleans())
    def time_passes(self, minutes, sweeps):
        self.now += timedelta(minutes=minutes)
        if sweeps:
            lifecycle.sweep(now=self.now)

    def attempt(self, act):
        before = list(self.everything())
        try:
            act()
        except lifecycle.Refused:
            assert list(self.everything()) == before, "a refused verb left something behind"

    def everything(self):
        yield from AppointmentRequest.objects.order_by("pk").values_list("pk", "status", "version")
        yield from Appointment.objects.order_by("pk").values_list("pk", "status", "period", "schedule")

    @invariant()
    def no_room_is_taken_twice(self):
        for room in self.rooms:
            taken = Appointment.objects.filter(schedule=room, status__in=Appointment.OCCUPYING)
            periods = sorted((one.occupied.lower, one.occupied.upper) for one in taken)
            assert all(first[1] <= second[0] for first, second in pairwise(periods))

    @invariant()
    def a_request_and_its_times_agree(self):
        for request in AppointmentRequest.objects.prefetch_related("appointments", "events"):
            states = {one.status for one in request.appointments.all() if not one.was_let_go}
            if request.status == "accepted":
                assert len(states) == 1
                assert "pending" not in states
            elif request.status in ("unverified", "pending", "offered"):
                assert states <= {"pending"}
            else:
                assert states == set()
            if not request.verified_at and request.status != "offered":
                until = [one.held_until for one in request.appointments.all() if one.status == "pending"]
                assert all(end <= request.created_at + timedelta(minutes=20) for end in until)
            assert (request.is_suspect and bool(states)) is False

    @invariant()
    def every_change_has_its_event_and_no_message_runs_ahead(self):
        for request in AppointmentRequest.objects.prefetch_related("events", "messages"):
            assert request.version == len(request.events.all())
            assert all(message.version <= request.version for message in request.messages.all())
            changes = [
                event for event in request.events.all() if event.to_status in AppointmentRequest.Status.values
            ]
            assert request.status in {event.to_status for event in changes[-1:]}


@pytest.mark.django_db
def test_whatever_people_do_in_whatever_order_the_promises_hold():
    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=20,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""What staff can do with a request: each act is a verb of lifecycle, with its form and its permission."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from bookings import lifecycle
from bookings import messages as patient_messages
from bookings.admin import estimate, in_words, questions, times
from bookings.lifecycle.visits import NOSHOW_CAN_BE_UNDONE_FOR
from bookings.models import Appointment, AppointmentRequest, Message

DECIDE, MARK = "bookings.decide_request", "bookings.mark_visit"
ERASE = "bookings.erase_requests"
PATIENTS_LINK = re.compile(r"https?://\S+/(?:confirm|manage)/\S+")
Status, Visit = AppointmentRequest.Status, Appointment.Status


@dataclass(frozen=True)
class Act:
    """One thing that staff can do. `verb` takes the request and what the form gave.

    `example` is what a message can be shown with before the form is filled in; where it is None,
    the form is sent once to look at the message and once more to act. What `is_aside` decides nothing
    about the request: it is written down or put right.
    """

    name: str
    label: str
    done: str
    verb: Callable
    is_possible: Callable[[AppointmentRequest, datetime], bool]
    form: type = questions.ActForm
    permissions: tuple[str, ...] = (DECIDE,)
    example: dict | None = None
    is_main: bool = False
    is_aside: bool = False
    tells_patient: bool = False

    def said(self, asked: AppointmentRequest) -> str:
        """What staff read when it is done. Who has no address is told by nobody but them."""
        return f"{self.done} {in_words.told(asked)}" if self.tells_patient else self.done

    def is_allowed(self, user) -> bool:
        return any(user.has_perm(permission) for permission in self.permissions)


@dataclass(frozen=True)
class Preview:
    """What would come of an act: the message to the patient, or None where there is none."""

    subject: str | None
    text: str | None


def rehearse(act: Act, asked: AppointmentRequest, given: dict, *, by: AbstractBaseUser, now: datetime):
    """Do it, read the message that the patient would get, and undo it. Raises what the verb raises."""
    with lifecycle.unless_busy():
        known = set(asked.messages.values_list("pk", "due_at"))
        act.verb(asked, given, by=by, now=now)
        after = AppointmentRequest.objects.select_related("location", "visit_type").get(pk=asked.pk)
        to_patient = after.messages.exclude(kind__in=[*Message.TO_STAFF, *patient_messages.REMINDERS])
        owed = next((one for one in to_patient if (one.pk, one.due_at) not in known), None)
        subject, text = patient_messages.words(after, owed.kind, now=now) if owed else (None, None)
        transaction.set_rollback(True)
    return Preview(subject, text and PATIENTS_LINK.sub("[the patient’s own link]", text))


def request_may_become(status, besides=lambda asked, now: True):
    return lambda asked, now: status in AppointmentRequest.NEXT[Status(asked.status)] and besides(asked, now)


def visit_may_become(status, besides=lambda visit, asked, now: True):
    def check(asked, now):
        visit = asked.appointment
        return (
            visit is not None
            and asked.status == Status.ACCEPTED
            and status in Appointment.NEXT[Visit(visit.status)]
            and besides(visit, asked, now)
        )

    return check


def _accept(asked, given, *, by, now):
    """Yes to the time that the patient asked for, unless it was closed since: that takes a reason."""
    visit = asked.appointment if asked.status == Status.PENDING else None
    if visit:
        mine = times.standing_in(visit.schedule, asked.visit_type, visit.starts_at, besides=asked, now=now)
        if mine.objections:
            said = ", and ".join(mine.objections)
            raise lifecycle.Refused(f"This time is {said}. Offer another time, or book it with a reason.")
    return lifecycle.accept(asked, by=by, now=now)


def _names_a_time(asked, now):
    held = asked.appointment if asked.status == Status.OFFERED else None
    starts_at = held.starts_at if held else asked.wanted_at
    return starts_at is not None and starts_at > now


def _is_its_day(visit, asked, now):
    local = asked.location.local
    return local(visit.starts_at).date() <= local(now).date()


def _has_begun(visit, asked, now):
    return visit.starts_at <= now


def _can_be_undone(visit, asked, now):
    return visit.status == Visit.NOSHOW and now <= visit.starts_at + NOSHOW_CAN_BE_UNDONE_FOR


def _is_ahead(visit, asked, now):
    return visit.status == Visit.BOOKED and visit.ends_at > now - timedelta(days=1)


def _plain(verb):
    return lambda asked, given, **who: verb(asked, **who)


def _with_choice(verb):
    return lambda asked, given, **who: verb(asked, given["choice"], **who)


ACTS = {
    act.name: act
    for act in [
        Act(
            "accept",
            "Accept",
            "Accepted.",
            _accept,
            request_may_become(Status.ACCEPTED, _names_a_time),
            example={},
            is_main=True,
            tells_patient=True,
        ),
        Act(
            "verify",
            "Verify by phone",
            "The patient is known. The request now waits for a reply.",
            _plain(lifecycle.verify),
            lambda asked, now: asked.status == Status.UNVERIFIED,
            example={},
            is_main=True,
        ),
        Act(
            "offer",
            "Offer another time",
            "Offered. The time is held until the patient answers.",
            _with_choice(lifecycle.offer),
            request_may_become(Status.OFFERED),
            questions.TimeForm,
            tells_patient=True,
        ),
        Act(
            "book",
            "Book a time agreed by phone",
            "Booked.",
            lambda asked, given, **who: lifecycle.accept(asked, choice=given["choice"], **who),
            request_may_become(Status.ACCEPTED),
            questions.TimeForm,
            tells_patient=True,
        ),
        Act(
            "waitlist",
            "Put on the waiting list",
            "On the waiting list. The time is free again.",
            _plain(lifecycle.waitlist),
            request_may_become(Status.WAITLISTED, lambda asked, now: asked.visit_type is not None),
            example={},
            tells_patient=True,
        ),
        Act(
            "decline",
            "Decline",
            "Declined. The time is free again.",
            lambda asked, given, **who: lifecycle.decline(asked, reason=given["reason"], **who),
            request_may_become(Status.DECLINED),
            questions.DeclineForm,
            example={"reason": AppointmentRequest.DeclineReason.NO_TIME},
            tells_patient=True,
        ),
        Act(
            "withdraw",
            "Withdraw for the patient",
            "Withdrawn. The time is free again.",
            _plain(lifecycle.withdraw),
            request_may_become(Status.WITHDRAWN),
            example={},
        ),
        Act(
            "arrive",
            "Arrived",
            "Marked as arrived.",
            _plain(lifecycle.arrive),
            visit_may_become(Visit.ARRIVED, _is_its_day),
            permissions=(MARK,),
            example={},
            is_main=True,
        ),
        Act(
            "fulfil",
            "Took place",
            "Marked as a visit that took place.",
            _plain(lifecycle.fulfil),
            visit_may_become(Visit.FULFILLED, _has_begun),
            permissions=(MARK,),
            example={},
            is_main=True,
        ),
        Act(
            "noshow",
            "Did not come",
            "Marked: the patient did not come.",
            _plain(lifecycle.mark_noshow),
            visit_may_become(Visit.NOSHOW, _has_begun),
            permissions=(MARK,),
            example={},
        ),
        Act(
            "undo_noshow",
            "Came after all",
            "Taken back. The visit stands as booked.",
            _plain(lifecycle.undo_noshow),
            visit_may_become(Visit.BOOKED, _can_be_undone),
            permissions=(MARK,),
            example={},
            is_main=True,
        ),
        Act(
            "reschedule",
            "Move to another time",
            "Moved.",
            _with_choice(lifecycle.reschedule),
            visit_may_become(Visit.CANCELLED, _is_ahead),
            questions.TimeForm,
            tells_patient=True,
        ),
        Act(
            "cancel",
            "Cancel the visit",
            "Cancelled. The time is free again.",
            lambda asked, given, **who: lifecycle.cancel(asked, reason=given["reason"], **who),
            visit_may_become(Visit.CANCELLED),
            questions.CancelForm,
            example={"reason": Appointment.CancelReason.OTHER},
            tells_patient=True,
        ),
        Act(
            "payment",
            "Write down who pays",
            "Kept. Where an estimate is owed, its day stands on this page.",
            lambda asked, given, **who: lifecycle.record_payment(asked, **given, **who),
            lambda asked, now: asked.status in (*AppointmentRequest.OPEN, Status.ACCEPTED),
            estimate.PaymentForm,
            example={"pays_self": False},
            is_aside=True,
        ),
        Act(
            "send_estimate",
            "Send the estimate by email",
            "The estimate stands on the patient’s page. They get an email about it.",
            lambda asked, given, **who: lifecycle.give_estimate(asked, how="email", **who),
            estimate.can_be_sent,
            example={},
        ),
        Act(
            "estimate",
            "Mark the estimate as given",
            "Kept: the patient has the estimate.",
            lambda asked, given, **who: lifecycle.give_estimate(asked, **given, **who),
            estimate.has_booked_visit,
            estimate.EstimateForm,
            example={"how": "hand"},
        ),
        Act(
            "phoned",
            "Mark as phoned",
            "The call is kept in the history.",
            lambda asked, given, **who: lifecycle.mark_phoned(asked, **given, **who),
            lambda asked, now: True,
            questions.CallForm,
            permissions=(DECIDE, MARK),
            example={"outcome": "reached"},
            is_aside=True,
        ),
        Act(
            "contact",
            "Correct email or phone",
            "Corrected. What is still to be sent goes to the new address.",
            lambda asked, given, **who: lifecycle.correct_contact(asked, **given, **who),
            lambda asked, now: asked.status in (*AppointmentRequest.OPEN, Status.ACCEPTED),
            questions.ContactForm,
            is_aside=True,
        ),
        Act(
            "note",
            "Write a note",
            "The note is kept.",
            lambda asked, given, **who: lifecycle.note(asked, given["text"], **who),
            lambda asked, now: True,
            questions.NoteForm,
            permissions=(DECIDE, MARK),
            example={"text": "."},
            is_aside=True,
        ),
        Act(
            "error",
            "Entered in error",
            "Marked as entered in error. It stays on record.",
            _plain(lifecycle.enter_in_error),
            visit_may_become(Visit.ENTERED_IN_ERROR),
            example={},
            is_aside=True,
        ),
        Act(
            "erase",
            "Erase",
            "Erased. Nothing here tells any more who the patient is.",
            _plain(lifecycle.erase),
            lambda asked, now: lifecycle.may_be_erased(asked, now=now),
            permissions=(ERASE,),
            example={},
            is_aside=True,
        ),
    ]
}


def number(text: str) -> int | None:
    """The number that a browser sent, or None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def possible(asked: AppointmentRequest, user, *, now: datetime) -> list[Act]:
    """What this member of staff can do with the request as it is now."""
    if asked.erased_at:
        return []
    return [act for act in ACTS.values() if act.is_allowed(user) and act.is_possible(asked, now)]

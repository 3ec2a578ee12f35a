"""The verbs of a request: from asking to the one decision."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from bookings import availability, messages, shield
from bookings.lifecycle import claims, holds
from bookings.lifecycle.claims import Choice
from bookings.lifecycle.estimates import set_estimate_day
from bookings.lifecycle.transitions import (
    Refused,
    Status,
    TimeGone,
    already,
    expiry,
    lock,
    lock_as_it_is,
    move,
    record,
    win_or_say_gone,
)
from bookings.models import (
    Appointment,
    AppointmentRequest,
    Event,
    Location,
    Message,
    RequestedPeriod,
    Schedule,
    VisitType,
)

REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0 O 1 I: it is read out on the phone
# Until the patient has shown that the address is theirs, a time is held for so long only.
UNCONFIRMED_HOLD = timedelta(minutes=20)

AsksFor, Kind = AppointmentRequest.AsksFor, Message.Kind


def submit(
    *,
    submission: UUID,
    location: Location,
    patient_name: str,
    contact_by: str,
    now: datetime,
    asks_for: str = AsksFor.TIME,
    visit_type: VisitType | None = None,
    starts_at: datetime | None = None,
    schedule: Schedule | None = None,
    periods: Iterable[RequestedPeriod] = (),
    asked_by: str = "",
    email: str = "",
    phone: str = "",
    may_leave_message: bool = False,
    needs: Iterable[str] = (),
    language: str = "",
    note: str = "",
    pays_self: bool | None = None,
    via: str = AppointmentRequest.Via.WEB,
    by: AbstractBaseUser | None = None,
    is_suspect: bool = False,
    network: str = "",
) -> AppointmentRequest:
    """Take a request; where it names a time (`starts_at`, aware), hold that time for it.

    `submission` names the form: sending it again gives the same request. `periods` are up to three
    unsaved RequestedPeriod, for those who name no exact time. `by` is the member of staff who
    enters it, None for the patient. What a patient sends with an email address waits until the
    address is confirmed, and each person can hold one time without that; a suspect request is kept
    for staff to look at, but holds nothing and sends nothing. `network` is what shield.network() says
    of the sender: where strangers hold too much at once (see holds), the request is kept without a
    hold. Notice and horizon bind patients; with a `schedule` staff choose freely (see Choice). Raises
    TimeGone, or Refused for the past, and for patients where the visit comes after a consultation only.
    """
    person, periods = shield.person(email, phone), list(periods)
    is_known = by is not None
    to_confirm = not is_known and (bool(email) or is_suspect)

    def take():
        _one_at_a_time(person)
        choice = Choice(visit_type, location, starts_at, schedule) if asks_for == AsksFor.TIME else None
        schedules = claims.lock_schedules(choice) if choice and not is_suspect else []
        if earlier := AppointmentRequest.objects.filter(submission=submission).first():
            return earlier
        if visit_type and visit_type.after_consultation and not is_known:
            way = "Ask for a first consultation, or call us if you are our patient."
            raise Refused(f"{visit_type} comes after a consultation. {way}")
        if choice and is_known:
            _must_be_ahead(choice, now=now)
        elif choice and not claims.is_askable(choice, now=now):
            raise TimeGone
        request = AppointmentRequest(
            reference=new_reference(),
            submission=submission,
            status=Status.UNVERIFIED if to_confirm else Status.PENDING,
            created_via=via,
            created_at=now,
            verified_at=now if is_known else None,
            is_suspect=is_suspect,
            reply_until=availability.reply_until(location, starts_at, now=now),
            asks_for=asks_for,
            visit_type=visit_type,
            location=location,
            wanted_at=starts_at,
            patient_name=patient_name,
            asked_by=asked_by,
            email=email,
            phone=phone,
            person=person,
            network="" if is_known else network,
            contact_by=contact_by,
            may_leave_message=may_leave_message,
            needs=list(needs),
            language=language,
            note=note,
            pays_self=pays_self,
        )
        request.expires_at = expiry(request, now=now)
        holds_already = not is_known and _holds_unconfirmed(person, now=now)
        request.save()
        for position, period in enumerate(periods):
            period.request, period.position = request, position
            period.save()
        held = None
        if choice and not is_suspect and not holds_already:
            until = request.reply_until if is_known else min(now + UNCONFIRMED_HOLD, request.reply_until)
            held = _hold(request, choice, schedules, until=until, now=now, is_limited=not is_known)
        elif choice and not availability.schedules_free_at(visit_type, location, starts_at, now=now):
            raise TimeGone
        Event.objects.create(
            request=request,
            verb="submit",
            to_status=request.status,
            by=by,
            at=now,
            starts_at=starts_at,
            reason=Event.Hold.NONE if choice and not held else "",
        )
        if not is_suspect:
            messages.owe(request, Kind.VERIFY if to_confirm else Kind.RECEIVED, now=now)
        if request.status == Status.PENDING:
            messages.tell_staff(request, now=now, is_news=not is_known)
        return request

    return win_or_say_gone(take)


def verify(
    request: AppointmentRequest, *, now: datetime, by: AbstractBaseUser | None = None
) -> AppointmentRequest:
    """The address is the patient's own (or staff know the person: `by`). The clinic must answer now.

    The time is held on until that answer is due, or claimed again where the hold ran out and it is still
    free; `.appointment` of what is returned is None where it has gone, or where strangers hold too much
    (see holds). Again changes nothing. Raises Refused for a request that has ended, and TimeGone where
    others were quicker twice: then nothing has changed, and it can be done again.
    """

    def confirm():
        locked = lock_as_it_is(request)
        if locked.verified_at and by is None:
            return locked
        if locked.version != request.version:  # the link went to an address that was corrected since
            raise Refused(already(locked))
        locked.verified_at, locked.is_suspect = now, False
        locked.person = shield.person(locked.email, locked.phone)
        move(locked, Status.PENDING, verb="verify", by=by, now=now)
        choice = claims.wanted(locked)
        if choice and choice.starts_at > now:
            if not claims.hold_on(locked, until=locked.reply_until, now=now):
                with suppress(TimeGone):
                    schedules = claims.lock_schedules(choice)
                    _hold(locked, choice, schedules, until=locked.reply_until, now=now, is_limited=by is None)
        else:
            claims.let_go(locked)
        messages.owe(locked, Kind.RECEIVED, now=now)
        messages.tell_staff(locked, now=now)
        if by is None:
            shield.was_welcome(locked.email, locked.network, now=now)
        return locked

    return win_or_say_gone(confirm)


def choose_time(request: AppointmentRequest, starts_at: datetime, *, now: datetime) -> AppointmentRequest:
    """A confirmed patient asks for another exact time while the clinic has not answered.

    It is held in place of the one held so far, where strangers do not hold too much (see holds). The answer
    is due no later than before. Raises Refused or TimeGone; the time held so far then stays.
    """

    def change():
        locked = lock(request)
        if locked.status != Status.PENDING or not locked.verified_at or locked.visit_type is None:
            raise Refused(already(locked))
        choice = Choice(locked.visit_type, locked.location, starts_at)
        if not claims.is_askable(choice, now=now):
            raise TimeGone
        locked.asks_for, locked.wanted_at = AsksFor.TIME, starts_at
        due = availability.reply_until(locked.location, starts_at, now=now)
        locked.reply_until = min(locked.reply_until, due)
        locked.expires_at = expiry(locked, now=now)
        until = max(locked.reply_until, now + UNCONFIRMED_HOLD)
        _hold(locked, choice, claims.lock_schedules(choice), until=until, now=now, is_limited=True)
        record(
            locked,
            verb="choose_time",
            by=None,
            now=now,
            before=locked.status,
            after=locked.status,
            starts_at=starts_at,
        )
        messages.carry_on(locked)
        return locked

    return win_or_say_gone(change)


def accept(
    request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime, choice: Choice | None = None
) -> Appointment:
    """Say yes: to the time asked for, or to the `choice` that was agreed with the patient.

    A hold that ran out meanwhile is claimed again where its time is still free. Raises Refused
    (also for the past) or TimeGone.
    """

    def decide():
        locked = lock(request)
        chosen = choice or _standing(locked)
        if chosen is None:
            raise Refused("This request names no exact time. Choose one.")
        return _book(locked, chosen, verb="accept", by=by, now=now)

    return win_or_say_gone(decide)


def offer(
    request: AppointmentRequest, choice: Choice, *, by: AbstractBaseUser, now: datetime
) -> AppointmentRequest:
    """Propose another time and hold it until the patient's answer is due.

    The time held so far is let go. Raises Refused (also for the past) or TimeGone.
    """

    def propose():
        locked = lock(request)
        _must_be_ahead(choice, now=now)
        if locked.visit_type and locked.status != Status.OFFERED:  # else it was found out on the phone
            locked.asked_visit_type, locked.asked_location = locked.visit_type, locked.location
        locked.visit_type, locked.location = choice.visit_type, choice.location
        move(
            locked,
            Status.OFFERED,
            verb="offer",
            by=by,
            now=now,
            starts_at=choice.starts_at,
            override=choice.reason,
        )
        until = availability.reply_until(choice.location, choice.starts_at, now=now)
        _hold(locked, choice, claims.lock_schedules(choice), until=until, now=now)
        messages.owe(locked, Kind.OFFERED, now=now)
        return locked

    return win_or_say_gone(propose)


def accept_offer(request: AppointmentRequest, *, now: datetime) -> Appointment:
    """The patient takes the offered time. Raises Refused or TimeGone."""

    def take():
        locked = lock(request)
        if locked.status != Status.OFFERED:
            raise Refused("There is no offer to accept any more.")
        return _book(locked, _standing(locked), verb="accept_offer", by=None, now=now)

    return win_or_say_gone(take)


@transaction.atomic
def refuse_offer(request: AppointmentRequest, *, now: datetime) -> None:
    """The patient cannot come then; the clinic looks again. Raises Refused."""
    locked = lock(request)
    if locked.status != Status.OFFERED:
        raise Refused("There is no offer to refuse any more.")
    end_offer(locked, verb="refuse_offer", now=now)


def end_offer(locked: AppointmentRequest, *, verb: str, now: datetime) -> None:
    """Let the offered time go; the locked request asks for what it asked for, and needs an answer."""
    if locked.asked_location:
        locked.visit_type, locked.location = locked.asked_visit_type, locked.asked_location
    move(locked, Status.PENDING, verb=verb, by=None, now=now)
    claims.let_go(locked)
    messages.tell_staff(locked, now=now)


@transaction.atomic
def decline(request: AppointmentRequest, *, by: AbstractBaseUser, reason: str, now: datetime) -> None:
    """Say no, with one of AppointmentRequest.DeclineReason, and free the time. Raises Refused."""
    locked = lock(request)
    move(locked, Status.DECLINED, verb="decline", by=by, now=now, reason=reason)
    claims.let_go(locked)
    messages.owe(locked, Kind.DECLINED, now=now)


@transaction.atomic
def waitlist(request: AppointmentRequest, *, by: AbstractBaseUser, now: datetime) -> None:
    """No time suits now: keep the request until one does. Raises Refused."""
    locked = lock(request)
    if locked.visit_type is None:
        raise Refused("Find out on the phone what the visit is for. Then book it or decline.")
    move(locked, Status.WAITLISTED, verb="waitlist", by=by, now=now)
    claims.let_go(locked)
    messages.owe(locked, Kind.WAITLISTED, now=now)


@transaction.atomic
def withdraw(request: AppointmentRequest, *, now: datetime, by: AbstractBaseUser | None = None) -> None:
    """The patient does not need it any more. Raises Refused."""
    locked = lock(request)
    move(locked, Status.WITHDRAWN, verb="withdraw", by=by, now=now)
    claims.let_go(locked)


def new_reference() -> str:
    """Eight letters and digits that cannot be misheard, like K7QF-2M9D. They open nothing."""
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _book(locked, choice, *, verb, by, now):
    """The locked request is accepted at this time."""
    _must_be_ahead(choice, now=now)
    locked.visit_type, locked.location = choice.visit_type, choice.location
    move(
        locked,
        Status.ACCEPTED,
        verb=verb,
        by=by,
        now=now,
        starts_at=choice.starts_at,
        override=choice.reason,
    )
    schedules = claims.lock_schedules(choice)
    booked = claims.confirm_hold(locked, choice) or claims.claim(
        locked, choice, schedules, status=Appointment.Status.BOOKED, now=now
    )
    due_before = locked.estimate_due_on
    set_estimate_day(locked, scheduled_at=now)
    if locked.estimate_due_on != due_before:
        locked.save(update_fields=["estimate_due_on"])
    messages.owe(locked, Kind.ACCEPTED, now=now)
    messages.remind(booked, now=now)
    return booked


def _hold(locked, choice, schedules, *, until, now, is_limited=False):
    """Hold the time in one of the locked schedules; None where strangers hold too much of them."""
    among = holds.with_room(locked, choice, schedules, now=now) if is_limited else None
    held = Appointment.Status.PENDING
    return claims.claim(locked, choice, schedules, status=held, held_until=until, now=now, among=among)


def _standing(locked):
    """The time that would be meant by a plain yes: the one offered last, else the one asked for."""
    if locked.status == Status.OFFERED:
        offered = locked.appointments.order_by("pk").last()
        return Choice(locked.visit_type, locked.location, offered.starts_at)
    return claims.wanted(locked)


def _must_be_ahead(choice, *, now):
    if choice.starts_at <= now:
        raise Refused(f"The time has passed: {choice.location.time_in_words(choice.starts_at)}.")


def _holds_unconfirmed(person, *, now):
    return Appointment.objects.filter(
        status=Appointment.Status.PENDING,
        held_until__gt=now,
        request__person=person,
        request__verified_at=None,
    ).exists()


def _one_at_a_time(person):
    """Two requests of one person at once come one after the other, whatever they ask for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [person])

"""A request in the words of the front desk."""

from datetime import datetime, timedelta

from django.utils.html import format_html

from bookings.messages import REMINDERS, TOO_MANY
from bookings.models import Appointment, AppointmentRequest, Estimate, Event, Location, Message

Status, AsksFor = AppointmentRequest.Status, AppointmentRequest.AsksFor

# How a status looks; its words are the model's.
TAGS = {
    Status.UNVERIFIED: "waiting",
    Status.PENDING: "waiting",
    Status.OFFERED: "waiting",
    Status.WAITLISTED: "waiting",
    Status.ACCEPTED: "good",
    Status.DECLINED: "stopped",
    Status.WITHDRAWN: "stopped",
    Status.EXPIRED: "stopped",
}
SOON = timedelta(hours=24)

# What an event says after the name of who did it; {time} is when the visit starts, {why} a code in words.
SENTENCES = {
    "payment": "wrote down who pays",
    "estimate": "gave the written estimate{why}",
    "submit": "asked for an appointment: {time}{why}",
    "verify": "confirmed that the address or number is right",
    "choose_time": "chose another time: {time}",
    "accept": "accepted: {time}{why}",
    "offer": "offered another time: {time}{why}",
    "accept_offer": "took the offered time: {time}",
    "refuse_offer": "cannot come at the offered time",
    "lapse": "ended the offer: nobody answered it in time",
    "decline": "declined{why}",
    "waitlist": "put the request on the waiting list",
    "withdraw": "withdrew the request",
    "expire": "ended the request: nobody answered it in time",
    "correct_contact": "corrected the email address or phone number",
    "cancel": "cancelled the visit of {time}{why}",
    "reschedule": "moved the visit to {time}{why}",
    "arrive": "marked the patient as arrived",
    "fulfil": "marked the visit as one that took place",
    "noshow": "marked that the patient did not come",
    "undo_noshow": "took back that the patient did not come",
    "enter_in_error": "marked the visit as entered in error",
    "phone": "phoned the patient{why}",
    "erase": "erased who the patient is",
}
CODES = dict(
    [
        *Event.Override.choices,
        *Event.Call.choices,
        *Event.Hold.choices,
        *AppointmentRequest.DeclineReason.choices,
        *Appointment.CancelReason.choices,
        *Estimate.How.choices,
    ]
)


def tag(look: str, words: str) -> str:
    """A word in a colored frame; the color never says anything that the word does not."""
    return format_html('<span class="tag tag--{}">{}</span>', look, words)


def distance(until: datetime, *, now: datetime) -> str:
    """Like “in 40 minutes”, “now”, “in 3 hours”, “in 2 days” or “3 hours late”."""
    minutes = int(abs(until - now).total_seconds() // 60)
    if not minutes:
        return "now"
    if minutes < 60:
        length = _count(minutes, "minute")
    elif minutes < 48 * 60:
        length = _count(minutes // 60, "hour")
    else:
        length = _count(minutes // (24 * 60), "day")
    return f"{length} late" if until < now else f"in {length}"


def _count(number, unit):
    return f"{number} {unit}{'' if number == 1 else 's'}"


def deadline(request: AppointmentRequest, *, now: datetime, in_words=Location.time_in_words) -> str:
    """Who must do what by when, as HTML; empty where nothing runs out."""
    held = request.appointment
    if request.status == Status.PENDING:
        until, what = request.reply_until, "reply"
    elif request.status == Status.OFFERED and held and held.held_until:
        until, what = held.held_until, "the patient answers"
    elif request.status in (Status.UNVERIFIED, Status.WAITLISTED) and request.expires_at:
        until, what = request.expires_at, "it ends"
    else:
        return ""
    look = "stopped" if until < now else "waiting" if until - now < SOON else "calm"
    words = f"{what} {distance(until, now=now)}"
    return format_html("{} {}", tag(look, words), in_words(request.location, until))


def asked_for(request: AppointmentRequest, in_words=Location.time_in_words) -> str:
    """The time asked for, or what was asked instead of one, in words."""
    if request.wanted_at:
        return in_words(request.location, request.wanted_at)
    parts = [request.get_asks_for_display(), *(str(period) for period in request.periods.all())]
    return ": ".join([parts[0], "; or ".join(parts[1:])]) if parts[1:] else parts[0]


def when(request: AppointmentRequest, in_words=Location.time_in_words) -> str:
    """The time that the request has or is offered, with its schedule; else what it asks for."""
    given = request.appointment
    if given is None or (given.status == Appointment.Status.PENDING and request.status != Status.OFFERED):
        return asked_for(request, in_words)
    return f"{in_words(request.location, given.starts_at)}, {given.schedule.name}"


def state(request: AppointmentRequest) -> str:
    """The status as a tag: that of the visit, once there is one."""
    given = request.appointment
    if request.status != Status.ACCEPTED or given is None or given.status == Appointment.Status.BOOKED:
        return tag(TAGS[Status(request.status)], request.get_status_display())
    stopped = given.status in (
        Appointment.Status.CANCELLED,
        Appointment.Status.NOSHOW,
        Appointment.Status.ENTERED_IN_ERROR,
    )
    return tag("stopped" if stopped else "good", given.get_status_display())


def unheld(request: AppointmentRequest, *, now: datetime) -> str:
    """A tag where the request asks for a time that is still ahead, and nobody holds it for the patient."""
    if request.status not in (Status.UNVERIFIED, Status.PENDING) or not request.wanted_at:
        return ""
    held = request.appointment
    is_held = held and held.held_until and held.held_until > now
    return "" if is_held or request.wanted_at <= now else tag("waiting", "time not held")


def outcome(message: Message) -> str:
    """What came of a message, as HTML."""
    if message.error == TOO_MANY:
        is_to_staff = message.kind in Message.TO_STAFF
        return f"not sent: {TOO_MANY}" if is_to_staff else tag("stopped", "not sent: call the patient")
    words = message.get_status_display()
    return tag("stopped", words) if message.status == Message.Status.FAILED else words


def told(request: AppointmentRequest) -> str:
    """Whether the last message reached the patient, as HTML. A reminder that is still ahead tells nothing."""
    if request.erased_at:
        return "erased"
    if not request.email:
        return "no email: phone"
    to_patient = [
        one
        for one in request.messages.all()
        if one.kind not in Message.TO_STAFF
        and not (one.kind in REMINDERS and one.status == Message.Status.QUEUED)
    ]
    last = max(to_patient, key=lambda one: one.pk, default=None)
    if last is None:
        return "nothing sent"
    return outcome(last)


def sentence(event: Event) -> str:
    """What was done, without who and when: the rest of a sentence that begins with a name."""
    location = event.request.location
    time = location.time_in_words(event.starts_at) if event.starts_at else "no exact time"
    why = f" ({CODES.get(event.reason, event.reason).lower()})" if event.reason else ""
    pattern = SENTENCES.get(event.verb, event.verb.replace("_", " "))
    return pattern.format(time=time, why=why)


def told_of(message: Message) -> str:
    """When a message was sent or will be, and what went wrong, in words."""
    at = message.request.location.time_in_words
    if message.sent_at:
        return at(message.sent_at)
    if message.status == Message.Status.QUEUED:
        return f"leaves {at(message.due_at)}"
    return "not sent"

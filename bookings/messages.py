"""Which messages are owed, and what each one says.

A message is a row, written in the transaction of the change it tells of. That row is all there is:
the worker looks for rows that are due (`outbox`), so a job that is lost costs seconds and never a message.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

from bookings import ical, links, shield
from bookings.availability import instant
from bookings.models import Appointment, AppointmentRequest, Location, Message

AGAIN_AFTER = timedelta(minutes=10)

# Until a change can still be taken back, or something follows it, the patient is not told.
GRACE = timedelta(minutes=3)

Kind, Status = Message.Kind, Message.Status
SUBJECTS = {
    Kind.VERIFY: "Please confirm your request to {clinic}",
    Kind.RECEIVED: "We have your request to {clinic}",
    Kind.ACCEPTED: "Your appointment at {clinic}",
    Kind.OFFERED: "Another time at {clinic}",
    Kind.DECLINED: "Your request to {clinic}",
    Kind.WAITLISTED: "You are on the waiting list of {clinic}",
    Kind.CANCELLED: "Your appointment at {clinic} is canceled",
    Kind.RESCHEDULED: "Your appointment at {clinic} has a new time",
    Kind.REMINDER_2: "Your appointment at {clinic} is {day}",
    Kind.REMINDER_1: "Your appointment at {clinic} is {day}",
    Kind.EXPIRED: "Your request to {clinic}",
    Kind.LINK: "Your new link to {clinic}",
    Kind.ESTIMATE: "Your written estimate from {clinic}",
    Kind.STAFF_NEW: "A request needs a reply",
    Kind.STAFF_OVERDUE: "A request is late",
    Kind.STAFF_FAILED: "A message was not delivered",
}
# What somebody waits for, or what is for staff, leaves at once.
AT_ONCE = {Kind.VERIFY, Kind.LINK, *Message.TO_STAFF}
# What a stranger can have us send to an address that is not theirs; each mailbox gets few of them.
UNASKED = {Kind.VERIFY, Kind.LINK}
TOO_MANY = "too many emails to this address"
REMINDERS = {Kind.REMINDER_2: timedelta(days=2), Kind.REMINDER_1: timedelta(days=1)}
INVITATIONS = (Kind.ACCEPTED, Kind.RESCHEDULED)


def owe(request: AppointmentRequest, kind: str, *, now: datetime, due_at: datetime | None = None) -> None:
    """Owe a message about the request as it is now; nothing where the patient has no address.

    One too many to a stranger's address is written down as failed, so that staff call. It leaves at
    `due_at`, else after the grace. To be called inside the transaction of the change.
    """
    _owe(request, {kind: due_at}, now=now)


def _owe(request, due, *, now):
    Message.objects.bulk_create(
        _owed(request, kind, due_at, now=now) for kind, due_at in due.items() if recipient(request, kind)
    )


def _owed(request, kind, due_at, *, now):
    is_welcome = _is_welcome(request, kind, now=now)
    withheld = Status.SUPPRESSED if kind in Message.TO_STAFF else Status.FAILED
    return Message(
        request=request,
        kind=kind,
        status=Status.QUEUED if is_welcome else withheld,
        error="" if is_welcome else TOO_MANY,
        version=request.version,
        message_id=_new_message_id(),
        due_at=due_at or (now if kind in AT_ONCE else now + GRACE),
    )


def _new_message_id():
    """Unlike any other in the world (RFC 5322 3.6.4)."""
    domain = settings.CLINIC["mailbox"].rpartition("@")[2]
    return f"<{uuid.uuid4()}@{domain}>"


def _is_welcome(request, kind, *, now):
    if kind in Message.TO_STAFF and request.created_via == AppointmentRequest.Via.WEB:
        return shield.count(f"{kind} mail", *shield.TO_STAFF, now=now)
    is_unasked = kind in UNASKED or (kind == Kind.EXPIRED and not request.verified_at)
    if kind not in {*Message.TO_STAFF, *REMINDERS}:  # of these a visit has two, whoever moves it how often
        is_unasked = is_unasked or _may_be_somebody_elses(request)
    return not is_unasked or shield.may_write_to(request.email, request.network, now=now)


def _may_be_somebody_elses(request):
    """Whether the patient typed this address after they had confirmed another one, or had given none.

    They still act with the link of the browser that typed it, so nothing shows that its owner wants these.
    """
    if request.address_since == 1:
        return False
    since = request.verified_at or request.created_at
    return request.events.filter(verb="correct_contact", by=None, at__gte=since).exists()


def unsent(request: AppointmentRequest, kind: str) -> Message | None:
    """The message about the present version, where it was withheld or could not be delivered."""
    return request.messages.filter(kind=kind, version=request.version, status=Status.FAILED).first()


def tell_staff(request: AppointmentRequest, *, now: datetime, is_news: bool = True) -> None:
    """Owe staff the news of a request (if `is_news` to them), and a reminder when its answer is due."""
    news = {Kind.STAFF_NEW: None} if is_news else {}
    _owe(request, {**news, Kind.STAFF_OVERDUE: request.reply_until}, now=now)


def remind(appointment: Appointment, *, now: datetime) -> None:
    """Owe the reminders that the visit type asks for: the same wall time, days before the visit.

    One whose time has come already is left out: the message that confirms the visit says it all.
    """
    visit_type, location = appointment.request.visit_type, appointment.request.location
    wanted = {
        Kind.REMINDER_2: visit_type.remind_2_days_before,
        Kind.REMINDER_1: visit_type.remind_1_day_before,
    }
    starts_at = location.local(appointment.starts_at)
    due = {}
    for kind, before in REMINDERS.items():
        due_at = instant((starts_at - before).date(), starts_at.time(), location.zone, fold=starts_at.fold)
        if wanted[kind] and due_at > now + GRACE:
            due[kind] = due_at
    _owe(appointment.request, due, now=now)


def carry_on(request: AppointmentRequest) -> None:
    """What was owed of the version before stays true of this one: only the address, or the time asked for.

    Staff learn that it is late when the answer is due now.
    """
    owed = request.messages.filter(
        version=request.version - 1, status__in=[Status.QUEUED, Status.SENDING]
    ).exclude(kind__in=[Kind.VERIFY, Kind.LINK])  # their links have died
    owed.filter(kind=Kind.STAFF_OVERDUE).update(due_at=request.reply_until)
    owed.update(version=request.version)


def readdress(request: AppointmentRequest, *, now: datetime) -> None:
    """What was owed of the version before goes to the address that the request has now, or is withheld."""
    carry_on(request)
    for message in request.messages.filter(
        version=request.version, status__in=[Status.QUEUED, Status.SENDING]
    ).exclude(kind__in={*Message.TO_STAFF, *REMINDERS}):
        if recipient(request, message.kind) and not _is_welcome(request, message.kind, now=now):
            message.status, message.error = Status.FAILED, TOO_MANY
            message.save()


def forget(request: AppointmentRequest) -> None:
    """Nothing is owed about the request any more. That something was sent, and when, stays."""
    request.messages.filter(status=Status.QUEUED).update(status=Status.SUPPRESSED)
    request.messages.exclude(error="").update(error="")


@transaction.atomic
def send_again(request: AppointmentRequest, kind: str, *, now: datetime) -> bool:
    """Send the message of that kind once more, or at last; not within 10 minutes of the last time.

    False where it is withheld, for there were too many emails to that address.
    """
    # Who asks at the same moment waits here: there may be no message yet that could be locked.
    AppointmentRequest.objects.select_for_update().get(pk=request.pk)
    message = request.messages.select_for_update().filter(kind=kind, version=request.version).first()
    if message is None:
        owe(request, kind, now=now)
        return unsent(request, kind) is None
    was_tried = message.status in (Status.SENT, Status.QUEUED) and message.claimed_at
    is_due = was_tried and message.claimed_at <= now - AGAIN_AFTER
    if not (is_due or message.status == Status.FAILED or message.error == TOO_MANY):
        return True
    if not _is_welcome(request, kind, now=now):
        return False
    # What is sent anew is a new email: a mailbox that drops what it has seen before would drop it.
    message.message_id, message.error = _new_message_id(), ""
    message.status, message.due_at, message.attempts = Status.QUEUED, now, 0
    message.save()
    return True


def words(request: AppointmentRequest, kind: str, *, now: datetime, starts_at: datetime | None = None):
    """The subject and the text of a message as it would leave now (two strings).

    It names the time, the place and the phone number; never the kind of visit, a reason, a note or what
    the sender typed. `starts_at` stands for a time that staff are about to choose.
    """
    location, visit = request.location, visit_of(request, kind)
    starts_at = starts_at or (visit.starts_at if visit and kind != Kind.DECLINED else request.wanted_at)
    held_until = visit.held_until if visit and visit.held_until and visit.held_until > now else None
    context = {
        "clinic": settings.CLINIC,
        "site_url": settings.SITE_URL,
        "request": request,
        "location": location,
        "time": location.time_in_words(starts_at) if starts_at else None,
        "day": _day(starts_at, location, now=now) if starts_at else None,
        "held_until": location.time_in_words(held_until) if held_until else None,
        "reply_until": location.time_in_words(request.reply_until),
        "confirm_url": links.url(request, "confirm_request", now=now),
        "manage_url": links.url(request, "manage_request", now=now),
    }
    subject = SUBJECTS[Kind(kind)].format(clinic=settings.CLINIC["name"], day=context["day"])
    name = "reminder" if kind in REMINDERS else kind
    return subject, render_to_string(f"email/{name}.txt", context).strip() + "\n"


def compose(message: Message, *, now: datetime) -> EmailMultiAlternatives:
    """The email: plain text, the same text as HTML and, for a visit, its entry for a calendar."""
    request = message.request
    subject, text = words(request, message.kind, now=now)
    email = EmailMultiAlternatives(
        subject=subject,
        body=text,
        to=[recipient(request, message.kind)],
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},  # RFC 3834 5
    )
    context = {"subject": subject, "paragraphs": _paragraphs(text)}
    email.attach_alternative(render_to_string("email/message.html", context), "text/html")
    visit = visit_of(request, message.kind)
    if message.kind in INVITATIONS:
        _attach_calendar(email, "REQUEST", ical.to_invite(visit, now=now))
    elif message.kind == Kind.CANCELLED and _was_invited(request):
        _attach_calendar(email, "CANCEL", ical.to_cancel(visit, now=now))
    return email


def recipient(request: AppointmentRequest, kind: str) -> str:
    """The address that a message of this kind goes to; empty where there is none."""
    return settings.CLINIC["mailbox"] if kind in Message.TO_STAFF else request.email


def visit_of(request: AppointmentRequest, kind: str) -> Appointment | None:
    """The appointment that a message speaks of; the one that was canceled, for that message."""
    return request.appointments.order_by("pk").last() if kind == Kind.CANCELLED else request.appointment


def _was_invited(request):
    """Whether the patient was ever sent the visit for their calendar: only then is there one to cancel."""
    return request.messages.filter(kind__in=INVITATIONS, sent_at__isnull=False).exists()


def days_until(starts_at: datetime, location: Location, *, now: datetime) -> int:
    """How many midnights of the location lie between `now` and the start."""
    return (location.local(starts_at).date() - location.local(now).date()).days


def _day(starts_at, location, *, now):
    near = dict(enumerate(["today", "tomorrow", "in two days"]))
    days = days_until(starts_at, location, now=now)
    return near.get(days) or f"on {location.day_in_words(starts_at)}"


def _paragraphs(text):
    """The paragraphs of a text, for its HTML: lines, or the facts of a visit, or a label and an address.

    The first address is what the message is for: it becomes a button.
    """
    paragraphs = [{"lines": part.split("\n")} for part in text.strip().split("\n\n")]
    addresses = [part for part in paragraphs if part["lines"][-1].startswith(("https://", "http://"))]
    for part in addresses:
        part["label"], part["url"] = part["lines"][0].removesuffix(":"), part["lines"][-1]
        part["is_action"] = part is addresses[0]
    for part in paragraphs:
        if part["lines"][0].startswith("When: "):
            part["facts"] = [line.split(": ", 1) for line in part["lines"]]
    return paragraphs


def _attach_calendar(email, method, entry):
    """As RFC 6047 2.4 says: one more form of the same message, its method named outside as inside."""
    email.attach_alternative(entry.decode(), f"text/calendar; method={method}; component=VEVENT")

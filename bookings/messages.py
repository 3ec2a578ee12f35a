"""What each message says, and delivering the next one owed.

A message is a row, written in the transaction of the change it tells of. The worker's job is only
a hint to look at that row: a job that is lost costs a few seconds, never a message.
"""

import logging
import uuid
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from procrastinate.contrib.django import app

from bookings import links
from bookings.availability import instant
from bookings.models import Appointment, AppointmentRequest, Message

log = logging.getLogger("clinic.messages")

# Minutes to wait after the first, second, … attempt: about a day in all (RFC 5321 4.5.4.1).
WAITS = [1, 5, 15, 60, 120, 240, 480, 480]
# A worker that died while it was sending leaves its claim behind for so long.
A_CLAIM_LASTS = timedelta(minutes=2)
AGAIN_AFTER = timedelta(minutes=10)

# Until a change can still be taken back, or something follows it, the patient is not told.
GRACE = timedelta(minutes=3)

Kind = Message.Kind
SUBJECTS = {
    Kind.VERIFY: "Please confirm your request to {clinic}",
    Kind.RECEIVED: "We have your request to {clinic}",
    Kind.ACCEPTED: "Your appointment at {clinic}",
    Kind.OFFERED: "Another time at {clinic}",
    Kind.DECLINED: "Your request to {clinic}",
    Kind.WAITLISTED: "Your request to {clinic}",
    Kind.CANCELLED: "Your appointment at {clinic} is cancelled",
    Kind.RESCHEDULED: "Your appointment at {clinic} has moved",
    Kind.REMINDER_2: "Your appointment at {clinic}",
    Kind.REMINDER_1: "Your appointment at {clinic} tomorrow",
    Kind.EXPIRED: "Your request to {clinic}",
    Kind.LINK: "Your link to {clinic}",
    Kind.STAFF_NEW: "A request needs a reply",
    Kind.STAFF_OVERDUE: "A request is late",
    Kind.STAFF_FAILED: "A message was not delivered",
}
# What somebody waits for, or what is for staff, leaves at once.
AT_ONCE = {Kind.VERIFY, Kind.LINK, *Message.TO_STAFF}
REMINDERS = {Kind.REMINDER_2: timedelta(days=2), Kind.REMINDER_1: timedelta(days=1)}


def owe(request: AppointmentRequest, kind: str, *, now: datetime, due_at: datetime | None = None) -> None:
    """Owe a message about the request as it is now; nothing where the patient has no address.

    It leaves at `due_at`, else after the grace. To be called inside the transaction of the change:
    both stand or fall together.
    """
    if not _recipient(request, kind):
        return
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2]
    message = Message.objects.create(
        request=request,
        kind=kind,
        version=request.version,
        message_id=f"<{uuid.uuid4()}@{domain}>",
        due_at=due_at or (now if kind in AT_ONCE else now + GRACE),
    )
    _hint(message)


def tell_staff(request: AppointmentRequest, *, now: datetime) -> None:
    """Owe staff the news that a request waits for them and, should it still wait then, that it is late."""
    owe(request, Kind.STAFF_NEW, now=now)
    owe(request, Kind.STAFF_OVERDUE, now=now, due_at=request.reply_until)


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
    for kind, before in REMINDERS.items():
        due_at = instant((starts_at - before).date(), starts_at.time(), location.zone, fold=starts_at.fold)
        if wanted[kind] and due_at > now + GRACE:
            owe(appointment.request, kind, now=now, due_at=due_at)


def carry_on(request: AppointmentRequest) -> None:
    """What was true and owed a version ago still is: only the address or the wish has changed."""
    owed = request.messages.filter(status=Message.Status.QUEUED, version=request.version - 1)
    owed.exclude(kind__in=[Kind.VERIFY, Kind.LINK]).update(version=request.version)


def send_again(request: AppointmentRequest, kind: str, *, now: datetime) -> None:
    """Send the message of that kind once more; not within 10 minutes of the last time."""
    message = request.messages.select_for_update().filter(kind=kind, version=request.version).first()
    if message is None:
        owe(request, kind, now=now)
    elif message.status == Message.Status.FAILED or (
        message.status == Message.Status.SENT and message.sent_at <= now - AGAIN_AFTER
    ):
        message.status, message.sent_at, message.attempts = Message.Status.QUEUED, None, 0
        message.due_at = now
        message.save()
        _hint(message)


def words(request: AppointmentRequest, kind: str, *, now: datetime, starts_at: datetime | None = None):
    """The subject and the text of a message as it would leave now (two strings).

    It names the time, the place and the phone number; never the kind of visit, a reason or a note,
    and nothing that the sender typed. `starts_at` stands for a time that staff are about to choose.
    """
    appointment = request.appointment
    starts_at = starts_at or (appointment.starts_at if appointment else request.wanted_at)
    location = request.location
    context = {
        "clinic": settings.CLINIC,
        "site_url": settings.SITE_URL,
        "request": request,
        "location": location,
        "time": location.time_in_words(starts_at) if starts_at else None,
        "held_until": location.time_in_words(appointment.held_until)
        if appointment and appointment.held_until
        else None,
        "reply_until": location.time_in_words(request.reply_until),
        "confirm_url": links.url(request, "confirm_request", now=now),
        "manage_url": links.url(request, "manage_request", now=now),
    }
    subject = SUBJECTS[Kind(kind)].format(clinic=settings.CLINIC["name"])
    return subject, render_to_string(f"email/{kind}.txt", context).strip() + "\n"


def compose(message: Message, *, now: datetime) -> EmailMultiAlternatives:
    """The e-mail: plain text, and the same text as HTML."""
    subject, text = words(message.request, message.kind, now=now)
    email = EmailMultiAlternatives(
        subject=subject,
        body=text,
        to=[_recipient(message.request, message.kind)],
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},  # RFC 3834 5
    )
    html = render_to_string("email/message.html", {"clinic": settings.CLINIC, "text": text})
    email.attach_alternative(html, "text/html")
    return email


def deliver_due(*, now: datetime) -> None:
    """Send every message that is due, oldest first, those of a dead worker too."""
    Message.objects.filter(status=Message.Status.SENDING, claimed_at__lte=now - A_CLAIM_LASTS).update(
        status=Message.Status.QUEUED
    )
    due = Message.objects.filter(status=Message.Status.QUEUED, due_at__lte=now)
    for pk in due.order_by("due_at", "pk").values_list("pk", flat=True):
        deliver(pk, now=now)


def deliver(pk: int, *, now: datetime) -> None:
    """Send one message, once: of several workers the one that claims it; none before it is due."""
    claimed = Message.objects.filter(pk=pk, status=Message.Status.QUEUED, due_at__lte=now).update(
        status=Message.Status.SENDING, claimed_at=now, attempts=F("attempts") + 1
    )
    if not claimed:
        return
    message = Message.objects.select_related("request__location").get(pk=pk)
    if untrue := _no_longer_true(message, now=now):
        _close(message, status=Message.Status.SUPPRESSED, error=untrue)
        return
    try:
        compose(message, now=now).send()
    except Exception as error:  # whatever it is: staff must see it, and the messages behind it must go
        _try_later_or_give_up(message, error, now=now)
    else:
        _close(message, status=Message.Status.SENT, sent_at=now, error="")


def _no_longer_true(message, *, now):
    """Why the message must not leave, in a few words; empty where it is as true as when it was owed."""
    request = message.request
    if not _recipient(request, message.kind):
        return "no address any more"
    if message.kind == Kind.STAFF_FAILED:
        return ""
    if message.version != request.version:
        return "the request has changed since"
    if message.kind in REMINDERS and request.appointment.starts_at <= now:
        return "the visit has begun"
    return ""


def _recipient(request, kind):
    return settings.CLINIC["email"] if kind in Message.TO_STAFF else request.email


def _hint(message):
    """Let the worker look at the message when it is due."""
    app.configure_task("deliver", schedule_at=message.due_at, allow_unknown=True).defer(message=message.pk)


def _try_later_or_give_up(message, error, *, now):
    code = _code(error)
    log.warning("message %s not sent: %s", message.pk, code)
    if 500 <= _smtp_code(error) < 600 or message.attempts > len(WAITS):
        _close(message, status=Message.Status.FAILED, error=code)
        if message.kind not in Message.TO_STAFF:
            owe(message.request, Kind.STAFF_FAILED, now=now)
    else:
        wait = timedelta(minutes=WAITS[message.attempts - 1])
        _close(message, status=Message.Status.QUEUED, due_at=now + wait, error=code)


def _close(message, **changes):
    """End our claim; where another worker took it over meanwhile, leave the message to that one."""
    Message.objects.filter(pk=message.pk, status=Message.Status.SENDING, attempts=message.attempts).update(
        **changes
    )


def _smtp_code(error):
    if isinstance(error, SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return error.smtp_code if isinstance(error, SMTPResponseException) else 0


def _code(error):
    """What went wrong without anything about a person: the kind of error and the server's number."""
    return f"{type(error).__name__} {_smtp_code(error) or ''}".strip()

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

from bookings.models import Appointment, AppointmentRequest, Message

log = logging.getLogger("clinic.messages")

# Minutes to wait after the first, second, … attempt: about a day in all (RFC 5321 4.5.4.1).
WAITS = [1, 5, 15, 60, 120, 240, 480, 480]
# A worker that died while it was sending leaves its claim behind for so long.
A_CLAIM_LASTS = timedelta(minutes=2)

SUBJECTS = {
    Message.Kind.RECEIVED: "We have your request to {clinic}",
    Message.Kind.ACCEPTED: "Your appointment at {clinic}",
    Message.Kind.DECLINED: "Your request to {clinic}",
}
# A message is sent only while it is true.
TRUE_WHILE = {
    Message.Kind.RECEIVED: {AppointmentRequest.Status.UNVERIFIED, AppointmentRequest.Status.PENDING},
    Message.Kind.ACCEPTED: {AppointmentRequest.Status.ACCEPTED},
    Message.Kind.DECLINED: {AppointmentRequest.Status.DECLINED},
}


def owe(request: AppointmentRequest, kind: str, *, now: datetime) -> Message | None:
    """Owe the patient a message about the request as it is now; None where there is no address.

    To be called inside the transaction of the change: both stand or fall together.
    """
    if not request.email:
        return None
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2]
    message = Message.objects.create(
        request=request,
        kind=kind,
        version=request.version,
        message_id=f"<{uuid.uuid4()}@{domain}>",
        due_at=now,
    )
    app.configure_task("deliver", schedule_at=message.due_at, allow_unknown=True).defer(message=message.pk)
    return message


def words(request: AppointmentRequest, kind: str) -> tuple[str, str]:
    """The subject and the text of a message as it would leave now.

    It names the time, the place and the phone number; never the kind of visit, a reason or a note.
    """
    appointment = request.appointments.filter(status=Appointment.Status.BOOKED).first()
    context = {
        "clinic": settings.CLINIC,
        "site_url": settings.SITE_URL,
        "request": request,
        "location": request.location,
        "time": request.location.time_in_words(appointment.starts_at if appointment else request.wanted_at),
        "reply_until": request.location.time_in_words(request.reply_until),
    }
    subject = SUBJECTS[Message.Kind(kind)].format(clinic=settings.CLINIC["name"])
    return subject, render_to_string(f"email/{kind}.txt", context).strip() + "\n"


def compose(message: Message) -> EmailMultiAlternatives:
    """The e-mail: plain text, and the same text as HTML."""
    subject, text = words(message.request, message.kind)
    email = EmailMultiAlternatives(
        subject=subject,
        body=text,
        to=[message.request.email],
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
    if message.request.status not in TRUE_WHILE[Message.Kind(message.kind)]:
        _close(message, status=Message.Status.SUPPRESSED)
        return
    try:
        compose(message).send()
    except Exception as error:  # whatever it is: staff must see it, and the messages behind it must go
        _try_later_or_give_up(message, error, now=now)
    else:
        _close(message, status=Message.Status.SENT, sent_at=now, error="")


def _try_later_or_give_up(message, error, *, now):
    code = _code(error)
    log.warning("message %s not sent: %s", message.pk, code)
    if 500 <= _smtp_code(error) < 600 or message.attempts > len(WAITS):
        _close(message, status=Message.Status.FAILED, error=code)
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

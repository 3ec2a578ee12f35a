"""Sending the messages that are owed. What leaves is true when it leaves.

The mail server may take its time. So a message is composed only when the server has said that it is ready
to read it, and while it is written nobody can change the request that it speaks of: who cancels in that
moment waits for a few milliseconds, never for the mail server.
"""

import logging
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import F, Q

from bookings import messages
from bookings.messages import REMINDERS, Kind, Status
from bookings.models import AppointmentRequest, Message

log = logging.getLogger("clinic.messages")

# Minutes to wait after the first, second, … attempt: about a day in all (RFC 5321 4.5.4.1).
WAITS = [1, 5, 15, 60, 120, 240, 480, 480]
# So many in one round, so that the worker gets to its other work in between.
A_ROUND = 100
# How long a message that is about to be written waits for somebody who is changing its request.
LOCK_TIMEOUT = "1s"


class NoLongerTrue(Exception):
    """What was about to be handed over is not to be sent, or not to this address."""


def deliver_due(*, now: datetime, clock: Callable[[], datetime] | None = None) -> int:
    """Send what is due, oldest first, a hundred at most; returns how many that were.

    What a dead worker was sending counts too. Where the mail server itself is in trouble the round
    ends: the other messages would only wait in vain for it, and the worker's other work with them.
    All go through one connection. `clock` tells the time anew for each one, since a slow server can make
    a round last; without it the time stays `now`.
    """
    is_due = Q(status=Status.QUEUED, due_at__lte=now) | Q(status=Status.SENDING)
    due = Message.objects.filter(is_due).order_by("due_at", "pk").values_list("pk", flat=True)[:A_ROUND]
    with _mail_server() as server:
        for done, pk in enumerate(due):
            if not _deliver(pk, server, clock or (lambda: now)):
                return done
    return len(due)


def deliver(pk: int, *, now: datetime) -> bool:
    """Send one message, once: of several workers the one that has it alone; none before it is due.

    False where the mail server is in trouble, not this message.
    """
    with _mail_server() as server:
        return _deliver(pk, server, lambda: now)


@contextmanager
def _mail_server():
    """Where mail is handed over. It is told goodbye at the end, after our notes of what was sent."""
    server = get_connection()
    try:
        yield server
    finally:
        with suppress(OSError):  # one that has gone away cannot be told goodbye
            server.close()


def _deliver(pk, server, clock):
    with _alone_with(pk) as is_alone:
        now = clock()
        # Nobody else has it, so one that is being sent was left behind by a worker that died.
        waits = Q(status=Status.QUEUED, due_at__lte=now) | Q(status=Status.SENDING)
        if not is_alone or not Message.objects.filter(waits, pk=pk).update(
            status=Status.SENDING, claimed_at=now, attempts=F("attempts") + 1
        ):
            return True
        message = _read(pk)
        if message.attempts > len(WAITS) + 1:
            _give_up(message, "each worker died of it", now=now)
        elif not _is_let_go(message, now=now):
            return _send(message, server, clock)
        return True


@contextmanager
def _alone_with(pk):
    """Whether this worker alone has the message. Postgres ends the lock with the worker's connection,
    so a worker that dies never keeps a message, and a slow one never loses it."""
    name = f"message {pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        [is_alone] = cursor.fetchone()
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _read(pk):
    return Message.objects.select_related("request__location").get(pk=pk)


def _send(message, server, clock):
    """Whether the mail server can be asked again: False where the trouble is its own."""
    try:
        _hand_over(message, server, clock)
    except NoLongerTrue:
        message = _read(message.pk)
        is_wanted = message.status == Status.SENDING  # else it was withheld meanwhile
        if is_wanted and not _is_let_go(
            message, now=clock()
        ):  # it goes to another address now, and was not tried there
            _close(message, status=Status.QUEUED, attempts=F("attempts") - 1)
        return True
    except Exception as error:  # whatever it is: staff must see it, and the messages behind it must go
        log.warning("message %s not sent: %s", message.pk, _code(error))
        if _is_refused_for_good(error) or message.attempts > len(WAITS):
            _give_up(message, _code(error), now=clock())
        else:
            wait = timedelta(minutes=WAITS[message.attempts - 1])
            _close(message, status=Status.QUEUED, due_at=clock() + wait, error=_code(error))
        is_about_this_one = isinstance(error, SMTPRecipientsRefused | SMTPDataError)
        return is_about_this_one or not isinstance(error, OSError)
    _close(message, status=Status.SENT, sent_at=clock(), error="")
    return True


def _hand_over(message, server, clock):
    recipient = messages.recipient(message.request, message.kind)
    composed = partial(_true_until_written, message, recipient, clock)
    if hasattr(server, "hand_over"):
        server.hand_over([recipient], composed)
    else:  # the demo's files are written in no time
        with composed() as email:
            server.send_messages([email])


@contextmanager
def _true_until_written(message, recipient, clock):
    """The email of what is true now; until it is written nobody changes its request.

    Raises NoLongerTrue where there is nothing to tell any more, or not to this address.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        AppointmentRequest.objects.select_for_update(no_key=True).get(pk=message.request_id)
        message, now = _read(message.pk), clock()
        is_for = messages.recipient(message.request, message.kind)
        if is_for != recipient or _no_longer_true(message, now=now) or _too_late(message, now=now):
            raise NoLongerTrue
        yield messages.compose(message, now=now)


def _is_let_go(message, *, now):
    """Whether the message is not to be sent any more; then it is closed, and staff are told if it matters."""
    if untrue := _no_longer_true(message, now=now):
        _close(message, status=Status.SUPPRESSED, error=untrue)
    elif late := _too_late(message, now=now):
        _give_up(message, late, now=now)
    return bool(untrue or late)


@transaction.atomic
def _give_up(message, error, *, now):
    """Staff are told, once for each version of a request, so that somebody phones."""
    request = AppointmentRequest.objects.select_for_update().get(pk=message.request_id)
    _close(message, status=Status.FAILED, error=error)
    if message.kind not in Message.TO_STAFF:
        messages.send_again(request, Kind.STAFF_FAILED, now=now)


def _close(message, **changes):
    Message.objects.filter(pk=message.pk).update(**changes)


def _no_longer_true(message, *, now):
    """Why nobody needs the message any more, in a few words; empty where somebody does."""
    request = message.request
    if not messages.recipient(request, message.kind):
        return "no address any more"
    if message.kind == Kind.STAFF_FAILED:
        return ""
    if message.version != request.version:
        return f"the request has changed since: {request.events.last().verb}"
    if message.kind == Kind.STAFF_NEW and request.reply_until <= now:
        return "the answer is overdue, which is told apart"
    if message.kind in REMINDERS:
        starts_at = request.appointment.starts_at
        if starts_at <= now:
            return "the visit has begun"
        days_before = REMINDERS[message.kind].days
        if days_before > 1 and messages.days_until(starts_at, request.location, now=now) < days_before:
            return "the day of this reminder is over"
    return ""


def _too_late(message, *, now):
    """Why the message would only confuse now, because we were slow; empty where it would not."""
    request, visit = message.request, messages.visit_of(message.request, message.kind)
    if message.kind in Message.TO_STAFF:
        return ""
    if message.kind in (*messages.INVITATIONS, Kind.CANCELLED, Kind.ESTIMATE) and visit.starts_at <= now:
        return "too late: the visit has begun"
    if message.kind == Kind.OFFERED and not (visit and visit.held_until > now):
        return "too late: the offer has run out"
    if message.kind == Kind.RECEIVED and request.reply_until <= now:
        return "too late: the answer is due"
    if request.expires_at and request.expires_at <= now:
        return "too late: the request has run out"
    return ""


def _is_refused_for_good(error):
    """5xx for the address or the text (RFC 5321 4.2.1). A refused login or sender is ours to mend."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError) and _smtp_code(error) >= 500


def _smtp_code(error):
    if isinstance(error, SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return error.smtp_code if isinstance(error, SMTPResponseException) else 0


def _code(error):
    """What went wrong without anything about a person: the kind of error and the server's number."""
    return f"{type(error).__name__[:50]} {_smtp_code(error) or ''}".strip()

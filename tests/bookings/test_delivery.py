"""Delivery to a mail server that misbehaves, and by several workers at once."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from bookings import messages, outbox, tasks
from bookings.models import Message
from tests import make

pytestmark = pytest.mark.django_db


def owed(**fields):
    """A message that is due at make.NOW: it asks to confirm an address."""
    return make.submitted(**fields).messages.get()


def state(message):
    message.refresh_from_db()
    return message.status, message.attempts, message.error


def test_a_message_that_is_owed_is_sent_once(mailbox):
    message = owed()

    outbox.deliver(message.pk, now=make.NOW)
    outbox.deliver(message.pk, now=make.NOW)

    assert (state(message), message.sent_at) == (("sent", 1, ""), make.NOW)
    assert [mail["Message-ID"] for mail in mailbox.messages] == [message.message_id]
    assert mailbox.recipients == [["anh@example.com"]]


def test_a_message_is_not_sent_before_it_is_due(mailbox):
    message = owed()

    outbox.deliver(message.pk, now=make.NOW - timedelta(seconds=1))

    assert (state(message), mailbox.messages) == (("queued", 0, ""), [])


def behave(box, **how):
    for name, value in how.items():
        setattr(box, name, value)


TROUBLE = [
    ({"rcpt_answer": "450 greylisted"}, "SMTPRecipientsRefused 450", True),
    ({"answer": "451 try later"}, "SMTPDataError 451", True),
    ({"stalls": True}, "SMTPServerDisconnected", False),
    ({"dies_at": "DATA"}, "SMTPServerDisconnected", False),
    ({"takes_logins": False}, "SMTPAuthenticationError 535", False),
]


@pytest.mark.parametrize(("how", "error", "others_may_go"), TROUBLE, ids=[str(how) for how, _, _ in TROUBLE])
def test_trouble_is_tried_again_a_minute_later_and_then_it_arrives_once(
    mailbox, settings, how, error, others_may_go
):
    settings.EMAIL_TIMEOUT = 0.2
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "clinic", "secret"
    message = owed()
    behave(mailbox, **how)

    went_on = outbox.deliver(message.pk, now=make.NOW)

    assert (state(message), message.due_at) == (("queued", 1, error), make.later(minutes=1))
    assert went_on is others_may_go
    behave(mailbox, rcpt_answer="250 OK", answer="250 OK", stalls=False, dies_at=None, takes_logins=True)
    outbox.deliver_due(now=make.later(seconds=59))
    assert mailbox.messages == []
    outbox.deliver_due(now=make.later(minutes=1))
    assert state(message) == ("sent", 2, "")
    assert [mail["Message-ID"] for mail in mailbox.messages] == [message.message_id]


def test_a_server_that_drips_is_hung_up_on_though_it_is_never_silent(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_AT_MOST = "clinic_site.mail.Backend", 0.3
    message, began = owed(), time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()

        def drip():
            line, _ = server.accept()
            with line, suppress(OSError):
                while True:
                    line.send(b"2")
                    time.sleep(0.02)

        dripping = threading.Thread(target=drip)
        dripping.start()
        went_on = outbox.deliver(message.pk, now=make.NOW)
        dripping.join()

    assert (*state(message)[:2], went_on) == ("queued", 1, False)
    assert 0.3 <= time.monotonic() - began < 3


def test_what_the_server_took_is_sent_even_where_it_dies_before_saying_goodbye(mailbox):
    message = owed()
    mailbox.dies_at = "QUIT"

    outbox.deliver_due(now=make.NOW)

    assert (state(message), len(mailbox.messages)) == (("sent", 1, ""), 1)


@pytest.mark.parametrize("how", [{"rcpt_answer": "550 no such user"}, {"answer": "554 not wanted"}])
def test_a_refusal_for_good_is_a_failure_at_once_and_staff_are_told_without_a_name(mailbox, how):
    message = owed(phone="(703) 555-0199")
    behave(mailbox, **how)

    outbox.deliver_due(now=make.NOW)

    message.refresh_from_db()
    assert message.get_status_display() == "not delivered: phone the patient"
    behave(mailbox, rcpt_answer="250 OK", answer="250 OK")
    outbox.deliver_due(now=make.NOW)
    [mail] = mailbox.messages
    assert (mailbox.recipients, mail["Subject"]) == (
        [["desk@clinic.example"]],
        "A message was not delivered",
    )
    text = mail.get_body(("plain",)).get_content()
    assert text.splitlines() == [
        "A message about this request could not be delivered. Please phone the patient.",
        "",
        "Open the request:",
        f"http://127.0.0.1:8000/staff/bookings/appointmentrequest/{message.request_id}/change/",
        "",
        f"Reference: {message.request.reference}",
    ]
    assert [word for word in ("anh@", "Nguy", "555-0199") if word in mail.as_string()] == []


def test_two_failures_of_one_request_tell_staff_once(mailbox):
    asked = owed().request
    messages.owe(asked, Message.Kind.LINK, now=make.NOW)
    mailbox.rcpt_answer = "550 no such user"

    outbox.deliver_due(now=make.NOW)

    assert sorted(asked.messages.values_list("kind", "status")) == [
        ("link", "failed"),
        ("staff_failed", "queued"),
        ("verify", "failed"),
    ]


def test_a_message_to_staff_that_fails_makes_no_other_one(mailbox):
    asked = make.submitted(email="", phone="(703) 555-0199", contact_by="phone")
    mailbox.rcpt_answer = "550 no such user"

    outbox.deliver_due(now=make.NOW)

    assert list(asked.messages.values_list("kind", "status")) == [
        ("staff_new", "failed"),
        ("staff_overdue", "queued"),
    ]


def test_after_a_day_of_trying_a_message_has_failed_and_staff_are_told(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there
    message, now = owed(), make.NOW

    waits = []
    while message.status == "queued":
        waits.append(int((message.due_at - now).total_seconds() // 60))
        now = message.due_at
        outbox.deliver(message.pk, now=now)
        message.refresh_from_db()

    assert waits == [0, 1, 5, 15, 60, 120, 240, 480, 480]
    assert (message.status, message.error) == ("failed", "ConnectionRefusedError")
    assert timedelta(hours=23) < now - make.NOW < timedelta(hours=24)
    assert message.request.messages.filter(kind="staff_failed", status="queued").count() == 1


def test_a_server_in_trouble_is_asked_once_in_a_round_and_costs_the_others_no_attempt(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    first, second = owed(), owed(email="kim@example.com")

    assert outbox.deliver_due(now=make.NOW) == 0

    assert (state(first)[1], state(second)[1]) == (1, 0)


def test_a_round_is_a_hundred_messages_at_most(mailbox, monkeypatch):
    monkeypatch.setattr(outbox, "A_ROUND", 2)
    sent = [owed(email=f"patient{number}@example.com") for number in range(3)]

    assert (outbox.deliver_due(now=make.NOW), outbox.deliver_due(now=make.NOW)) == (2, 1)

    assert [state(message)[0] for message in sent] == ["sent"] * 3


def test_one_bad_message_does_not_stop_the_others(mailbox):
    first, second = owed(), owed(email="kim@example.com")
    Message.objects.filter(pk=first.pk).update(message_id="<a\nb>")

    outbox.deliver_due(now=make.NOW)

    assert (state(first), state(second)) == (("queued", 1, "BadHeaderError"), ("sent", 1, ""))


def test_what_a_dead_worker_was_sending_is_sent_by_the_next_under_the_same_message_id(mailbox):
    message = owed()
    Message.objects.update(status="sending", claimed_at=make.NOW, attempts=1)

    outbox.deliver_due(now=make.later(seconds=5))

    assert state(message) == ("sent", 2, "")
    assert [mail["Message-ID"] for mail in mailbox.messages] == [message.message_id]


def test_a_message_that_kills_every_worker_fails_in_the_end(mailbox):
    message = owed()
    Message.objects.update(status="sending", claimed_at=make.NOW, attempts=len(outbox.WAITS) + 1)

    outbox.deliver_due(now=make.later(seconds=5))

    assert (state(message)[0], message.error) == ("failed", "each worker died of it")


def test_two_workers_at_once_send_each_message_once(real_commits, mailbox):
    sent = [owed(email=f"patient{number}@example.com") for number in range(4)]
    together = threading.Barrier(2)

    def work():
        together.wait()
        outbox.deliver_due(now=make.NOW)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(mail["Message-ID"] for mail in mailbox.messages) == sorted(
        message.message_id for message in sent
    )
    assert [state(message) for message in sent] == [("sent", 1, "")] * 4


def test_a_slow_worker_keeps_the_message_it_is_sending(real_commits, mailbox, settings):
    settings.EMAIL_TIMEOUT = 0.4
    message = owed()
    mailbox.stalls = True

    def work():
        outbox.deliver(message.pk, now=make.NOW)
        connection.close()

    slow = threading.Thread(target=work)
    slow.start()
    while state(message)[0] != "sending":
        assert slow.is_alive()
    outbox.deliver_due(now=make.later(hours=1))
    assert state(message) == ("sending", 1, "")
    slow.join()
    assert state(message) == ("queued", 1, "SMTPServerDisconnected")


def test_a_sender_is_the_clinic_and_no_answer_of_a_machine_is_wanted(mailbox):
    owed()

    outbox.deliver_due(now=make.NOW)

    [mail] = mailbox.messages
    assert parseaddr(mail["From"]) == ("Example Clinic", "desk@clinic.example")
    assert (mail["Auto-Submitted"], mail["Reply-To"]) == ("auto-generated", None)


def test_the_worker_looks_for_messages_every_five_seconds_and_for_what_has_run_out_every_minute():
    def ticks(name):
        cron = app.periodic_registry.periodic_tasks[name, ""].croniter
        cron.set_current(make.NOW.timestamp())
        return [cron.get_next(float) - make.NOW.timestamp() for _ in range(3)]

    assert (ticks("deliver_due"), ticks("sweep")) == ([5, 10, 15], [60, 120, 180])
    assert tasks.deliver_due.queueing_lock == "deliver_due"  # a slow round is not followed by a heap of them

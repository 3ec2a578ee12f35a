"""What is handed to a slow mail server, while people go on canceling, moving and correcting."""

import threading
import time

import pytest
from django.db import connection

from bookings import lifecycle, messages, outbox
from tests import make

THEN = make.NOW + messages.GRACE


def in_a_thread_of_its_own(act, *given, **named):
    """For a thread of the mail server: somebody's own connection to the database."""

    def run():
        try:
            act(*given, **named)
        finally:
            connection.close()

    return run


def cancel(asked):
    lifecycle.cancel(asked, now=THEN)


def move(asked):
    room = asked.appointment.schedule
    later = make.WEDNESDAY_9 + (asked.appointment.ends_at - asked.appointment.starts_at)
    lifecycle.reschedule(asked, lifecycle.Choice(room.visit_types.get(), room.location, later), now=THEN)


def cancel_and_erase(asked):
    lifecycle.cancel(asked, now=THEN)
    asked.refresh_from_db()
    lifecycle.erase(asked, by=make.staff("manager"), now=THEN)


@pytest.mark.parametrize("command", ["EHLO", "RCPT"])
@pytest.mark.parametrize("change", [cancel, move, cancel_and_erase])
def test_what_changed_while_the_mail_server_took_its_time_is_not_sent(real_commits, mailbox, change, command):
    asked = make.accepted()
    mailbox.meanwhile[command] = in_a_thread_of_its_own(change, asked)

    outbox.deliver_due(now=THEN)

    accepted = asked.messages.get(kind="accepted")
    assert (mailbox.messages, accepted.status, accepted.sent_at) == ([], "suppressed", None)
    outbox.deliver_due(now=THEN)  # and the mail server has not kept a part of it
    assert mailbox.messages == []


def test_a_visit_can_be_canceled_while_the_mail_server_thinks_about_its_confirmation(real_commits, mailbox):
    """The text has left: the patient gets it, and then the news that the visit is canceled."""
    asked = make.accepted()
    mailbox.meanwhile["DATA"] = in_a_thread_of_its_own(cancel, asked)

    outbox.deliver_due(now=THEN)
    outbox.deliver_due(now=THEN + messages.GRACE)

    subjects = [mail["Subject"] for mail in mailbox.messages]
    assert subjects == [
        "Your appointment at Example Clinic",
        "Your appointment at Example Clinic is canceled",
    ]


def test_who_cancels_while_the_text_is_written_waits_for_that_moment(real_commits, mailbox, monkeypatch):
    asked, order, compose = make.accepted(), [], messages.compose

    def cancel_it():
        cancel(asked)
        order.append("canceled")

    canceling = threading.Thread(target=in_a_thread_of_its_own(cancel_it))

    def slowly(message, *, now):
        canceling.start()
        canceling.join(0.1)
        order.append("composed")
        return compose(message, now=now)

    monkeypatch.setattr(messages, "compose", slowly)

    outbox.deliver(asked.messages.get(kind="accepted").pk, now=THEN)
    canceling.join()

    assert order == ["composed", "canceled"]
    assert len(mailbox.messages) == 1


def test_while_somebody_keeps_a_request_its_message_waits_and_the_others_leave(
    real_commits, mailbox, monkeypatch
):
    monkeypatch.setattr(outbox, "LOCK_TIMEOUT", "50ms")
    asked, other = make.submitted(), make.submitted(email="kim@example.com")
    may_end, has_it = threading.Event(), threading.Event()

    def keep():
        with lifecycle.unchanged_since(asked, asked.version):
            has_it.set()
            may_end.wait(10)

    keeper = threading.Thread(target=in_a_thread_of_its_own(keep))
    keeper.start()
    has_it.wait()
    outbox.deliver_due(now=make.NOW)
    may_end.set()
    keeper.join()

    assert mailbox.recipients == [["kim@example.com"]]
    assert [one.messages.get().status for one in (asked, other)] == ["queued", "sent"]
    outbox.deliver_due(now=make.later(minutes=1))
    assert mailbox.recipients == [["kim@example.com"], ["anh@example.com"]]


def test_a_message_whose_address_is_corrected_meanwhile_goes_to_the_new_one_alone(real_commits, mailbox):
    asked = make.accepted()

    def correct():
        lifecycle.correct_contact(asked, email="new@example.com", phone="", contact_by="email", now=THEN)

    mailbox.meanwhile["RCPT"] = in_a_thread_of_its_own(correct)

    outbox.deliver_due(now=THEN)
    outbox.deliver_due(now=THEN)

    assert {address for to in mailbox.recipients for address in to} == {"new@example.com"}
    accepted = asked.messages.get(kind="accepted")
    assert (accepted.status, accepted.attempts) == ("sent", 1)


@pytest.mark.django_db
def test_an_offer_that_runs_out_while_the_mail_server_takes_its_time_is_not_sent(mailbox):
    asked = make.confirmed(make.schedule())
    choice = lifecycle.Choice(asked.visit_type, asked.location, make.WEDNESDAY_9)
    lifecycle.offer(asked, choice, by=make.staff(), now=make.NOW)
    held_until = asked.appointments.last().held_until
    times = iter([THEN])

    outbox.deliver_due(now=THEN, clock=lambda: next(times, held_until))

    offered = asked.messages.get(kind="offered")
    assert (mailbox.messages, offered.status) == ([], "failed")
    assert offered.error == "too late: the offer has run out"


@pytest.mark.django_db
def test_a_round_needs_one_connection_and_a_server_that_is_tired_of_it_is_called_anew(mailbox):
    def send_three(names):
        made = [make.submitted(email=f"{name}@example.com").messages.get() for name in names]
        outbox.deliver_due(now=make.NOW)
        for message in made:
            message.refresh_from_db()
            assert (message.status, message.attempts) == ("sent", 1)

    send_three("abc")
    assert mailbox.greeted == 1
    mailbox.dies_at = "second MAIL"
    send_three("def")
    assert (mailbox.greeted, len(mailbox.messages)) == (4, 6)


@pytest.mark.django_db
def test_each_message_of_a_round_has_its_own_time_and_no_more(mailbox, settings):
    settings.EMAIL_AT_MOST, slow, hangs = 0.5, 0.25, 5
    sent = [make.submitted(email=f"{name}@example.com").messages.get() for name in "ab"]

    def at_first():
        mailbox.meanwhile["RCPT"] = lambda: time.sleep(hangs)
        time.sleep(slow)

    mailbox.meanwhile["RCPT"] = at_first
    began = time.monotonic()
    outbox.deliver_due(now=make.NOW)
    took = time.monotonic() - began

    for message in sent:
        message.refresh_from_db()
    assert [(message.status, message.error) for message in sent] == [
        ("sent", ""),
        ("queued", "SMTPServerDisconnected"),
    ]
    assert slow + settings.EMAIL_AT_MOST <= took < hangs

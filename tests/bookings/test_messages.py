from datetime import timedelta

import pytest

from bookings import lifecycle, messages, tasks
from bookings.models import Message
from tests import make

pytestmark = pytest.mark.django_db

HEALTH = ["migraine", "ketamine", "headache", "infusion", "treatment"]


def owed(**fields):
    return make.confirmed(**fields).messages.get()


def accepted(**fields):
    asked = make.confirmed(**fields)
    lifecycle.accept(asked, by=make.staff(), now=make.NOW)
    return asked


def text_of(mail):
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_a_message_that_is_owed_is_sent_once(mailbox):
    message = owed()

    messages.deliver(message.pk, now=make.NOW)
    messages.deliver(message.pk, now=make.NOW)

    message.refresh_from_db()
    assert (message.status, message.sent_at, message.attempts) == ("sent", make.NOW, 1)
    assert [mail["Message-ID"] for mail in mailbox.messages] == [message.message_id]
    assert mailbox.recipients == [["anh@example.com"]]


def test_the_first_message_says_what_happens_next_and_carries_nothing_the_sender_typed(mailbox):
    message = owed(patient_name="Buy cheap pills https://spam.example", phone="(703) 555-0199")

    messages.deliver(message.pk, now=make.NOW)

    [mail] = mailbox.messages
    assert mail["Subject"] == "We have your request to Example Clinic"
    assert "a person here will read it and answer by Wednesday, March 10, 2027 at 7am EST" in text_of(mail)
    assert "Wednesday, March 10, 2027 at 9am EST at Arlington" in text_of(mail)
    assert "pills" not in mail.as_string() and "555-0199" not in mail.as_string()


def test_the_message_of_an_accepted_request_names_time_place_and_phone(mailbox):
    accepted()

    messages.deliver_due(now=make.NOW)

    [mail] = mailbox.messages
    assert mail["Subject"] == "Your appointment at Example Clinic"
    assert "When: Wednesday, March 10, 2027 at 9am EST\n" in text_of(mail)
    assert "Where: Arlington, 1 Example Street, Arlington, VA 22201\n" in text_of(mail)
    assert "(703) 555-0142" in text_of(mail)


@pytest.mark.parametrize("kind", Message.Kind.values)
def test_no_message_says_anything_about_health(kind):
    room = make.schedule(visit=make.visit_type(name="Ketamine infusion"))
    asked = make.confirmed(room)

    written = " ".join(messages.words(asked, kind)).lower()

    assert [word for word in HEALTH if word in written] == []


def test_text_and_html_say_the_same(mailbox):
    message = owed()

    messages.deliver(message.pk, now=make.NOW)

    html = mailbox.messages[0].get_body(("html",)).get_content()
    paragraphs = [line for line in text_of(mailbox.messages[0]).splitlines() if line and "http" not in line]
    assert [line for line in paragraphs if line not in html] == []


def test_a_name_with_markup_stays_text_in_html(mailbox):
    message = owed()
    message.request.location.name = "<b>Arlington</b>"
    message.request.location.save()

    messages.deliver(message.pk, now=make.NOW)

    assert "&lt;b&gt;Arlington&lt;/b&gt;" in mailbox.messages[0].get_body(("html",)).get_content()


def test_a_message_that_is_no_longer_true_is_not_sent(mailbox):
    asked = accepted()

    messages.deliver_due(now=make.NOW)

    assert list(asked.messages.values_list("kind", "status")) == [
        ("received", "suppressed"),
        ("accepted", "sent"),
    ]
    assert len(mailbox.messages) == 1


def test_a_message_is_not_sent_before_it_is_due(mailbox):
    message = owed()

    messages.deliver(message.pk, now=make.NOW - timedelta(seconds=1))

    assert mailbox.messages == []


def test_a_refusal_for_now_is_tried_again_later(mailbox):
    message = owed()
    mailbox.answer = "451 greylisted, try later"

    messages.deliver_due(now=make.NOW)

    message.refresh_from_db()
    assert (message.status, message.attempts) == ("queued", 1)
    assert (message.due_at, message.error) == (make.later(minutes=1), "SMTPDataError 451")
    mailbox.answer = "250 OK"
    messages.deliver_due(now=make.later(minutes=1))
    message.refresh_from_db()
    assert (message.status, message.attempts, message.error) == ("sent", 2, "")


def test_a_refusal_for_good_is_a_failure_that_staff_see(mailbox):
    message = owed()
    mailbox.answer = "550 no such user"

    messages.deliver_due(now=make.NOW)

    message.refresh_from_db()
    assert message.get_status_display() == "not delivered: phone the patient"


def test_after_a_day_of_trying_a_message_has_failed(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there
    message, now = owed(), make.NOW

    while message.status == "queued":
        now = message.due_at
        messages.deliver(message.pk, now=now)
        message.refresh_from_db()

    assert (message.status, message.error) == ("failed", "ConnectionRefusedError")
    assert timedelta(hours=20) < now - make.NOW < timedelta(hours=30)


def test_a_message_of_a_worker_that_died_is_taken_over_and_bears_the_same_message_id(mailbox):
    message = owed()
    Message.objects.filter(pk=message.pk).update(status="sending", claimed_at=make.NOW, attempts=1)

    messages.deliver_due(now=make.later(seconds=119))
    assert mailbox.messages == []
    messages.deliver_due(now=make.later(seconds=120))

    assert [mail["Message-ID"] for mail in mailbox.messages] == [message.message_id]


def test_one_bad_message_does_not_stop_the_others(mailbox):
    first, second = owed(), owed(email="kim@example.com")
    Message.objects.filter(pk=first.pk).update(message_id="<a\nb>")

    messages.deliver_due(now=make.NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.error, second.status) == ("BadHeaderError", "sent")


def test_the_job_that_a_message_leaves_is_one_the_worker_knows():
    assert (tasks.deliver.name, tasks.deliver_due.name) == ("deliver", "deliver_due")

"""What messages say, when they leave, and which of them are not true any more."""

import html
import re
from datetime import UTC, datetime, time, timedelta

import pytest

from bookings import lifecycle, links, messages, outbox
from bookings.models import Message
from tests import make

pytestmark = pytest.mark.django_db

HEALTH = ["migraine", "ketamine", "headache", "infusion", "treatment", "visit type", "doctor", "medicine"]
KINDS = Message.Kind.values


def mail_of(asked, kind, *, now=make.NOW):
    """The email of that kind as it would leave now."""
    message = Message(request=asked, kind=kind, version=asked.version, message_id="<one@clinic.example>")
    return messages.compose(message, now=now)


def sent_at(mailbox, now):
    """The subjects of what leaves at `now`."""
    before = len(mailbox.messages)
    outbox.deliver_due(now=now)
    return [mail["Subject"] for mail in mailbox.messages[before:]]


def states(asked):
    return list(asked.messages.values_list("kind", "status", "error"))


def due(asked, kind):
    return asked.messages.get(kind=kind).due_at


def moved(asked, now, **delta):
    room = asked.appointment.schedule
    choice = lifecycle.Choice(
        room.visit_types.get(), room.location, asked.appointment.starts_at + timedelta(**delta)
    )
    return lifecycle.reschedule(asked, choice, now=now)


# Texts

GOLDEN = """\
Hello,

Your appointment is confirmed.

When: {when}
Where: Arlington, 1 Example Street, Arlington, VA 22201

See, move or cancel your appointment:
{link}

How to get here:
http://127.0.0.1:8000/locations/arlington/

Our phone: (703) 555-0142
Your reference: K7QF-2M9D

In an emergency, call 911. In a crisis, call or text 988.

Example Clinic:
http://127.0.0.1:8000/
"""


@pytest.mark.parametrize(
    ("zone", "now", "starts_at", "when"),
    [
        ("America/New_York", make.NOW, make.WEDNESDAY_9, "Wednesday, March 10, 2027 at 9am EST"),
        (
            "America/New_York",
            datetime(2027, 7, 12, 16, tzinfo=UTC),
            datetime(2027, 7, 14, 17, tzinfo=UTC),
            "Wednesday, July 14, 2027 at 1pm EDT",
        ),
        (
            "Europe/London",
            datetime(2027, 7, 12, 16, tzinfo=UTC),
            datetime(2027, 7, 14, 11, tzinfo=UTC),
            "Wednesday, July 14, 2027 at noon BST",
        ),
    ],
    ids=["New York in winter", "New York in summer", "London in summer"],
)
def test_the_message_of_an_appointment_is_this_text_with_the_time_of_the_place(zone, now, starts_at, when):
    room = make.schedule(make.location(time_zone=zone, slug="arlington"))
    asked = make.accepted(room, now=now, starts_at=starts_at)
    asked.reference = "K7QF-2M9D"

    mail = mail_of(asked, "accepted", now=now)

    link = links.url(asked, "manage_request", now=now)
    assert mail.body == GOLDEN.format(when=when, link=link)
    assert mail.subject == "Your appointment at Example Clinic"


def test_nothing_that_was_typed_and_nothing_about_health_travels_in_any_message():
    visit = make.visit_type(name="Ketamine infusion canary1")
    room = make.schedule(visit=visit, name="canary3")
    asked = make.accepted(
        room,
        patient_name="canary4 https://canary5.example",
        asked_by="canary6",
        phone="(703) 555-7777",
        language="canary8",
        note="canary9",
        needs=["dim_room", "interpreter"],
        email="anh@example.com",
    )

    found = {}
    for kind in KINDS:
        mail = mail_of(asked, kind)
        written = " ".join([mail.subject, mail.body, *(part.content for part in mail.alternatives)]).lower()
        written = written.replace("attendee;partstat=accepted;rsvp=false:mailto:anh@example.com", "")
        words = [*HEALTH, "canary", "555-7777", "anh@", "interpreter", "dim room"]
        found[kind] = [word for word in words if word in written]

    assert found == {kind: [] for kind in KINDS}


def test_html_says_what_the_text_says_with_one_button_and_asks_nobody_for_anything():
    asked = make.accepted(make.schedule(make.location(name="<b>Arlington</b> & Co")))

    for kind in KINDS:
        mail = mail_of(asked, kind)
        page = mail.alternatives[0].content
        shown = " ".join(html.unescape(re.sub("<[^>]+>", "", page.partition("<body")[2])).split())
        for line in mail.body.splitlines():
            assert line.removesuffix(":") in shown, kind
        addresses = [line for line in mail.body.splitlines() if "http" in line]
        assert [line for line in addresses if not re.fullmatch(r"https?://\S+", line)] == [], kind
        buttons = re.findall(r'<a class="button"\s+href="([^"]+)"', page)
        assert buttons == [addresses[0]], kind
        assert set(re.findall(r'href="([^"]+)"', page)) == set(addresses), kind
        assert re.findall(r"<b>Arlington|<img|<script|src=|url\(|@import", page) == [], kind
        assert '<html lang="en-US">' in page and 'name="color-scheme" content="light dark"' in page


def test_a_cancelled_visit_is_named_by_its_own_time_not_by_the_one_asked_for(mailbox):
    asked = make.accepted()
    moved(asked, make.NOW, hours=2)
    asked.refresh_from_db()
    lifecycle.cancel(asked, now=make.NOW)

    sent_at(mailbox, make.later(minutes=3))

    [mail] = mailbox.messages
    assert "When: Wednesday, March 10, 2027 at 11am EST\n" in mail.get_body(("plain",)).get_content().replace(
        "\r\n", "\n"
    )


def test_what_we_promise_to_hold_is_named_only_while_it_is_held():
    first, second = make.submitted(), make.submitted(starts_at=make.WEDNESDAY_9 + timedelta(hours=1))
    held = "We are holding the time you chose until Monday, March 8, 2027 at 12:20pm EST."

    bodies = [mail_of(first, "verify").body, mail_of(first, "verify", now=make.later(minutes=20)).body]
    assert [held in body for body in bodies] == [True, False]
    assert "holding" not in mail_of(second, "verify").body

    asked = lifecycle.verify(first, now=make.NOW)
    assert "We are holding it for you until we answer." in mail_of(asked, "received").body
    asked.appointments.update(status="cancelled")
    assert "We are not holding it, so someone else may get it." in mail_of(asked, "received").body


# When they leave


def test_what_somebody_waits_for_leaves_at_once_and_what_may_be_taken_back_after_three_minutes(mailbox):
    make.submitted()
    assert sent_at(mailbox, make.NOW) == ["Please confirm your request to Example Clinic"]
    make.accepted(make.schedule(), email="kim@example.com")

    assert sent_at(mailbox, make.NOW) == []
    assert sent_at(mailbox, make.later(minutes=2, seconds=59)) == []
    assert sent_at(mailbox, make.later(minutes=3)) == ["Your appointment at Example Clinic"]


@pytest.mark.parametrize(
    ("now", "starts_at", "reminders"),
    [
        (
            datetime(2027, 3, 8, 17, tzinfo=UTC),
            datetime(2027, 3, 14, 13, tzinfo=UTC),  # 9am EDT, hours after clocks went forward
            [datetime(2027, 3, 12, 14, tzinfo=UTC), datetime(2027, 3, 13, 14, tzinfo=UTC)],
        ),
        (
            datetime(2027, 11, 1, 17, tzinfo=UTC),
            datetime(2027, 11, 7, 14, tzinfo=UTC),  # 9am EST, hours after clocks went back
            [datetime(2027, 11, 5, 13, tzinfo=UTC), datetime(2027, 11, 6, 13, tzinfo=UTC)],
        ),
        (
            datetime(2027, 11, 1, 17, tzinfo=UTC),
            datetime(2027, 11, 8, 6, 30, tzinfo=UTC),  # 1:30am, the day after that hour came twice
            [datetime(2027, 11, 6, 5, 30, tzinfo=UTC), datetime(2027, 11, 7, 5, 30, tzinfo=UTC)],
        ),
        (
            datetime(2027, 3, 8, 17, tzinfo=UTC),
            datetime(2027, 3, 15, 6, 30, tzinfo=UTC),  # 2:30am, the day after that hour was left out
            [datetime(2027, 3, 13, 7, 30, tzinfo=UTC), datetime(2027, 3, 14, 7, tzinfo=UTC)],
        ),
    ],
    ids=["clocks go forward", "clocks go back", "an hour twice", "an hour that is not"],
)
def test_reminders_are_due_at_the_same_wall_time_two_days_and_one_day_before(now, starts_at, reminders):
    around_the_clock = make.location(hours=(time(0), time(23, 30)), weekdays=range(7))
    asked = make.accepted(
        make.schedule(around_the_clock, make.visit_type(step_minutes=30)), now=now, starts_at=starts_at
    )

    assert [due(asked, "reminder_2"), due(asked, "reminder_1")] == reminders


def test_reminders_are_those_that_the_visit_type_asks_for_and_that_are_still_ahead():
    def kinds(asked):
        return [kind for kind, _, _ in states(asked) if kind.startswith("reminder")]

    friday = make.WEDNESDAY_9 + timedelta(days=2)
    no_first = make.visit_type(remind_2_days_before=False)
    no_second = make.visit_type(remind_1_day_before=False)
    assert kinds(make.accepted(starts_at=friday)) == ["reminder_2", "reminder_1"]
    assert kinds(make.accepted(make.schedule(visit=no_first), starts_at=friday, email="a@a.example")) == [
        "reminder_1"
    ]
    assert kinds(make.accepted(make.schedule(visit=no_second), starts_at=friday, email="b@a.example")) == [
        "reminder_2"
    ]
    assert kinds(make.accepted(email="c@a.example")) == ["reminder_1"]  # two days before was this morning
    tuesday = make.WEDNESDAY_9 - timedelta(days=1)
    assert kinds(make.accepted(starts_at=tuesday, email="d@a.example")) == []


def test_a_reminder_says_which_day_it_is_even_where_it_comes_late(mailbox):
    asked = make.accepted(starts_at=make.WEDNESDAY_9 + timedelta(days=2))
    sent_at(mailbox, make.later(minutes=3))

    assert sent_at(mailbox, due(asked, "reminder_2")) == ["Your appointment at Example Clinic is in two days"]
    assert sent_at(mailbox, due(asked, "reminder_1")) == ["Your appointment at Example Clinic is tomorrow"]
    assert mail_of(asked, "reminder_1", now=due(asked, "reminder_1") + timedelta(hours=20)).subject == (
        "Your appointment at Example Clinic is today"
    )


# What is not true any more


def test_a_message_that_was_overtaken_is_not_sent_and_says_what_overtook_it(mailbox):
    asked = make.accepted()

    assert sent_at(mailbox, make.later(minutes=3)) == ["Your appointment at Example Clinic"]

    overtaken = "the request has changed since: accept"
    assert [state for state in states(asked) if state[1] != "queued"] == [
        ("verify", "suppressed", overtaken),
        ("received", "suppressed", overtaken),
        ("staff_new", "suppressed", overtaken),
        ("accepted", "sent", ""),
    ]


@pytest.mark.parametrize("verb", ["cancel", "reschedule"])
def test_reminders_of_a_cancelled_or_moved_visit_are_not_sent(mailbox, verb):
    asked = make.accepted(starts_at=make.WEDNESDAY_9 + timedelta(days=2))
    old = due(asked, "reminder_1")
    if verb == "cancel":
        lifecycle.cancel(asked, now=make.NOW)
    else:
        moved(asked, make.NOW, hours=3)
    sent_at(mailbox, make.later(minutes=3))

    assert sent_at(mailbox, old) == []
    reasons = {error for kind, state, error in states(asked) if kind[:8] == "reminder" and state != "sent"}
    assert f"the request has changed since: {verb}" in reasons


def test_a_worker_that_was_down_for_days_sends_nothing_stale_and_staff_learn_whom_to_phone(mailbox):
    unverified, waiting = make.submitted(), make.confirmed(make.schedule(), email="b@a.example")
    booked = make.accepted(make.schedule(), email="c@a.example")
    offered = make.confirmed(make.schedule(), email="d@a.example")
    cancelled = make.accepted(make.schedule(), email="e@a.example")
    lifecycle.cancel(cancelled, now=make.NOW)
    room = offered.appointment.schedule
    choice = lifecycle.Choice(room.visit_types.get(), room.location, make.WEDNESDAY_9 + timedelta(days=1))
    lifecycle.offer(offered, choice, by=make.staff(), now=make.NOW)

    assert sent_at(mailbox, make.later(days=8)) == ["A request is late"]  # the one that still waits
    told = {}
    for asked in (unverified, waiting, booked, offered, cancelled):
        told[asked.email] = [state for state in states(asked) if state[1] == "failed"]
        assert asked.messages.filter(kind="staff_failed", status="queued").count() == 1
    assert told == {
        "anh@example.com": [("verify", "failed", "too late: the request has run out")],
        "b@a.example": [("received", "failed", "too late: the answer is due")],
        "c@a.example": [("accepted", "failed", "too late: the visit has begun")],
        "d@a.example": [("offered", "failed", "too late: the offer has run out")],
        "e@a.example": [("cancelled", "failed", "too late: the visit has begun")],
    }
    assert ("reminder_1", "suppressed", "the visit has begun") in states(booked)


def test_an_offer_whose_time_went_to_someone_else_is_not_sent_any_more(mailbox):
    asked = make.confirmed()
    room = asked.appointment.schedule
    choice = lifecycle.Choice(room.visit_types.get(), room.location, make.WEDNESDAY_9 + timedelta(days=1))
    lifecycle.offer(asked, choice, by=make.staff(), now=make.NOW)
    asked.appointments.update(status="cancelled")

    assert sent_at(mailbox, make.later(minutes=3)) == []
    assert states(asked)[-2:] == [
        ("offered", "failed", "too late: the offer has run out"),
        ("staff_failed", "queued", ""),
    ]


def test_the_earlier_reminder_is_left_out_once_its_day_is_over(mailbox):
    asked = make.accepted(starts_at=make.WEDNESDAY_9 + timedelta(days=2))

    sent_at(mailbox, due(asked, "reminder_1"))

    assert [state for state in states(asked) if state[0].startswith("reminder")] == [
        ("reminder_2", "suppressed", "the day of this reminder is over"),
        ("reminder_1", "sent", ""),
    ]


# Corrected and asked for again


def test_reminders_go_on_to_a_corrected_address_and_those_of_before_a_move_stay_dead(mailbox):
    asked = make.accepted(starts_at=make.WEDNESDAY_9 + timedelta(days=2))
    moved(asked, make.NOW, hours=2)
    asked.refresh_from_db()
    lifecycle.correct_contact(asked, email="new@example.com", phone="", contact_by="email", now=make.NOW)

    for hours in (0, 1, 48, 72, 96):
        sent_at(mailbox, make.later(hours=hours, minutes=3))

    assert [(mail["Subject"], to) for mail, to in zip(mailbox.messages, mailbox.recipients, strict=True)] == [
        ("Your new link to Example Clinic", ["new@example.com"]),
        ("Your appointment at Example Clinic has a new time", ["new@example.com"]),
        ("Your appointment at Example Clinic is in two days", ["new@example.com"]),
        ("Your appointment at Example Clinic is tomorrow", ["new@example.com"]),
    ]


def test_without_an_address_any_more_a_message_is_left_out(mailbox):
    asked = make.accepted()
    lifecycle.correct_contact(asked, email="", phone="(703) 555-0199", contact_by="phone", now=make.NOW)

    assert sent_at(mailbox, make.later(minutes=3)) == []
    assert ("accepted", "suppressed", "no address any more") in states(asked)


def test_a_message_is_sent_again_at_most_every_ten_minutes_and_a_failed_one_at_once(mailbox):
    asked, verify = make.submitted(), "Please confirm your request to Example Clinic"
    assert sent_at(mailbox, make.NOW) == [verify]

    messages.send_again(asked, "verify", now=make.later(minutes=9, seconds=59))
    assert sent_at(mailbox, make.later(minutes=9, seconds=59)) == []
    messages.send_again(asked, "verify", now=make.later(minutes=10))
    assert asked.messages.get().sent_at == make.NOW  # it has left once, and staff see that
    assert sent_at(mailbox, make.later(minutes=10)) == [verify]

    asked.messages.update(status="failed")
    messages.send_again(asked, "verify", now=make.later(minutes=11))
    assert sent_at(mailbox, make.later(minutes=11)) == [verify]
    # Each one that a person asked for is a new email: mailboxes drop what they have seen before.
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == 3


def test_what_waits_for_its_next_try_goes_at_once_where_somebody_asks(mailbox):
    asked = make.submitted()
    asked.messages.update(due_at=make.later(hours=8), claimed_at=make.NOW, attempts=7)

    messages.send_again(asked, "verify", now=make.later(hours=1))

    assert len(sent_at(mailbox, make.later(hours=1))) == 1

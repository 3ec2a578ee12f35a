"""Calendar files as other programs read them: `ical` is a second, independent parser."""

import re
from datetime import UTC, timedelta

import pytest
from ical.calendar_stream import IcsCalendarStream

from bookings import ical, lifecycle, messages, outbox
from tests import make

pytestmark = pytest.mark.django_db

WEDNESDAY_11 = make.WEDNESDAY_9 + timedelta(hours=2)


def read(file):
    """The method and the one event of a file, by the second parser."""
    calendar = IcsCalendarStream.calendar_from_ics(file.decode())
    [event] = calendar.events
    return calendar.method, event


def part_of(mail):
    """The calendar part of an email, its file as bytes, and its event."""
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    file = part.get_payload(decode=True)
    return part, *read(file)


def parts(mail):
    return [part.get_content_type() for part in mail.walk()]


def sent_after(mailbox, now):
    """What leaves once the grace is over."""
    before = len(mailbox.messages)
    outbox.deliver_due(now=now + messages.GRACE)
    return mailbox.messages[before:]


def moved(asked, now):
    room = asked.appointment.schedule
    choice = lifecycle.Choice(room.visit_types.get(), room.location, WEDNESDAY_11)
    return lifecycle.reschedule(asked, choice, now=now)


def test_a_visit_keeps_its_uid_from_invitation_to_move_to_cancel_and_its_sequence_rises(mailbox):
    asked = make.accepted()
    [booked] = sent_after(mailbox, make.NOW)
    moved(asked, make.later(hours=1))
    asked.refresh_from_db()
    [changed] = sent_after(mailbox, make.later(hours=1))
    lifecycle.cancel(asked, now=make.later(hours=2))
    [cancelled] = sent_after(mailbox, make.later(hours=2))

    seen = []
    for mail in (booked, changed, cancelled):
        part, method, event = part_of(mail)
        named = part["Content-Type"].params
        assert (named["method"], named["component"], named["charset"].upper()) == (method, "VEVENT", "UTF-8")
        assert parts(mail) == ["multipart/alternative", "text/plain", "text/html", "text/calendar"]
        seen.append((method, event.uid, event.sequence, event.status.value, event.dtstart, event.alarm))
    uid = str(asked.appointments.get().uid)
    assert seen == [
        ("REQUEST", uid, 0, "CONFIRMED", make.WEDNESDAY_9, []),
        ("REQUEST", uid, 1, "CONFIRMED", WEDNESDAY_11, []),
        ("CANCEL", uid, 2, "CANCELLED", WEDNESDAY_11, []),
    ]


def test_an_invitation_says_who_when_and_where_and_nothing_that_should_not_travel():
    visit = make.visit_type(name="Ketamine infusion")
    asked = make.accepted(make.schedule(visit=visit), phone="(703) 555-0199", note="canary", asked_by="Kim")

    file = ical.to_invite(asked.appointment, now=make.NOW)

    method, event = read(file)
    assert method == "REQUEST"
    assert (event.dtstamp, event.dtstart) == (make.NOW, make.WEDNESDAY_9)
    assert event.dtend - event.dtstart == timedelta(hours=1)
    assert re.findall(rb"DT(?:STAMP|START|END):(\S+)", file) == [
        b"20270310T140000Z",
        b"20270310T150000Z",
        b"20270308T170000Z",
    ]
    assert event.summary == "Appointment at Example Clinic"
    assert event.location == "Arlington, 1 Example Street, Arlington, VA 22201"
    assert event.description == "Questions? Call us: (703) 555-0142"
    assert (event.organizer.uri, event.organizer.common_name) == (
        "mailto:desk@clinic.example",
        "Example Clinic",
    )
    [guest] = event.attendees
    assert (guest.uri, guest.common_name, guest.status, guest.rsvp) == (
        "mailto:anh@example.com",
        None,
        "ACCEPTED",
        False,
    )
    assert event.classification.value == "PRIVATE"
    for canary in ("Ketamine", "canary", "Kim", "Nguy", "0199", "http", asked.reference):
        assert canary not in file.decode()


def test_a_cancellation_has_what_a_calendar_needs_to_remove_the_visit():
    asked = make.accepted()
    cancelled = lifecycle.cancel(asked, now=make.later(hours=1))

    method, event = read(ical.to_cancel(cancelled, now=make.later(hours=1)))

    assert (method, event.status.value, event.sequence) == ("CANCEL", "CANCELLED", 1)
    assert (event.organizer.uri, event.dtstamp.tzinfo) == ("mailto:desk@clinic.example", UTC)
    assert [guest.uri for guest in event.attendees] == ["mailto:anh@example.com"]
    assert (event.alarm, event.request_status) == ([], [])


def test_a_file_to_keep_invites_nobody_and_is_the_same_visit_each_time():
    appointment = make.accepted().appointment

    first, second = (ical.to_download(appointment, now=make.later(hours=hour)) for hour in (0, 1))

    assert (read(first)[0], read(first)[1].attendees) == ("PUBLISH", [])
    assert read(first)[1].organizer.uri == "mailto:desk@clinic.example"
    assert first.replace(b"DTSTAMP:20270308T170000Z", b"DTSTAMP:20270308T180000Z") == second


def test_a_visit_at_any_place_is_written_as_the_instant_it_is():
    abroad = make.location(time_zone="Pacific/Kiritimati")
    # 9 in the morning there, on the day after
    asked = make.accepted(make.schedule(abroad), starts_at=make.WEDNESDAY_9.replace(hour=19))

    file = ical.to_download(asked.appointment, now=asked.location.local(make.NOW))

    assert b"\r\nDTSTART:20270310T190000Z\r\n" in file and b"\r\nDTSTAMP:20270308T170000Z\r\n" in file


def test_lines_are_folded_by_octets_end_in_crlf_and_escape_what_means_something():
    name = "Łódź; “Å” \\ 東京, " + "Nguyễn" * 12
    place = make.location(name=name[:80])
    place.street = "1 Street\nDoor 2"
    place.save()
    asked = make.accepted(make.schedule(place))

    file = ical.to_invite(asked.appointment, now=make.NOW)

    assert max(len(line) for line in file.split(b"\r\n")) <= 75
    assert file.count(b"\n") == file.count(b"\r\n") == file.count(b"\r")
    assert read(file)[1].location == f"{place.name}, 1 Street\nDoor 2, Arlington, VA 22201"
    unfolded = file.replace(b"\r\n ", b"").decode()
    assert "LOCATION:Łódź\\; “Å” \\\\ 東京\\, Nguyễn" in unfolded and "1 Street\\nDoor 2" in unfolded


def test_the_file_arrives_byte_for_byte_whatever_letters_it_has(mailbox):
    asked = make.accepted(make.schedule(make.location(name="Łódź 東京" * 8)))

    outbox.deliver_due(now=make.NOW + messages.GRACE)

    [mail] = mailbox.messages
    part, _, _ = part_of(mail)
    assert part.get_payload(decode=True) == ical.to_invite(asked.appointment, now=make.NOW + messages.GRACE)


def test_the_same_message_again_is_the_same_visit_stamped_anew(mailbox):
    asked = make.accepted()
    [first] = sent_after(mailbox, make.NOW)
    messages.send_again(asked, "accepted", now=make.later(hours=1))
    [second] = sent_after(mailbox, make.later(hours=1))

    (_, _, before), (_, _, after) = part_of(first), part_of(second)

    assert (after.uid, after.sequence, after.dtstart) == (before.uid, before.sequence, before.dtstart)
    assert after.dtstamp - before.dtstamp == timedelta(hours=1)


def test_what_was_never_put_into_a_calendar_is_not_taken_out_of_it(mailbox):
    asked = make.accepted()
    lifecycle.cancel(asked, now=make.later(minutes=1))

    [mail] = sent_after(mailbox, make.later(minutes=1))

    assert mail["Subject"] == "Your appointment at Example Clinic is canceled"
    assert parts(mail) == ["multipart/alternative", "text/plain", "text/html"]


def test_an_invitation_sent_once_is_cancelled_even_where_it_was_about_to_be_sent_again(mailbox):
    asked = make.accepted()
    sent_after(mailbox, make.NOW)
    messages.send_again(asked, "accepted", now=make.later(hours=1))
    lifecycle.cancel(asked, now=make.later(hours=1))

    [mail] = sent_after(mailbox, make.later(hours=1))

    assert part_of(mail)[1] == "CANCEL"


def test_messages_that_book_nothing_carry_no_calendar_file(mailbox):
    asked = make.confirmed()
    mails = sent_after(mailbox, make.NOW)
    lifecycle.decline(asked, by=make.staff(), reason="no_time", now=make.later(hours=1))
    mails += sent_after(mailbox, make.later(hours=1))

    assert len(mails) == 3 and [part for mail in mails for part in parts(mail) if "calendar" in part] == []

"""Calendar files of a visit: RFC 5545 (the form), 5546 (what each METHOD carries), 6047 (by mail).

Whoever looks into the patient's calendar learns the time, the place and the clinic's phone number;
the kind of visit, the patient's name and links that open something stand nowhere. So a visit by
video has its place in words, and no CONFERENCE (RFC 7986 5.11).
"""

from datetime import UTC, datetime

from django.conf import settings
from django.utils.encoding import punycode
from icalendar import Calendar, Event, vCalAddress, vText

from bookings.models import Appointment

Status = Appointment.Status


def to_invite(appointment: Appointment, *, now: datetime) -> bytes:
    """What goes with the message that a visit is booked or moved: METHOD:REQUEST (RFC 5546 3.2.2).

    The same visit again has the same UID; calendars take the higher SEQUENCE, then the later DTSTAMP.
    """
    return _file(appointment, "REQUEST", invites=True, now=now)


def to_cancel(appointment: Appointment, *, now: datetime) -> bytes:
    """What takes a cancelled visit out of the calendar again: METHOD:CANCEL (RFC 5546 3.2.5)."""
    return _file(appointment, "CANCEL", invites=True, now=now)


def to_download(appointment: Appointment, *, now: datetime) -> bytes:
    """A file to keep, of a visit that is booked or has been: METHOD:PUBLISH, which asks nobody (3.2.1)."""
    return _file(appointment, "PUBLISH", invites=False, now=now)


def _file(appointment, method, *, invites, now):
    request, location = appointment.request, appointment.schedule.location
    clinic, mailbox = settings.CLINIC["name"], settings.CLINIC["mailbox"]
    event = Event()
    event.add("uid", str(appointment.uid))  # RFC 7986 5.3: the random UUID alone
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", f"Appointment at {clinic}")
    event.add("location", f"{location.name}, {location.address}")
    event.add("description", f"Questions? Call us: {location.phone}")
    event.add("status", "CANCELLED" if appointment.status == Status.CANCELLED else "CONFIRMED")
    event.add("class", "PRIVATE")  # who shares a calendar shows others only that the time is taken
    event.add("organizer", _mailbox(mailbox, cn=clinic))
    if invites:  # they asked for it themselves, so calendars need not ask them
        event.add("attendee", _mailbox(request.email, partstat="ACCEPTED", rsvp="FALSE"), encode=False)
    calendar = Calendar()
    calendar.add("prodid", f"-//{clinic}//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical()


def _mailbox(address, **parameters):
    local, _, domain = address.rpartition("@")
    mailbox = vCalAddress(f"mailto:{local}@{punycode(domain)}")  # a URI is ASCII (RFC 3986 2)
    for name, value in parameters.items():
        # Parameters have no escapes (RFC 5545 3.1), but calendars read a backslash as the start of one.
        mailbox.params[name.upper()] = vText(value.replace("\\", "/"))
    return mailbox

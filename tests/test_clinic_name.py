"""The clinic's name and address where machines read them, whatever stands in the name."""

import json
import re
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from django.core.exceptions import ImproperlyConfigured
from icalendar import Calendar

from bookings import messages, outbox
from tests import make
from tests.pages import make as pages
from tests.test_settings import PRODUCTION, made

NAMES = [
    "Potomac Migraine, PLLC",
    "Migraine: Care (Arlington)",
    'The "Quiet" Room',
    "Dr. O'Neil & Partners",
    "Clínica de la Migraña, S.A.",
    "Head; Ache @ Home",
    "<b>Care</b>",
    "Back\\slash\\",
    "x" * 200,
    "Ñandú, “Kopf” (Ärzte) " * 9 + "!",
    "偏頭痛クリニック",
    "عيادة الصداع, PLLC",
]


@pytest.fixture
def named(settings):
    """The settings of a clinic with this name and this address."""

    def name(name, email="desk@clinic.example"):
        found = made(DEMO="yes", CLINIC_NAME=name, CLINIC_EMAIL=email)
        settings.CLINIC, settings.SERVER_EMAIL = found.CLINIC, found.SERVER_EMAIL
        settings.DEFAULT_FROM_EMAIL = found.DEFAULT_FROM_EMAIL

    return name


def read(header):
    """A header as a mail program shows it (RFC 2047)."""
    return str(make_header(decode_header("".join(str(header).splitlines()))))


def invitation(mailbox):
    """The email that confirms a booked visit, and its calendar file."""
    make.accepted()
    outbox.deliver_due(now=make.NOW + messages.GRACE)
    mail = next(mail for mail in mailbox.messages if mail["Subject"].strip().startswith("Your appointment"))
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return mail, Calendar.from_ical(part.get_payload(decode=True))


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_a_clinic_of_any_name_can_send_mail_and_its_name_arrives_as_it_is(mailbox, named, client, name):
    named(name)

    mail, calendar = invitation(mailbox)

    raw = dict(mail.raw_items())
    shown, address = parseaddr("".join(str(raw["From"]).splitlines()))
    assert (read(shown), address) == (name, "desk@clinic.example")
    assert read(raw["Subject"]).strip() == f"Your appointment at {name}"
    assert re.fullmatch(r"<[0-9a-f-]{36}@clinic\.example>", mail["Message-ID"])
    assert name in " ".join(mail.get_body(("plain",)).get_content().split())
    [event] = calendar.walk("VEVENT")
    assert event["organizer"].params["CN"] == name.replace("\\", "/")  # calendars read it as an escape
    assert (event["organizer"], event["summary"]) == ("mailto:desk@clinic.example", f"Appointment at {name}")
    assert str(calendar["prodid"]) == f"-//{name}//Appointments//EN"
    pages.starter()
    script = re.search(
        r'<script type="application/ld\+json">(.*?)</script>', client.get("/light/").text, re.S
    )
    nodes = {node["@type"]: node for node in json.loads(script[1])["@graph"]}
    assert (nodes["MedicalClinic"]["name"], nodes["WebSite"]["name"]) == (name, name)


@pytest.mark.django_db
def test_addresses_whose_domains_are_not_ascii_are_spelled_as_mail_servers_read_them(mailbox, named, client):
    named("Clínica, PLLC", "desk@clínica.example")
    make.accepted(email="anh@bücher.example")
    make.submitted(email="", phone="(703) 555-0199", contact_by="phone")  # which staff are told of

    outbox.deliver_due(now=make.NOW + messages.GRACE)

    ours, theirs = "desk@xn--clnica-4va.example", "anh@xn--bcher-kva.example"
    assert {address for to in mailbox.recipients for address in to} == {ours, theirs}
    for mail in mailbox.messages:
        assert parseaddr(str(mail["From"]))[1] == ours
        assert mail["Message-ID"].endswith("@xn--clnica-4va.example>")
    [file] = [
        part.get_payload(decode=True)
        for mail in mailbox.messages
        for part in mail.walk()
        if part.get_content_type() == "text/calendar"
    ]
    [event] = Calendar.from_ical(file).walk("VEVENT")
    assert (event["organizer"], event["attendee"]) == (f"mailto:{ours}", f"mailto:{theirs}")
    assert f"Contact: mailto:{ours}\n" in client.get("/.well-known/security.txt").text


@pytest.mark.parametrize(
    "name", ["Two\nlines", "A\rB", "A\tB", "A\x1b[31mB", "A\u2028B", "A\x85B", "A\udcffB"]
)
def test_a_name_that_no_header_can_hold_stops_the_process_with_one_sentence(name):
    with pytest.raises(ImproperlyConfigured) as refusal:
        made(**{**PRODUCTION, "CLINIC_NAME": name})

    assert str(refusal.value) == "CLINIC_NAME must be one line of text, without control characters."


@pytest.mark.parametrize(
    "email",
    [
        "desk",
        "desk@",
        "a@b@clinic.example",
        "désk@clinic.example",
        "A <a@b.example>",
        "a@b.example, c@d.example",
    ],
)
def test_an_address_of_the_clinic_that_cannot_be_read_is_one_sentence(email):
    with pytest.raises(ImproperlyConfigured) as refusal:
        made(**{**PRODUCTION, "CLINIC_EMAIL": email})

    assert str(refusal.value) == "CLINIC_EMAIL cannot be read: it must look like desk@clinic.example."


def test_a_domain_that_would_become_somebody_elses_is_asked_for_in_ascii():
    with pytest.raises(ImproperlyConfigured, match="xn--"):
        made(**{**PRODUCTION, "CLINIC_EMAIL": "desk@straße.example"})

    assert made(**{**PRODUCTION, "CLINIC_EMAIL": "desk@xn--strae-oqa.example"}).CLINIC["mailbox"] == (
        "desk@xn--strae-oqa.example"
    )

"""Words that stand nowhere else go in everywhere: `uv run python -m tests.faults.canary`.

tests/bookings/test_canary.py asks the same of every table, every day; here it is real processes, what
they write to their logs and hand to a mail server, and what a dump of the database holds afterwards.
"""

import email
import email.policy
import re
import subprocess
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from bookings import lifecycle, links
from bookings.models import AppointmentRequest, Message
from clinic_site import database
from pages.models import Feedback
from tests import make
from tests.faults.patients import Browser
from tests.faults.stage import clinic, main, say, wait_until

CANARY = re.compile(r"qxzwv\w*|555\D{0,2}0143", re.IGNORECASE)
LIST = "/staff/bookings/appointmentrequest/"
ASK = "/request-an-appointment/"
YOU = {
    "patient_name": "Qxzwvname Doe",
    "asked_by": "Qxzwvasker Roe",
    "contact_by": "email",
    "email": "qxzwvmail@example.com",
    "phone": "(703) 555-0143",
    "may_leave_message": "on",
}
DAY = {"needs": "interpreter", "language": "Qxzwvlang", "note": "qxzwvnote"}


def flew(where, text):
    found = set(CANARY.findall(text))
    for word in found:
        at = text.index(word)
        say(f"    {where}: {text[max(0, at - 60) : at + 60]!r}")
    return found


class Person(Browser):
    """Somebody who fills in a form as it stands on a page."""

    def fill_in(self, address, *, on=None, **answers):
        page = self.once("GET", on or address)
        answer = self.once("POST", address, {**page.hidden(), **answers})
        assert answer.status in (200, 302, 303, 403, 404, 422), f"{address}: {answer.status}"
        return answer


def ask(patient, start):
    """The whole journey, with mistakes on the way; the address of its last page."""
    address = patient.fill_in(f"{ASK}who/", who="other").leads_to
    answers = {"visit": "visit", "where": "place", "start": start, **DAY}
    for _ in range(12):
        if address.endswith("/sent/"):
            return address
        if address.endswith("/you/"):
            patient.fill_in(address, **{**YOU, "email": "qxzwv@@wrong", "phone": "qxzwv"})
        address = patient.fill_in(address, **answers, **YOU).leads_to
    raise AssertionError(address)


def strangers(patient):
    """Whatever somebody without an account can type, besides."""
    patient.fill_in(f"{ASK}call/", patient_name="Qxzwvcaller", phone="(703) 555-0143")
    patient.once("GET", "/search/?q=qxzwvsearch")
    patient.fill_in("/feedback/migraine/", useful="no", comment="qxzwvcomment")
    patient.fill_in("/staff/login/", username="qxzwvuser", password="qxzwvpassword")
    patient.fill_in("/staff/reset/", email="qxzwvreset@example.com")
    patient.once("POST", f"{ASK}who/", {"who": "qxzwv\0"})
    patient.once("GET", "/nowhere/?q=qxzwvquery")


def send_all():
    """All messages that are owed leave now, whatever their time."""
    waiting = Message.objects.filter(status__in=["queued", "sending"])
    waiting.update(due_at=timezone.now() - timedelta(minutes=1))
    wait_until(lambda: not waiting.exists(), "mail waits")


def at_the_desk(staff, asked):
    def act(name, **given):
        asked.refresh_from_db()
        where = f"{LIST}{asked.pk}"
        answer = staff.fill_in(
            f"{where}/{name}/", on=f"{where}/change/", _seen=asked.version, _do="", **given
        )
        assert answer.status == 302, f"{name}: {answer.status}"

    staff.once("GET", f"{LIST}?q=qxzwvname")
    act("note", text="qxzwvstaff")
    act("phoned", outcome="reached", text="qxzwvcall")
    act("accept")
    send_all()
    act("contact", email="qxzwvother@example.com", phone="703 555 0143", contact_by="email")
    act("payment", pays_self="yes")
    act("cancel", reason="other")
    return act


def leaks():
    """What patients and staff write stands in no log, no mail, and after an erasure in no dump."""
    with clinic() as here:
        mails = []

        async def keep(server, session, envelope):
            mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 OK"

        here.mail.handle_DATA = keep
        make.staff("robin")
        call_command("load_pages", verbosity=0)
        journal = []
        patient, staff = Person(here.ports, journal), Person(here.ports, journal)
        ask(patient, next(here.starts).isoformat())
        strangers(Person(here.ports, journal))
        asked = AppointmentRequest.objects.get(email="qxzwvmail@example.com")
        confirm = links.url(asked, "confirm_request", now=timezone.now()).partition("8000")[2]
        send_all()
        patient.fill_in(confirm)
        send_all()
        staff.fill_in("/staff/login/", username="robin", password="a long password", next="/staff/")
        act = at_the_desk(staff, asked)
        Message.objects.update(due_at=timezone.now() - timedelta(minutes=1))
        wait_until(
            lambda: not Message.objects.filter(status__in=["queued", "sending"]).exists(), "mail waits"
        )
        kinds = set(Message.objects.filter(status="sent").values_list("kind", flat=True))
        act("erase")
        for other in AppointmentRequest.objects.exclude(pk=asked.pk):
            lifecycle.withdraw(other, now=timezone.now())
            other.refresh_from_db()
            lifecycle.erase(other, by=None, now=timezone.now())
        comments = Feedback.objects.filter(comment="qxzwvcomment").delete()[0]  # kept for a year, and said so
        where = database.PROGRAMS / "pg_dump"
        dump = subprocess.run(
            [where, "-h", here.folder, "-U", "postgres", "--data-only", "--inserts", "postgres"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for mail in mails:
            del mail["To"]
        texts = [part.get_content() for mail in mails for part in mail.walk() if not part.is_multipart()]
        # A calendar's entry names whom it invites: the address it was sent to.
        said = re.sub("mailto:[^\\s]+", "", "\n".join([*texts, *(str(mail.items()) for mail in mails)]))
        log = here.words_of_the_log()
        errors = [asked.answer for asked in journal if asked.answer in ("500", "503", "cut")]
        say(
            f"  {len(journal)} requests; {len(mails)} mails ({', '.join(sorted(kinds))}); "
            f"{len(log.splitlines())} lines of log; {len(dump.splitlines())} lines of dump"
        )
        return {
            "a log": flew("log", log),
            "a mail": flew("mail", said),
            "the database": flew("dump", dump),
            "a session": flew("session", str([one.get_decoded() for one in Session.objects.all()])),
            "an error": errors,
            "too little was done": len(mails) < 4 or "Traceback" in log or comments != 1,
        }


if __name__ == "__main__":
    main(leaks)

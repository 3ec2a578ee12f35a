"""Patients cancel while a slow mail server is handed their confirmations: `python -m tests.faults.slow_mail`.

A message is untrue when its text is written after the cancellation was committed. What was written before
may still arrive a moment after it.
"""

import logging
import random
import re
import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from bookings import lifecycle, messages, outbox
from bookings.models import AppointmentRequest, Location
from tests import make
from tests.faults.mail_away import server
from tests.faults.stage import clinic, main, say

PATIENTS = 200
GREETING, ANSWER = 0.2, 0.1  # seconds that the server takes for them, at most
# Each patient cancels within so many seconds from when their address was named: half of them before the
# text is written, half of them after.
WITHIN = ANSWER
A_MOMENT = 1  # second that a cancellation may take, on a machine that does all of this at once
logging.getLogger("clinic.messages").setLevel("ERROR")


def wait(at_most):
    time.sleep(random.uniform(0, at_most))  # noqa: S311


class SlowServer:
    """Takes its time for every answer; tells `at_recipient` of whom it is about to get a message."""

    def __init__(self, at_recipient):
        self.at_recipient, self.arrived = at_recipient, {}

    def talk(self, line):
        wait(GREETING)
        line.sendall(b"220 slow\r\n")
        recipient = None
        with line.makefile("rb") as said:
            while command := said.readline():
                wait(ANSWER)
                name = command[:4].upper()
                if name == b"RCPT":
                    recipient = re.search(rb"<(.*)>", command)[1].decode()
                    self.at_recipient(recipient)
                if name == b"DATA":
                    line.sendall(b"354 go on\r\n")
                    if not self.take(said, recipient):
                        return
                    wait(ANSWER)
                line.sendall(b"221 bye\r\n" if name == b"QUIT" else b"250 OK\r\n")

    def take(self, said, recipient):
        while text := said.readline():
            if text == b".\r\n":
                self.arrived[recipient] = time.monotonic()
                return True
        return False


@contextmanager
def noted(written):
    """Note when each text has been written, by recipient, in this process: only one message at a time is."""
    send = smtplib.SMTP.send

    def note(self, text):
        send(self, text)
        if text[-5:] in (b"\r\n.\r\n", "\r\n.\r\n"):
            written[re.search(r"(?m)^To: (.*?)\r?$", text.decode())[1]] = time.monotonic()

    with mock.patch.object(smtplib.SMTP, "send", note):
        yield


def confirmed_visits(where):
    """So many booked visits whose confirmations are due now."""
    place, by = Location.objects.get(), make.staff()
    then = timezone.now() - messages.GRACE
    for number, starts_at in zip(range(PATIENTS), where.starts, strict=False):
        asked = make.submitted(
            place.schedules.first(),
            starts_at=starts_at + timedelta(days=7),
            email=f"anh@p{number}.example",
            now=then,
        )
        lifecycle.accept(lifecycle.verify(asked, now=then), by=by, now=then)


def canceled_while_it_is_sent():
    """No confirmation is written to a slow mail server after its visit was canceled; no patient waits."""
    with clinic(web=0, workers=0) as here, ThreadPoolExecutor(8) as patients:
        confirmed_visits(here)
        canceled, written, took = {}, {}, []

        def cancel(email):
            wait(WITHIN)
            began = time.monotonic()
            try:
                lifecycle.cancel(AppointmentRequest.objects.get(email=email), now=timezone.now())
                canceled[email] = time.monotonic()
                took.append(canceled[email] - began)
            finally:
                connection.close()

        slow = SlowServer(lambda email: email in canceled or patients.submit(cancel, email))
        with (
            noted(written),
            server(slow.talk) as port,
            override_settings(
                EMAIL_BACKEND="clinic_site.mail.Backend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port
            ),
        ):
            while outbox.deliver_due(now=timezone.now(), clock=timezone.now):
                pass
        patients.shutdown()
    late = [written[email] - at for email, at in canceled.items() if written.get(email, at) > at]
    arrived = [slow.arrived[email] - at for email, at in canceled.items() if slow.arrived.get(email, at) > at]
    took.sort()
    say(f"  {len(canceled)} canceled; the server had {len(slow.arrived)} of their confirmations")
    say(f"  written after the commit: {_said(late)}; arrived after it: {_said(arrived)}")
    say(f"  to cancel took {took[len(took) // 2] * 1000:.0f} ms, {took[-1] * 1000:.0f} at most")
    return {"a message left after its visit was canceled": late, "a patient waited": took[-1] > A_MOMENT}


def _said(seconds):
    return f"{len(seconds)} (by {max(seconds) * 1000:.1f} ms at most)" if seconds else "none"


if __name__ == "__main__":
    main(canceled_while_it_is_sent)

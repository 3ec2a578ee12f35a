"""The mail server is in trouble for a day: `uv run python -m tests.faults.mail_away`.

The day passes by the clock that is handed to the messages, a minute at a time.
"""

import logging
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from django.test.utils import override_settings
from django.utils import timezone

from bookings import lifecycle, outbox
from bookings.models import Location, Message
from tests.faults.stage import clinic, free_port, main, say

PATIENTS = 5
HOUR = 60  # minutes
logging.getLogger("clinic.messages").setLevel("ERROR")


@contextmanager
def server(talk):
    """A server that does this with each connection; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[listening.accept()[0]], daemon=True).start()

        def answer(line):
            with line, suppress(OSError):
                talk(line)

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def say_nothing(line):
    line.recv(1)
    time.sleep(5)


def drip(line):
    while True:
        line.send(b"2")
        time.sleep(0.02)


class CameTo(NamedTuple):
    status: str
    attempts: int
    took: int  # minutes from the first attempt to the last
    copies: int
    told: int  # how often staff were told


def _days(port, mail, *, trouble_for, hours=30):
    """So many patients, and a server in trouble for so many minutes; what their messages came to."""
    place, now = Location.objects.get(), timezone.now()
    asked = [
        lifecycle.submit(
            submission=uuid.uuid4(),
            location=place,
            patient_name="A Patient",
            contact_by="email",
            email=f"anh@{uuid.uuid4().hex}.example",
            asks_for="call",
            now=now,
        )
        for _ in range(PATIENTS)
    ]
    tried = {request.messages.get().pk: set() for request in asked}
    for minute in range(hours * HOUR):
        with override_settings(EMAIL_PORT=port if minute < trouble_for else mail.port):
            outbox.deliver_due(now=now + timedelta(minutes=minute))
        for message in Message.objects.filter(pk__in=tried, claimed_at=now + timedelta(minutes=minute)):
            tried[message.pk].add(minute)
    return [
        CameTo(
            message.status,
            message.attempts,
            max(tried[message.pk]) - min(tried[message.pk]),
            mail.arrived[message.message_id],
            message.request.messages.filter(kind="staff_failed").count(),
        )
        for message in Message.objects.filter(pk__in=tried)
    ]


TROUBLE = {
    "refuses": None,
    "says nothing": say_nothing,
    "drips": drip,
    "451": "451 later",
    "554": "554 never",
}


def _with(kind, **how):
    with (
        clinic(web=0, workers=0) as here,
        override_settings(
            EMAIL_BACKEND="clinic_site.mail.Backend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_TIMEOUT=0.1,
            EMAIL_AT_MOST=0.2,
        ),
    ):
        found = {}
        for name, trouble in TROUBLE.items():
            if name not in kind:
                continue
            if callable(trouble):
                with server(trouble) as port:
                    found[name] = _days(port, here.mail, **how)
            elif trouble:
                bad = type(here.mail)()
                bad.answer = trouble
                bad.server.start()
                found[name] = _days(bad.port, here.mail, **how)
                bad.server.stop()
            else:
                found[name] = _days(free_port(), here.mail, **how)
            say(f"  {name}: {', '.join(map(str, set(found[name])))}")
        return found


def half_a_day():
    """A mail server in trouble for 12 hours, whatever its kind, delays messages and doubles none."""
    found = _with(["refuses", "says nothing", "drips", "451"], trouble_for=12 * HOUR)
    return {
        kind: [one for one in came if (one.status, one.copies, one.told) != ("sent", 1, 0)]
        for kind, came in found.items()
    }


def a_day():
    """After a day of tries with growing waits a message is given up, and staff are told once to phone."""
    found = _with(["refuses", "451"], trouble_for=28 * HOUR)
    return {
        kind: [
            one
            for one in came
            if one[:2] != ("failed", 9) or not 23 * HOUR < one.took < 26 * HOUR or one[3:] != (0, 1)
        ]
        for kind, came in found.items()
    }


def refused_for_good():
    """A refusal for good is not tried again: staff are told at once."""
    found = _with(["554"], trouble_for=HOUR, hours=2)
    return {"554": [one for one in found["554"] if one != ("failed", 1, 0, 0, 1)]}


if __name__ == "__main__":
    main(half_a_day, a_day, refused_for_good)

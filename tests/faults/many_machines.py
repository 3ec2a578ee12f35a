"""Kill one of each while patients book: `uv run python -m tests.faults.many_machines --seconds 60`.

The site runs as `deploy/` has it: nginx with https, two web servers, PgBouncer, two workers, PostgreSQL.
Patients read pages and book whole visits: all questions, the link in the email, the button behind it.
Meanwhile one of each is killed and started again as its unit says. Nothing that was promised may be
missing or stand twice, and an error may come only to who was being served by what was killed, or
while the only one of its kind was away. Needs nginx, pgbouncer and openssl.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psycopg
from django.db import connection
from django.utils import timezone

from bookings.models import Appointment, AppointmentRequest, Message
from tests.faults.machines import PATIENCE, Patients, Site, listens, say, wait_until

A_MOMENT = 0.5  # seconds in which what is being handed over may be handed over once more
OVERLAPS = """
    SELECT count(*) FROM bookings_appointment a JOIN bookings_appointment b
    ON a.schedule_id = b.schedule_id AND a.id < b.id AND a.occupied && b.occupied
    WHERE a.status IN ('pending', 'booked', 'arrived') AND b.status IN ('pending', 'booked', 'arrived')
"""


class Fault(NamedTuple):
    """What was done, when it was away (seconds of the monotonic clock), and to whom an error may come.

    Until it is gone the port of a killed process takes what is sent to it: that is in flight too.
    """

    name: str
    began: float
    gone: float
    ended: float
    may_fail: str  # "nobody", "in flight" at its beginning, or "while away"

    def excuses(self, answer):
        last = {"nobody": -1, "in flight": self.gone, "while away": self.ended}[self.may_fail]
        return answer.began <= last and answer.ended >= self.began


def do(name, may_fail, act, is_back, is_gone=lambda: True):
    """One fault; returns once all is well again."""
    began = time.monotonic()
    act()
    wait_until(is_gone, f"{name}: it did not go")
    gone = time.monotonic()
    wait_until(is_back, f"{name}: it did not come back")
    return Fault(name, began, gone, time.monotonic(), may_fail)


def faults(site):
    """Each as a function to call."""

    def killing(name, may_fail, port=None, how=signal.SIGKILL):
        def act():
            nonlocal before
            before = site.running[name].pid
            os.killpg(before, how)

        def is_back():
            return site.running[name].pid != before and (port is None or listens(site.ports[port]))

        def is_gone():
            return port is None or not listens(site.ports[port])

        before = None
        word = "killed" if how == signal.SIGKILL else "ended for a new version"
        return lambda: do(f"{name} {word}", may_fail, act, is_back, is_gone)

    def crash():
        site.stop_postgres()
        site.start_postgres()

    def answers():
        with suppress(psycopg.Error), psycopg.connect(site.url("clinic_app", "pgbouncer")) as line:
            return line.execute("SELECT 1").fetchone() == (1,)
        return False

    def reload():
        site.running["nginx"].send_signal(signal.SIGHUP)

    return [
        killing("web 1", "in flight", "web 1"),
        killing("worker 1", "nobody"),
        killing("pgbouncer", "while away", "pgbouncer"),
        lambda: do("nginx reloaded", "nobody", reload, lambda: listens(site.ports["https"])),
        lambda: do("PostgreSQL crashed", "while away", crash, answers),
        killing("web 2", "nobody", "web 2", signal.SIGTERM),
        killing("nginx", "while away", "https"),
    ]


def run(site, seconds):
    """Patients for so long, and all faults in it; returns whether all promises held."""
    patients, done = Patients(site), []
    began = time.monotonic()
    with patients.at_work():
        planned = faults(site)
        for number, fault in enumerate(planned, 1):
            time.sleep(max(0, began + number * seconds / (len(planned) + 1) - time.monotonic()))
            done.append(fault())
        time.sleep(max(0, began + seconds - time.monotonic()))
    took = time.monotonic() - began
    connection.close()  # ours was cut as well
    due = Message.objects.filter(status__in=["queued", "sending"], due_at__lte=timezone.now())
    with suppress(AssertionError):
        wait_until(lambda: not due.exists(), "")
    return judge(site, patients, done, took=took, waiting=due.count())


def judge(site, patients, done, *, took, waiting):
    """Say what came of it; returns whether all promises held."""
    journal, stored = patients.journal, Counter(AppointmentRequest.objects.values_list("email", flat=True))
    errors = [answer for answer in journal if answer.is_error]
    for fault in done:
        met = [answer for answer in errors if fault.excuses(answer)]
        say(
            f"  {fault.name}: gone after {fault.gone - fault.began:.2f} s, back after "
            f"{fault.ended - fault.began:.1f} s; errors {len(met)}, "
            f"where they may come to {'those ' if fault.may_fail != 'nobody' else ''}{fault.may_fail}"
        )
    stray = [answer for answer in errors if not any(fault.excuses(answer) for fault in done)]
    slow = max(answer.ended - answer.began for answer in journal)
    say(
        f"  {len(journal)} requests over https in {took:.0f} s ({len(journal) / took:.0f} a second), "
        f"slowest {slow:.1f} s; errors {len(errors)}, of them beside every fault {len(stray)}"
    )
    for answer in stray[:5]:
        say(
            f"    {answer.asked}: {answer.status}, {answer.began - done[0].began:+.1f} s from the first fault"
        )
    confirmed = set(
        AppointmentRequest.objects.filter(verified_at__isnull=False).values_list("email", flat=True)
    )
    missing, unconfirmed = patients.acknowledged - set(stored), patients.confirmed - confirmed
    doubled = [email for email, number in stored.items() if number > 1]
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        [overlaps] = cursor.fetchone()
    unheld = confirmed - set(
        Appointment.objects.filter(status="pending").values_list("request__email", flat=True)
    )
    say(
        f"  bookings said to be received {len(patients.acknowledged)}, stored {len(stored)}, missing "
        f"{len(missing)}, twice {len(doubled)}; said to be confirmed {len(patients.confirmed)}, not so "
        f"{len(unconfirmed)}; confirmed without their time {len(unheld)}; times taken twice {overlaps}; "
        f"patients who did not get through {len(patients.astray)}"
    )
    for words in patients.astray[:3]:
        say(f"    {words}")
    copies = Counter(name for name, _ in site.mail.arrived)
    first = dict(reversed(site.mail.arrived))
    senders = [fault for fault in done if "worker" in fault.name or "PostgreSQL" in fault.name]
    # Between the mail server's yes and our note of it something was killed: it is sent again, or not at
    # all where the patient has followed its link meanwhile.
    excused = {
        name for name, at in first.items() if any(f.began - A_MOMENT <= at <= f.ended for f in senders)
    }
    sent = set(Message.objects.filter(status="sent").values_list("message_id", flat=True))
    twice = {name for name, number in copies.items() if number > 1}
    lost, unnoted = sent - set(copies), set(copies) - sent
    say(
        f"  messages sent {len(sent)}, lost {len(lost)}, still due {waiting}; twice {len(twice)} and "
        f"not noted {len(unnoted)}, of them beside a kill {len((twice | unnoted) - excused)}"
    )
    logs = "".join(path.read_text(errors="replace") for path in site.folder.glob("*.log"))
    leaked = [link for link in site.mail.links.values() if link in logs]
    say(f"  links that open a patient's page in the logs: {len(leaked)} of {len(site.mail.links)}")
    enough = len(patients.confirmed) >= took / PATIENCE * 10
    wrong = [stray, missing, unconfirmed, doubled, unheld, overlaps, patients.astray, lost, leaked]
    return enough and not any([*wrong, waiting, (twice | unnoted) - excused])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="clinic-machines-"))
    folder.chmod(0o755)  # PostgreSQL and PgBouncer run as another where we are root
    site = Site(folder)
    try:
        site.open()
        held = run(site, seconds)
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)
    say("held" if held else "BROKEN")
    sys.exit(not held)


if __name__ == "__main__":
    main()

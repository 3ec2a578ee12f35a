"""Kill workers while they send: `uv run python -m tests.faults.worker_killed --kills 30`.

Two real workers share a real queue and hand messages to a real SMTP server each; whichever sends is
killed (SIGKILL) at a random instant meanwhile, and started again. Afterwards every message
that was owed must have been sent, and one may have arrived twice only where the first copy was the
last thing that its worker handed over before it was killed. Anything else ends with an error.
"""

import argparse
import asyncio
import email
import os
import queue
import random
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Message
from clinic_site import database
from tests import make

DATABASE = "test_faults"
OWED_FOR_EACH_KILL = 12
PATIENCE = 60  # seconds for what must happen at some time
chance = random.SystemRandom()


class Worker:
    """A worker process and the mail server that only it talks to."""

    def __init__(self, sending):
        """`sending` is the queue into which it puts itself when it says hello to the mail server."""
        self.sending, self.life = sending, 0
        self.arrived = []  # in which of the worker's lives, and which Message-ID
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.server = Controller(self, hostname="127.0.0.1", port=port)
        self.server.start()
        where = {
            name: connection.settings_dict[name.upper()] for name in ("host", "port", "user", "password")
        }
        where = urlencode({name: value for name, value in where.items() if value})
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "clinic_site.settings",
            "DATABASE_URL": f"postgresql:///{DATABASE}?{where}",
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        }

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.sending.put(self)
        return responses

    async def handle_DATA(self, server, session, envelope):
        life = self.life
        await asyncio.sleep(chance.uniform(0, 0.02))
        self.arrived.append((life, email.message_from_bytes(envelope.content)["Message-ID"]))
        await asyncio.sleep(chance.uniform(0, 0.02))
        return "250 OK"

    def start(self):
        self.life += 1
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "procrastinate", "worker"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self):
        self.process.kill()
        self.process.wait()


def owe(place, number):
    """So many requests, whose senders are owed a message each."""
    for _ in range(number):
        lifecycle.submit(
            submission=uuid.uuid4(),
            location=place,
            patient_name="A Patient",
            contact_by="email",
            email=f"anh@{uuid.uuid4().hex}.example",
            asks_for="call",
            now=timezone.now(),
        )


def run(kills):
    """Kill so often, let the workers finish; returns whether all promises held."""
    sending, place = queue.Queue(), make.location()
    workers = [Worker(sending), Worker(sending)]
    try:
        for worker in workers:
            worker.start()
        for _ in range(kills):
            with transaction.atomic():  # all at once, so that there is enough to send while it is killed
                owe(place, OWED_FOR_EACH_KILL)
                with sending.mutex:
                    sending.queue.clear()
            victim = sending.get(timeout=PATIENCE)
            time.sleep(chance.uniform(0, 0.3))
            victim.kill()
            victim.start()
        ended = time.monotonic()
        waiting = Message.objects.filter(status__in=["queued", "sending"])
        while waiting.exists() and time.monotonic() < ended + PATIENCE:
            time.sleep(0.2)
        recovered = time.monotonic() - ended
    finally:
        for worker in workers:
            worker.kill()
            worker.server.stop()
    return judge(workers, kills=kills, recovered=recovered)


def judge(workers, *, kills, recovered):
    """Say what came of it; returns whether all promises held."""
    owed = set(Message.objects.values_list("message_id", flat=True))
    sent = Message.objects.filter(status="sent").count()
    copies = Counter(name for worker in workers for _, name in worker.arrived)
    lost, doubled = owed - set(copies), {name for name, number in copies.items() if number > 1}
    excused = Counter()  # the last that a worker handed over in a life that ended by a kill
    for worker in workers:
        last = dict(worker.arrived)
        excused.update(name for life, name in last.items() if life < worker.life)
    wrong = {name for name in doubled if copies[name] - excused[name] > 1}
    sys.stdout.write(
        f"{kills} kills: {len(owed)} owed, {sent} sent, {len(lost)} lost, {len(doubled - wrong)} doubled "
        f"by a worker killed between the server's yes and our note of it, {len(wrong)} doubled otherwise; "
        f"all done {recovered:.0f} s after the last kill\n"
    )
    return sent == len(owed) and not lost and not wrong and set(copies) == owed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    kills = parser.parse_args().kills
    is_ours = "DATABASE_URL" not in os.environ
    if is_ours:
        database.start(settings.POSTGRES_DIR)
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        held = run(kills)
    finally:
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)
        if is_ours:
            database.stop(settings.POSTGRES_DIR)
    sys.exit(not held)


if __name__ == "__main__":
    main()

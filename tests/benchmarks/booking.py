"""What asking for an appointment costs: `uv run python -m tests.benchmarks.booking`.

Whole journeys through all pages with 1, 8 and 32 patients at once, over HTTP to one web process,
beside plain INSERTs of one row by as many threads in the same run; then fifty people at once on one
time, beside fifty at once on fifty times, in this process. Ends with 1 where a promise is broken.
"""

import re
import statistics
import sys
import threading
import uuid
from contextlib import suppress
from datetime import time
from functools import partial
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from time import perf_counter
from urllib.parse import urlencode

from tests.benchmarks.scratch import scratch_database, web_server  # first: it sets Django up

# isort: split
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from bookings import availability, lifecycle
from bookings.models import Appointment, AppointmentRequest
from tests import make
from tests.benchmarks.table import Row, show

AT_ONCE = [1, 8, 32]
JOURNEYS = 64
RUNS = 15  # journeys alone
PAGE_MS, SUBMIT_MS = 50, 80
ANSWERS = {
    "who": "me",
    "visit": "visit",
    "where": "place",
    "patient_name": "Nguyễn Thị Ánh",
    "contact_by": "email",
}


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_booking"):
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE plain (id bigserial PRIMARY KEY, words text, at timestamptz DEFAULT now())"
            )
        yield from measure()


def measure():
    rooms = [make.schedule(visit=make.visit_type(slug="visit", step_minutes=60), name="Room 1")]
    place, visit = rooms[0].location, rooms[0].visit_types.get()
    place.slug = "place"
    place.save()
    place.opening_hours.update(opens=time(0), closes=time(23, 59))
    rooms += [make.schedule(place, visit, f"Room {number}") for number in range(2, 5)]
    now = timezone.now()
    today = place.local(now).date()
    free = iter(
        slot.starts_at
        for slot in availability.free_slots(visit, place, today, 40, now=now)
        for _ in range(slot.schedules)
    )
    with web_server("tests.benchmarks.unguarded:application") as port:
        for count in AT_ONCE:
            inserts = rate(insert_one, count, 50 * JOURNEYS, [None] * 50 * JOURNEYS)
            starts = [next(free) for _ in range(JOURNEYS)]
            journeys = rate(partial(journey, port), count, JOURNEYS, starts)
            yield Row(f"whole journeys, {count} at once", journeys, "/s", inserts, "INSERTs of a row")
        took = alone(port, [next(free) for _ in range(RUNS)])
    page = max((name for name in took if name.startswith("GET")), key=took.get)
    yield Row(f"slowest page of a journey ({page})", took[page], "ms", most=PAGE_MS)
    yield Row("sending a request, with its transaction", took["POST check"], "ms", most=SUBMIT_MS)
    asked = AppointmentRequest.objects.filter(is_suspect=False, appointments__status="pending")
    assert asked.count() == len(AT_ONCE) * JOURNEYS + RUNS, "each patient holds the time they chose"
    apart = rate(lambda start: submit(rooms[0], start), 50, 50, [next(free) for _ in range(50)])
    wanted = next(free)
    one = rate(lambda _: submit(rooms[0], wanted), 50, 50, [None] * 50)
    taken = Appointment.objects.filter(period__startswith=wanted).count()
    assert taken == len(rooms), f"{taken} visits at one time in {len(rooms)} rooms"
    yield Row("fifty people at one time", one, "/s", apart, "at fifty times")


def rate(act, threads, count, arguments):
    """How many of `count` acts a second, by so many threads that start at one instant."""
    waiting, lock, barrier = iter(arguments), threading.Lock(), threading.Barrier(threads + 1)

    def work():
        barrier.wait()
        while True:
            with lock:
                argument = next(waiting, barrier)
            if argument is barrier:
                connection.close()
                return
            act(argument)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    begin = perf_counter()
    for worker in workers:
        worker.join()
    return count / (perf_counter() - begin)


def journey(port, start):
    """One patient, from the first question to the page that says it was sent."""
    patient = Patient(port)
    address = reverse("request_first_step")
    answers = {**ANSWERS, "start": start.isoformat(), "email": f"anh@{uuid.uuid4().hex}.example"}
    while not address.endswith("/sent/"):
        _, page = patient.ask("GET", address)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        address, page = patient.ask("POST", address, {**answers, **hidden})
        assert address, page
    assert "sent" in patient.ask("GET", address)[1]
    return patient.took


def alone(port, starts):
    """The milliseconds of each page and answer of a journey, like "GET when": the middle of some journeys."""
    journeys = [journey(port, start) for start in starts]
    return {name: statistics.median(took[name] for took in journeys) for name in journeys[0]}


class Patient:
    """A browser without pictures: one connection, and the cookies it was given."""

    def __init__(self, port):
        self.connection = HTTPConnection("127.0.0.1", port)
        self.cookies = SimpleCookie()
        self.took = {}

    def ask(self, method, address, answers=None):
        """Where the answer leads, if it leads on, and its words."""
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = None if answers is None else urlencode(answers)
        begin = perf_counter()
        self.connection.request(method, address, body, {"Cookie": cookies, **(form if body else {})})
        response = self.connection.getresponse()
        words = response.read().decode()
        self.took[f"{method} {address.strip('/').rpartition('/')[2]}"] = 1000 * (perf_counter() - begin)
        assert response.status in (200, 302), words
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return response.headers["Location"], words


def submit(room, start):
    with suppress(lifecycle.TimeGone):
        make.submitted(room, starts_at=start, now=timezone.now(), email=f"anh@{uuid.uuid4().hex}.example")


def insert_one(_):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO plain (words) VALUES (%s)", ["as long as a name and an address"])


if __name__ == "__main__":
    sys.exit(show(figures()))

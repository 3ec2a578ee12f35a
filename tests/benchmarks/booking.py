"""What asking for an appointment costs: `uv run python -m tests.benchmarks.booking`.

Whole journeys through all pages with 1, 8 and 32 patients at once, in one process, beside plain
INSERTs of one row by as many threads in the same run; then fifty people at once on one time, beside
fifty at once on fifty times.
"""

import threading
import uuid
from contextlib import suppress
from datetime import time
from time import perf_counter

from tests.benchmarks.scratch import say, scratch_database  # first: it sets Django up

# isort: split
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import availability, lifecycle
from bookings.models import Appointment, AppointmentRequest
from tests import make

AT_ONCE = [1, 8, 32]
JOURNEYS = 64
ANSWERS = {
    "who": "me",
    "visit": "visit",
    "where": "place",
    "patient_name": "Nguyễn Thị Ánh",
    "contact_by": "email",
}


def main():
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
    say(f"{'figure':<34}{'at once':>8}{'a second':>10}{'INSERTs a second':>18}{'ratio':>8}")
    for count in AT_ONCE:
        inserts = rate(insert_one, count, 50 * JOURNEYS, [None] * 50 * JOURNEYS)
        starts = [next(free) for _ in range(JOURNEYS)]
        journeys = rate(journey, count, JOURNEYS, starts)
        say(f"{'whole journeys':<34}{count:>8}{journeys:>10.1f}{inserts:>18.0f}{inserts / journeys:>8.0f}")
    assert AppointmentRequest.objects.count() == len(AT_ONCE) * JOURNEYS
    apart = rate(lambda start: submit(rooms[0], start), 50, 50, [next(free) for _ in range(50)])
    wanted = next(free)
    one = rate(lambda _: submit(rooms[0], wanted), 50, 50, [None] * 50)
    say(f"{'fifty people, fifty times':<34}{50:>8}{apart:>10.1f}")
    say(f"{'fifty people, one time':<34}{50:>8}{one:>10.1f}{'':>18}{apart / one:>8.2f}")
    taken = Appointment.objects.filter(period__startswith=wanted).count()
    say(f"Visits at that one time: {taken}, in {len(rooms)} rooms.")


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


def journey(start):
    """One patient, from the first question to the page that says it was sent."""
    client = Client()
    address = reverse("request_first_step")
    answers = {**ANSWERS, "start": start.isoformat(), "email": f"{uuid.uuid4()}@example.com"}
    while not address.endswith("/sent/"):
        page = client.get(address)
        # The stamp of the form goes back as a browser would send it.
        stamp = page.context["form"].initial if "form" in page.context else {}
        response = client.post(address, {**answers, **(stamp or {})})
        assert response.status_code == 302, response.content.decode()
        address = response.url
    assert client.get(address).status_code == 200


def submit(room, start):
    with suppress(lifecycle.TimeGone):
        make.submitted(room, starts_at=start, now=timezone.now(), email=f"{uuid.uuid4()}@example.com")


def insert_one(_):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO plain (words) VALUES (%s)", ["as long as a name and an address"])


if __name__ == "__main__":
    with scratch_database("benchmark_booking"):
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE plain (id bigserial PRIMARY KEY, words text, at timestamptz DEFAULT now())"
            )
        main()

"""Managers save a location while patients book there: `uv run python -m tests.faults.setting_up`."""

import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Location, Schedule
from tests import make
from tests.bookings.test_setting_up_while_patients_book import filled
from tests.faults.stage import clinic, connect, main, say

MANAGERS, SAVES, PATIENTS = 2, 30, 4


def ask_until(is_over, room):
    """Ask for one time after the other, as the website does; all taken chairs are locked on the way."""
    number, now = 0, timezone.now()
    while not is_over.is_set():
        number += 1
        with suppress(lifecycle.Refused):
            email = f"anh@p{threading.get_ident()}-{number}.example"
            make.submitted(room, starts_at=next_start(now, number), email=email, now=timezone.now())
    connection.close()


def next_start(now, number):
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(days=3, hours=number % 400)


def save(user, place, number, answers):
    """Rename the chairs, again and again, in the form that a browser would send."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    address = f"/staff/bookings/location/{place.pk}/change/"
    for again in range(SAVES):
        sent = filled(client, address)
        for name in [name for name in sent if name.startswith("schedules-") and name.endswith("-name")]:
            sent[name] = f"{sent[name].split(',')[0]}, {number}.{again}"
        began = time.monotonic()
        answer = client.post(address, sent)
        answers.append((answer.status_code, time.monotonic() - began))
    connection.close()


def deadlocks():
    with connect() as other:
        return other.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()[0]


def a_location_is_saved_while_patients_book():
    """No manager is turned away and nobody waits in a circle, whatever patients take meanwhile."""
    with clinic(web=0, workers=0):
        place, answers, is_over = Location.objects.get(), [], threading.Event()
        for position, chair in enumerate(Schedule.objects.order_by("-pk")):
            Schedule.objects.filter(pk=chair.pk).update(position=position)  # not in the order of keys
        room, before = place.schedules.first(), deadlocks()
        patients = [threading.Thread(target=ask_until, args=[is_over, room]) for _ in range(PATIENTS)]
        users = [make.staff(f"manager{number}") for number in range(MANAGERS)]
        managers = [
            threading.Thread(target=save, args=[user, place, number, answers])
            for number, user in enumerate(users)
        ]
        for thread in (*patients, *managers):
            thread.start()
        for thread in managers:
            thread.join()
        is_over.set()
        for thread in patients:
            thread.join()
        time.sleep(1)  # until Postgres has counted
        found = deadlocks() - before
        asked = place.appointmentrequest_set.count()
    codes = dict(Counter(code for code, _ in answers))
    slowest = max(took for _, took in answers)
    say(
        f"  {len(answers)} saves beside {asked} requests: {codes}, {slowest:.1f} s at most; {found} deadlocks"
    )
    return {"a save was turned away": set(codes) - {302}, "two waited for each other": found}


if __name__ == "__main__":
    setup_test_environment()  # so that a page tells what it was made of
    main(a_location_is_saved_while_patients_book)

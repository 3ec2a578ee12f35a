"""What an exact count costs: run `python -m tests.benchmarks.shield`.

Eight connections at once count on one key for a second, below its limit and over it as in a flood,
and insert plain rows into the same table: the least that any count in Postgres could cost. Every
write is made durable, as in production; the middle of five rounds is printed. Those below the limit
must wait for each other, and the inserts share their flushes. It ends with 1 where a count was not
exact, is less than a fifth as quick as an insert, or, over the limit, not quicker.
"""

import os
import statistics
import sys
import threading
import uuid
from datetime import timedelta
from time import perf_counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from bookings import shield  # noqa: E402
from bookings.models import Tally  # noqa: E402
from clinic_site import database  # noqa: E402

CONNECTIONS, ROUNDS, SECONDS = 8, 5, 1
PROMISED = {"count, below the limit": 0.2, "count, over it": 1}
BELOW, OVER = 10_000_000, 5
NOW = timezone.now()


def count_below():
    return shield.count("below", BELOW, timedelta(hours=1), now=NOW)


def count_over():
    return shield.count("over", OVER, timedelta(hours=1), now=NOW)


def insert():
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bookings_tally VALUES (%s, 1, %s)", [uuid.uuid4().hex, NOW])
        return True


def per_second(act):
    """How often a second all connections together could do it, and how often it was told True."""
    done, told, barrier = [], [], threading.Barrier(CONNECTIONS)

    def run():
        connection.ensure_connection()
        barrier.wait(10)
        end, times, true = perf_counter() + SECONDS, 0, 0
        while perf_counter() < end:
            true += act()
            times += 1
        done.append(times)
        told.append(true)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS, sum(told)


def say(line):
    print(line, flush=True)  # noqa: T201


def main():
    figures = {"plain insert": insert, "count, below the limit": count_below, "count, over it": count_over}
    speeds, told = {name: [] for name in figures}, dict.fromkeys(figures, 0)
    for _ in range(ROUNDS):
        for name, act in figures.items():
            speed, true = per_second(act)
            speeds[name].append(speed)
            told[name] += true
    reference = statistics.median(speeds["plain insert"])
    say(f"{'one hot key, 8 connections':<28}{'a second':>10}{'of a plain insert':>20}{'let through':>13}")
    for name, measured in speeds.items():
        speed = statistics.median(measured)
        say(f"{name:<28}{speed:>10,.0f}{speed / reference:>20.2f}{told[name]:>13,}")
    counted = Tally.objects.order_by("-hits").values_list("hits", flat=True)[0]
    exact = (told["count, over it"], told["count, below the limit"]) == (OVER, counted)
    kept = exact and all(
        statistics.median(speeds[name]) >= ratio * reference for name, ratio in PROMISED.items()
    )
    say(f"Promise: exact, at least 0.2 of a plain insert, over the limit 1. {'Kept' if kept else 'BROKEN'}.")
    return int(not kept)


if __name__ == "__main__":
    runs_already = "DATABASE_URL" in os.environ or database.is_running(settings.POSTGRES_DIR)
    if not runs_already:
        database.start(settings.POSTGRES_DIR)
    connection.settings_dict["TEST"]["NAME"] = "benchmark_shield"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        sys.exit(main())
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        if not runs_already:
            database.stop(settings.POSTGRES_DIR)

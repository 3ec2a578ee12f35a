"""What an exact count costs: run `python -m tests.benchmarks.shield`.

Eight connections at once count on one key for a second, below its limit and over it as in a flood,
and insert plain rows into the same table: the least that any count in Postgres could cost. Every
write is made durable, as in production; the middle of five rounds is printed. Those below the limit
must wait for each other, and the inserts share their flushes. It ends with 1 where a count was not
exact, is less than a fifth as quick as an insert, or, over the limit, half as quick or writes anything.
(How an insert compares with a refusal, which writes nothing, tells what a flush of the disk costs:
on disks of notebooks a refusal is the quicker one, on those that only say they are done, an insert.)
"""

import statistics
import sys
import threading
import uuid
from datetime import timedelta
from time import perf_counter

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.db import connection
from django.utils import timezone

from bookings import shield
from bookings.models import Tally
from tests.benchmarks.table import Row, show

CONNECTIONS, ROUNDS, SECONDS = 8, 5, 1
PROMISED = {"count, below the limit": 0.2, "count, over it": 0.5}
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


def written():
    """Bytes that Postgres has written to its log so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


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


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_shield", is_durable=True):
        yield from measure()


def measure():
    acts = {"plain insert": insert, "count, below the limit": count_below, "count, over it": count_over}
    speeds, told, logged = {name: [] for name in acts}, dict.fromkeys(acts, 0), 0
    for _ in range(ROUNDS):
        for name, act in acts.items():
            before = written()
            speed, true = per_second(act)
            speeds[name].append(speed)
            told[name] += true
            if act is count_over and not true:  # the first round still counts up to the limit
                logged += (written() - before) / speed / SECONDS
    counted = Tally.objects.order_by("-hits").values_list("hits", flat=True)[0]
    exact = (told["count, over it"], told["count, below the limit"]) == (OVER, counted)
    assert exact, "what was let through is not what was counted"
    reference = statistics.median(speeds.pop("plain insert"))
    for name, measured in speeds.items():
        ours = statistics.median(measured)
        yield Row(f"exact {name}", ours, "/s", reference, "INSERTs of a row", least_ratio=PROMISED[name])
    yield Row("written by a count over the limit", logged / (ROUNDS - 1), "bytes", most=1)


if __name__ == "__main__":
    sys.exit(show(figures()))

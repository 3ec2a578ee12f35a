"""What everything costs, in one table: `uv run python -m tests.benchmarks`.

Each figure stands beside a reference that was measured in the same run, since a machine is slow one
day and quick the next; with the promises that were made, and 1 at the end where one is broken. It takes
a quarter of an hour and more. `--quick` leaves out what needs a million rows: a few minutes.
"""

import argparse
import os
import platform
import sys
from itertools import chain
from pathlib import Path

from tests.benchmarks.scratch import say, scratch_database  # first: it sets Django up

# isort: split
from django.db import connection

from tests.benchmarks import booking, desk, free_slots, pages, processes, search, shield, writing
from tests.benchmarks.table import show


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="leave out what takes long to fill")
    quick = options.parse_args().quick
    say(machine() + "\n")
    modules = [pages, writing, processes, search, booking, shield, *([] if quick else [free_slots])]
    return show(chain(*(module.figures() for module in modules), staff(quick)))


def machine():
    """The machine in one line: a figure means nothing without it."""
    with scratch_database("benchmark_machine"), connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown CPU")
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return (
        f"{cores} cores of {model}, Python {platform.python_version()}, PostgreSQL {postgres}, "
        f"{load:.1f} processes at work before the start"
    )


def staff(quick):
    """Of the many pages of the staff the slowest, and the one that grows most with the clinic's age."""
    rows = list(desk.figures(quick=quick))
    slowest = max(rows, key=lambda row: row.ours)
    yield slowest._replace(figure=f"slowest of {len(rows)} staff pages: {slowest.figure}")
    if not quick:
        grown = max(rows, key=lambda row: row.ratio)
        yield grown._replace(figure=f"grows most: {grown.figure}")


if __name__ == "__main__":
    sys.exit(main())

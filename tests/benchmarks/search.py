"""How long a search takes on 500 pages: `uv run python -m tests.benchmarks.search`.

The pages are the starter pages, many times over. Each row is the middle of many runs of a search
by its address, through Django's whole stack but without a network, beside a page of the same stack
without any database: their ratio is the same on a slow machine. Ends with 1 where a promise is broken.
"""

import re
import statistics
import sys
import time
from io import StringIO

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from pages import publishing
from pages.models import Page, Source
from tests.benchmarks.table import Row, show

PAGES = 500
RUNS = 40
REFERENCE = "/healthz"
PROMISED_MS = 20
QUESTIONS = {
    "one word of every page": "migraine",
    "one rare word": "nystagmus",
    "three words": "ketamine side effects",
    "another name": "imitrex",
    "a misspelled word": "migrane",
    "three misspelled words": "ketamin dosege headach",
    "some of the words": "migraine zebra",
    "nothing": "xylophone",
}


def multiply():
    """Copies of the starter pages at addresses of their own, until there are 500."""
    call_command("load_pages", stdout=StringIO())
    originals = list(Page.objects.public().exclude(kind=Page.Kind.HOME).select_related("live"))
    sources = Source.objects.in_bulk(field_name="key")
    for number in range(PAGES - Page.objects.count()):
        original = originals[number % len(originals)]
        publishing.publish_starter(
            Page.objects.create(path=f"{original.path}/copy-{number}", kind=original.kind, parent=original),
            checked_on=original.live.sources_checked_on,
            sources=sources,
            leads_somewhere=lambda path: True,
            now=timezone.now(),
            **{name: getattr(original.live, name) for name in publishing.WORDS},
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def milliseconds(address, **query):
    """The middle of many runs, after some to get warm."""
    client, times = Client(), []
    for _ in range(RUNS + 5):
        start = time.perf_counter()
        response = client.get(address, query)
        times.append(1000 * (time.perf_counter() - start))
        response.close()
    return statistics.median(times[5:]), response


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_search"):
        multiply()
        reference, _ = milliseconds(REFERENCE)
        for name, question in QUESTIONS.items():
            took, response = milliseconds("/search/", q=question)
            count = re.search(r"<h2>(.*?)</h2>", response.content.decode())[1]
            figure = f"search, {name} ({count})"
            yield Row(figure, took, "ms", reference, "a page without database", most=PROMISED_MS)


if __name__ == "__main__":
    sys.exit(show(figures()))

"""What the pages of the staff cost as the clinic grows old: `uv run python -m tests.benchmarks.desk`.

Every list, search, day and report with 1,000 requests, then with 1,000,000 and three events for each,
spread over years at four locations. A page shows as many rows in both. The middle of many answers is
printed, through Django's whole stack but without a network: the work of this process and of its process
in Postgres, so that what else the machine does counts less. It ends with 1 where one takes longer than
promised, or grows by more than promised.
"""

import gc
import sys
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import process_time_ns
from typing import NamedTuple

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.db import connection
from django.test import Client
from django.utils import timezone

from bookings.models import AppointmentRequest
from tests import make
from tests.benchmarks.million import REQUESTS, YOUNG, clinic_of, fill
from tests.benchmarks.table import Row, show

PROMISED_MS, PROMISED_RATIO, RUNS = 150, 1.5, 12
LIST = "/staff/bookings/appointmentrequest/"
DAY = "/staff/bookings/appointment/"
TRAIL = "/staff/bookings/viewing/"


def pages_of(clinic, now, *, past):
    """The pages by name: the address and its parameters. Where there is no `past`, today's stand for it."""
    asked = AppointmentRequest.objects.filter(location=clinic["locations"][0])
    one = asked.filter(status="accepted", appointments__status="booked").order_by("-pk")[0]
    pending = asked.filter(status="pending", wanted_at__gt=now).order_by("pk")[0]
    monday, long_ago = clinic["monday"], timedelta(days=364 if past else 0)
    lists = [
        "needs_reply",
        "unverified",
        "today",
        "mail_problems",
        "unresolved",
        "estimates",
        "waiting",
        "all",
    ]
    filters = {
        "accepted": {"status": "accepted"},
        "pending": {"status": "pending"},
        "one place": {"list": "all", "location__id__exact": one.location_id},
        "one visit type": {"list": "all", "visit_type__id__exact": one.visit_type_id},
        "place and status": {"location__id__exact": one.location_id, "status": "offered"},
        "next Monday": {"day": monday},
        "the next 7 days": {"day": "week"},
        "place, status, day": {"location__id__exact": one.location_id, "status": "accepted", "day": monday},
        "oldest reference first": {"list": "all", "o": "1"},
        "by name": {"list": "all", "o": "2"},
        "by name, backwards": {"list": "all", "o": "-2"},
        "by deadline": {"list": "all", "o": "-7"},
    }
    searches = {
        "a common name": "maria",
        "a rarer name": "nguyen",
        "name and surname": "fatima nguyen",
        "part of every address": "example",
        "two letters": "we",
        "letters nobody has": "qx",
        "a whole address": one.email,
        "a misspelled name": "fatma nguyn",
        "a name nobody has": "zebedee",
        "a whole number": one.phone,
        "four digits": one.phone[-4:],
        "two digits": "55",
        "a reference": one.reference,
        "common, and pending": ("maria", {"status": "pending"}),
    }
    pages = {"home": ("/staff/", {})}
    pages |= {f"list: {name}": (LIST, {"list": name}) for name in lists}
    pages |= {f"list: {name}": (LIST, query) for name, query in filters.items()}
    for name, text in searches.items():
        text, more = text if isinstance(text, tuple) else (text, {})
        pages[f"search: {name}"] = (LIST, {"q": text, **more})
    place = one.location.slug
    pages |= {
        "request": (f"{LIST}{one.pk}/change/", {}),
        "request: accepting": (f"{LIST}{pending.pk}/accept/", {}),
        "request: changes": (f"{LIST}{one.pk}/history/", {}),
        "day": (DAY, {"location": place}),
        "day: next Monday, who waits": (DAY, {"location": place, "date": monday}),
        "day: a year ago": (DAY, {"location": place, "date": monday - long_ago}),
        "week: the next": (f"{DAY}week/", {"location": place, "date": monday}),
        "week: a year ago": (f"{DAY}week/", {"location": place, "date": monday - long_ago}),
        "by phone, who waits": (
            f"{DAY}phone/",
            {
                "location": place,
                "schedule": clinic["schedules"][0],
                "start": (now + timedelta(days=29)).replace(hour=16, minute=0, second=0).isoformat(),
            },
        ),
        "reports, 8 weeks": ("/staff/reports/", {}),
        "reports, 8 weeks of a place": ("/staff/reports/", {"location": one.location_id}),
        "reports, 4 weeks": ("/staff/reports/", {"weeks": 4}),
        "reports, 52 weeks": ("/staff/reports/", {"weeks": 52}),
        "export: before it": ("/staff/export/", {"list": "needs_reply"}),
        "trail": (TRAIL, {}),
        "trail: of one request": (TRAIL, {"q": one.reference}),
        "trail: searches": (TRAIL, {"kind__exact": "search"}),
        "trail: of one person": (TRAIL, {"by__id__exact": clinic["by"]}),
        "trail: seven days": (TRAIL, {"at__gte": now - timedelta(days=7), "at__lt": now}),
    }
    return pages


class Clinic(NamedTuple):
    """One that is filled: the name of its database, somebody of the staff who is logged in, the pages."""

    database: str
    client: Client
    pages: dict[str, tuple[str, dict]]

    def answers(self, name: str) -> tuple[list[float], int]:
        """How many milliseconds of work each of many answers took once it was warm, and its bytes."""
        connection.close()
        connection.settings_dict["NAME"] = self.database
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            served_by = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
        took = []
        for _ in range(RUNS + 2):
            begin, in_postgres = process_time_ns(), int(served_by.read_text().split()[0])
            response = self.client.get(*self.pages[name])
            spent = process_time_ns() - begin + int(served_by.read_text().split()[0]) - in_postgres
            took.append(spent / 1_000_000)
            assert response.status_code == 200, (name, self.pages[name], response.status_code)
        return took[2:], len(response.content)


def filled(now, *, is_old):
    """The empty database that we are at becomes a clinic, with a thousand requests or a million."""
    boss, client = make.staff(), Client()
    client.force_login(boss)
    clinic = clinic_of(boss, now)
    fill(clinic, young=True)
    if is_old:
        fill(clinic, young=False)
    assert AppointmentRequest.objects.count() == (REQUESTS if is_old else YOUNG)
    return Clinic(connection.settings_dict["NAME"], client, pages_of(clinic, now, past=is_old))


def figures(*, quick=False):
    """The rows of the table, one after the other; the quick way leaves the million out."""
    now = timezone.now()
    with scratch_database("benchmark_desk_young"):
        young = filled(now, is_old=False)
        gc.freeze()  # as the web process does when it has started
        if quick:
            for name in young.pages:
                took, _ = young.answers(name)
                yield Row(f"{name}, 1,000 requests", median(took), "ms", most=PROMISED_MS)
            return
        with scratch_database("benchmark_desk_old"):
            old = filled(now, is_old=True)
            for name in old.pages:
                yield compared(name, young, old)


def compared(name, young, old):
    """The old clinic's page, measured between two halves of the young one's: a machine has its moods."""
    before, _ = young.answers(name)
    took, size = old.answers(name)
    after, its_size = young.answers(name)
    beside = f"with 1,000 requests, {its_size / size:.0%} of the page"
    promised = {"most": PROMISED_MS, "most_ratio": PROMISED_RATIO}
    reference = median(before + after)
    return Row(f"{name}, 1,000,000 requests", median(took), "ms", reference, beside, **promised)


if __name__ == "__main__":
    sys.exit(show(figures()))

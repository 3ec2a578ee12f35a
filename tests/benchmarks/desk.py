"""What the pages of the staff cost as the clinic grows old: `uv run python -m tests.benchmarks.desk`.

Every list, search, day and report with 1,000 requests, then with 1,000,000 and three events for each,
spread over four years at four locations. Both clinics have the same today: 384 visits, a hundred open
requests. The middle of many answers is printed, through Django's whole stack but without a network: the
work of this process and of its process in Postgres, so that what else the machine does counts less. It
ends with 1 where one takes longer than promised, or grows by more than promised.
"""

import gc
import statistics
import sys
from datetime import time, timedelta
from pathlib import Path
from time import process_time_ns

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone

from bookings import reports
from bookings.models import (
    Appointment,
    AppointmentRequest,
    ChangedDay,
    Event,
    Message,
    RequestedPeriod,
    Viewing,
)
from tests import make
from tests.benchmarks.table import Row, show

REQUESTS, OPEN = 1_000_000, 100
PROMISED_MS, PROMISED_RATIO, RUNS = 150, 1.5, 15
PLACES, CHAIRS, HOURS = 4, 8, 12
A_DAY_S_VISITS = PLACES * CHAIRS * HOURS
DAYS_BACK = 1456
LIST = "/staff/bookings/appointmentrequest/"
DAY = "/staff/bookings/appointment/"
TRAIL = "/staff/bookings/viewing/"

# Row number n of a million, in the order of time. 57 of a hundred became visits, one after the other in
# every hour of every chair, until four weeks from now. Who asks is drawn from names as uneven as real ones.
ROWS = """
    CREATE TABLE drawn AS
    SELECT n, visit_no, is_open, visit_no IS NOT NULL AS is_visit, place, chair, starts_at, created_at,
        created_at + random() * interval '40 hours' AS answered_at, first_name, last_name,
        lower(first_name || '.' || last_name) || n %% 97 || '@' ||
            (ARRAY['example.com', 'example.org', 'example.net'])[1 + n %% 3] AS email,
        '(' || 200 + n * 7919 %% 700 || ') 555-' || lpad((n * 7919 %% 10000)::text, 4, '0') AS phone,
        CASE WHEN is_open THEN (ARRAY['pending', 'unverified', 'offered', 'waitlisted'])[1 + n %% 4]
             WHEN visit_no IS NOT NULL THEN 'accepted'
             ELSE (ARRAY['declined', 'expired', 'withdrawn'])[1 + n %% 3] END AS status,
        CASE WHEN visit_no IS NULL THEN NULL WHEN starts_at > %(now)s THEN 'booked'
             WHEN n %% 20 = 0 THEN 'cancelled' WHEN n %% 25 = 1 THEN 'noshow'
             WHEN starts_at > %(now)s - interval '1 day' AND n %% 9 = 0 THEN 'booked'
             ELSE 'fulfilled' END AS visit_status,
        n %% 200 = 7 AND NOT is_open AS has_failed
    FROM (
        SELECT n, n > %(requests)s AS is_open,
            CASE WHEN n <= %(requests)s AND n * 57 %% 100 < 57 THEN n * 57 / 100 END AS visit_no,
            (n * 57 / 100 %% %(a_day)s)::int AS hour_no, (n * 57 / 100 / %(a_day)s)::int AS day_no,
            random() AS luck
        FROM generate_series(%(low)s::bigint, %(high)s) AS n
    ) AS numbered,
    LATERAL (SELECT
        CASE WHEN is_open THEN %(now)s - luck * interval '2 days'
             ELSE %(now)s - (1 - n::float / %(requests)s) * interval '1461 days' END AS created_at,
        hour_no %% %(places)s AS place, hour_no / %(places)s %% %(chairs)s AS chair,
        (%(today)s - %(days_back)s + day_no
            + make_time(7 + hour_no / (%(places)s * %(chairs)s), 0, 0))
            AT TIME ZONE 'America/New_York' AS starts_at,
        (ARRAY['Maria', 'Ánh', 'James', 'Wei', 'Fatima', 'John', 'Olga', 'Priya', 'Ada', 'Łukasz'])
            [1 + floor(10 * luck * luck)] AS first_name,
        CASE WHEN n %% 11 = 0 THEN 'Nguyễn' WHEN n %% 13 = 0 THEN 'Smith' ELSE initcap(
            (ARRAY['ka','be','ro','mi','zu','tha','ven','lor','pin','dro'])[1 + n * 31 %% 10]
            || (ARRAY['man','ski','ton','ler','dez','wick','shaw','poulos','berg','ley'])
                [1 + n / 10 * 17 %% 10]
            || (ARRAY['a','ova','er','ini','ez','e','o','is','ick','um'])[1 + n / 100 * 7 %% 10])
        END AS last_name
    ) AS more"""
PARTS = {
    AppointmentRequest: (
        {
            "id": "n",
            "reference": "upper(lpad(to_hex(n / 65536), 4, '0') || '-' || lpad(to_hex(n % 65536), 4, '0'))",
            "submission": "gen_random_uuid()",
            "status": "drawn.status",
            "reason": "CASE drawn.status WHEN 'declined' THEN 'no_time' ELSE '' END",
            "created_at": "drawn.created_at",
            "verified_at": "drawn.created_at + interval '5 minutes'",
            "reply_until": "drawn.created_at + interval '2 days'",
            "expires_at": "CASE WHEN is_open THEN now() + interval '7 days' END",
            "asks_for": "CASE WHEN drawn.status = 'waitlisted' OR n % 5 = 0 AND NOT is_visit"
            " THEN 'waitlist' ELSE 'time' END",
            "wanted_at": "CASE WHEN drawn.status = 'waitlisted' OR n % 5 = 0 AND NOT is_visit"
            " THEN NULL ELSE starts_at END",
            "location_id": "(%(locations)s)[1 + place]",
            "patient_name": "first_name || ' ' || last_name",
            "email": "drawn.email",
            "phone": "drawn.phone",
            "person": "drawn.email",
            "pays_self": "n % 10 = 3",
            "estimate_due_on": "CASE WHEN n % 10 = 3 AND is_visit THEN starts_at::date - 1 END",
        },
        "drawn",
    ),
    RequestedPeriod: (
        {
            "request_id": "n",
            "position": "0",
            "first_day": "%(today)s",
            "last_day": "%(today)s + 20",
            "weekday": "NULL",
        },
        "drawn WHERE drawn.status = 'waitlisted'",
    ),
    Appointment: (
        {
            "request_id": "n",
            "schedule_id": "(%(schedules)s)[1 + place * %(chairs)s + chair]",
            "period": "tstzrange(starts_at, starts_at + interval '50 minutes')",
            "occupied": "tstzrange(starts_at, starts_at + interval '60 minutes')",
            "status": "visit_status",
            "held_until": "NULL",
            "cancel_reason": "CASE visit_status WHEN 'cancelled' THEN 'patient' ELSE '' END",
            "uid": "gen_random_uuid()",
        },
        "drawn WHERE is_visit",
    ),
    Event: (
        {
            "request_id": "n",
            "verb": "what.verb",
            "from_status": "what.before",
            "to_status": "what.after",
            "starts_at": "drawn.starts_at",
            "reason": "''",
            "by_id": "CASE WHEN what.is_staff THEN %(by)s END",
            "at": "what.at",
        },
        """drawn, LATERAL (VALUES
            ('submit', '', 'unverified', false, created_at),
            (CASE WHEN has_failed THEN 'phone' ELSE 'verify' END, 'unverified', 'pending', has_failed,
             CASE WHEN has_failed THEN answered_at + interval '1 day'
                  ELSE created_at + interval '5 minutes' END),
            (CASE drawn.status WHEN 'accepted'
                THEN CASE WHEN visit_status = 'cancelled' THEN 'cancel' ELSE 'accept' END
                WHEN 'declined' THEN 'decline' WHEN 'expired' THEN 'expire' WHEN 'withdrawn' THEN 'withdraw'
                ELSE 'note' END,
             'pending', drawn.status, drawn.status IN ('accepted', 'declined'), answered_at)
        ) AS what (verb, before, after, is_staff, at)""",
    ),
    Message: (
        {
            "request_id": "n",
            "kind": "what.kind",
            "version": "1",
            "status": "what.status",
            "message_id": "n || what.kind",
            "due_at": "what.at",
            "claimed_at": "what.at",
            "sent_at": "CASE what.status WHEN 'sent' THEN what.at END",
        },
        """drawn, LATERAL (VALUES
            ('received', 'sent', created_at), ('staff_new', 'sent', created_at),
            (CASE WHEN drawn.status IN ('accepted', 'declined') THEN drawn.status ELSE 'link' END,
             CASE WHEN has_failed THEN 'failed' ELSE 'sent' END, answered_at)
        ) AS what (kind, status, at)""",
    ),
    LogEntry: (
        {
            "action_time": "answered_at",
            "object_id": "n",
            "object_repr": "'a request'",
            "action_flag": "2",
            "change_message": "'Accepted.'",
            "content_type_id": "%(kind)s",
            "user_id": "%(by)s",
        },
        "drawn",
    ),
    Viewing: (
        {
            "by_id": "%(by)s",
            "kind": "CASE WHEN n % 20 = 0 THEN 'list' ELSE 'record' END",
            "requests": "CASE WHEN n % 20 = 0 THEN ARRAY(SELECT generate_series(n, n + 49))"
            " ELSE ARRAY[n] END",
            "at": "answered_at",
        },
        "drawn",
    ),
}


def fill(low, high, clinic):
    """Rows number low to high of the clinic, and what happened to them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(ROWS, {"low": low, "high": high, **clinic})
        # The keys that the rows point to are known to be there: to look up each takes minutes.
        cursor.execute("SET session_replication_role = replica")
        for model, (columns, rows) in PARTS.items():
            names, expressions, values = [], [], dict(clinic)
            for field in model._meta.concrete_fields:
                if field.generated or (field.primary_key and field.column not in columns):
                    continue
                names.append(field.column)
                expressions.append(columns.get(field.column, f"%({field.column})s").replace(" % ", " %% "))
                values.setdefault(field.column, field.get_default())
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) "  # noqa: S608
                f"SELECT {', '.join(expressions)} FROM {rows}",
                values,
            )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("DROP TABLE drawn")


def settle(clinic):
    """What the worker and the database do in the hours after."""
    days = [clinic["today"] - timedelta(days=number) for number in range(DAYS_BACK + 7)]
    ChangedDay.objects.bulk_create(
        ChangedDay(location_id=place, day=day) for place in clinic["locations"] for day in days
    )
    while reports.count_days(now=clinic["now"]):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def clinic_of(boss, now):
    """Four places with eight chairs each that are always open, as values of the statements."""
    visit = make.visit_type(slug="visit", minutes=50, minutes_after=10, step_minutes=60)
    places = [
        make.location(name=f"Place {number}", weekdays=range(7), hours=(time(7), time(19)), position=number)
        for number in range(PLACES)
    ]
    chairs = [make.schedule(place, visit, f"Chair {n}") for place in places for n in range(CHAIRS)]
    return {
        "now": now,
        "today": places[0].local(now).date(),
        "by": boss.pk,
        "locations": [place.pk for place in places],
        "schedules": [chair.pk for chair in chairs],
        "visit_type_id": visit.pk,
        "contact_by": "email",
        "kind": ContentType.objects.get_for_model(AppointmentRequest).pk,
        "requests": REQUESTS - OPEN,
        "places": PLACES,
        "chairs": CHAIRS,
        "hours": HOURS,
        "a_day": A_DAY_S_VISITS,
        "days_back": DAYS_BACK,
    }


def pages_of(clinic, now):
    """The pages by name: the address and its parameters."""
    asked = AppointmentRequest.objects
    one = asked.filter(status="accepted", appointments__status="booked").order_by("pk")[0]
    pending = asked.filter(status="pending", wanted_at__gt=now).order_by("pk")[0]
    today = clinic["today"]
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
        "declined": {"status": "declined"},
        "pending": {"status": "pending"},
        "one place": {"list": "all", "location__id__exact": one.location_id},
        "one visit type": {"list": "all", "visit_type__id__exact": one.visit_type_id},
        "place and status": {"location__id__exact": one.location_id, "status": "offered"},
        "tomorrow": {"day": "tomorrow"},
        "the next 7 days": {"day": "week"},
        "place, status, day": {"location__id__exact": one.location_id, "status": "accepted", "day": "today"},
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
        "day: tomorrow, who waits": (DAY, {"location": place, "date": today + timedelta(days=1)}),
        "day: a year ago": (DAY, {"location": place, "date": today - timedelta(days=365)}),
        "week": (f"{DAY}week/", {"location": place}),
        "week: a year ago": (f"{DAY}week/", {"location": place, "date": today - timedelta(days=365)}),
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


def milliseconds(client, address, query):
    """The work for the middle of many answers, after two to get warm."""
    took = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        served_by = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    for _ in range(RUNS + 2):
        begin, in_postgres = process_time_ns(), int(served_by.read_text().split()[0])
        response = client.get(address, query)
        spent = process_time_ns() - begin + int(served_by.read_text().split()[0]) - in_postgres
        took.append(spent / 1_000_000)
        assert response.status_code == 200, (address, query, response.status_code)
    return statistics.median(took[2:])


def figures(*, quick=False):
    """The rows of the table, one after the other; the quick way leaves the million out."""
    with scratch_database("benchmark_desk"):
        yield from measure(quick)


def measure(quick):
    now = timezone.now()
    boss, client = make.staff(), Client()
    client.force_login(boss)
    clinic = clinic_of(boss, now)
    # The rows around today's visits, and those that are open.
    first = DAYS_BACK * A_DAY_S_VISITS * 100 // 57
    last = first + 1_000 - OPEN - 1
    fill(first, last, clinic)
    fill(REQUESTS - OPEN + 1, REQUESTS, clinic)
    settle(clinic)
    pages = pages_of(clinic, now)
    gc.freeze()  # as the web process does when it has started
    young = {name: milliseconds(client, *page) for name, page in pages.items()}
    if quick:
        yield from (
            Row(f"{name}, 1,000 requests", took, "ms", most=PROMISED_MS) for name, took in young.items()
        )
        return
    fill(1, first - 1, clinic)
    fill(last + 1, REQUESTS - OPEN, clinic)
    settle(clinic)
    assert AppointmentRequest.objects.count() == REQUESTS
    for name, page in pages.items():
        took, figure = milliseconds(client, *page), f"{name}, 1,000,000 requests"
        promised = {"most": PROMISED_MS, "most_ratio": PROMISED_RATIO}
        yield Row(figure, took, "ms", young[name], "with 1,000 requests", **promised)


if __name__ == "__main__":
    sys.exit(show(figures()))

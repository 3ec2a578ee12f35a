"""A clinic with a million requests, and the same one when it had a thousand: rows for the benchmarks.

Both have pages that are as full: the same open requests, one place that is booked out today and all of
next week, and people who came back fifty times. So what differs is how much lies behind a page.
"""

from datetime import date, datetime, time, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from bookings import counting
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

REQUESTS, YOUNG, OPEN = 1_000_000, 1_000, 144
PLACES, CHAIRS, HOURS = 4, 7, 12
A_DAY_S_VISITS = PLACES * CHAIRS * HOURS
DAYS_AHEAD = 28
DAYS_BACK = REQUESTS * 57 // 100 // A_DAY_S_VISITS - DAYS_AHEAD

# Row number n of a million, in the order of time. 57 of a hundred became visits, one after the other in
# every hour of every chair, until four weeks from now. The young clinic's other rows are one of each kind in
# each week of the last year.
ROWS = """
    CREATE TABLE drawn AS
    SELECT n, visit_no, is_open, visit_no IS NOT NULL AS is_visit, place, chair, starts_at, created_at,
        created_at + random() * interval '40 hours' AS answered_at,
        CASE WHEN is_open THEN (ARRAY['pending', 'unverified', 'offered', 'waitlisted'])[1 + n %% 4]
             WHEN visit_no IS NOT NULL THEN 'accepted'
             ELSE (ARRAY['declined', 'expired', 'withdrawn'])[1 + n %% 3] END AS status,
        CASE WHEN visit_no IS NULL THEN NULL WHEN starts_at > %(now)s THEN 'booked'
             WHEN n %% 20 = 0 THEN 'cancelled' WHEN n %% 25 = 1 THEN 'noshow'
             WHEN day = %(today)s AND place = 0 AND n %% 3 = 0 THEN 'booked'
             ELSE 'fulfilled' END AS visit_status,
        is_open OR visit_no IS NOT NULL AND place = 0
            AND (day = %(today)s OR day BETWEEN %(monday)s AND %(monday)s + 6) AS is_young
    FROM (
        SELECT n, n > %(requests)s - %(open)s AS is_open,
            CASE WHEN n <= %(requests)s - %(open)s AND n * 57 %% 100 < 57 THEN n * 57 / 100 END AS visit_no,
            (n * 57 / 100 %% %(a_day)s)::int AS hour_no, (n * 57 / 100 / %(a_day)s)::int AS day_no,
            random() AS luck
        FROM generate_series(1, %(requests)s::bigint) AS n
    ) AS numbered,
    LATERAL (SELECT
        CASE WHEN is_open THEN %(now)s - luck * interval '2 days'
             ELSE %(now)s - (1 - n::float / %(requests)s) * %(days_back)s * interval '1 day'
             END AS created_at,
        hour_no %% %(places)s AS place, hour_no / %(places)s %% %(chairs)s AS chair,
        %(today)s - %(days_back)s + day_no AS day
    ) AS more,
    LATERAL (SELECT
        (day + make_time(7 + hour_no / (%(places)s * %(chairs)s), 0, 0)) AT TIME ZONE 'America/New_York'
            AS starts_at
    ) AS still_more;
    UPDATE drawn SET is_young = true WHERE n IN (
        SELECT n FROM (
            SELECT n, row_number() OVER (
                PARTITION BY visit_status,
                    date_trunc('week', CASE WHEN is_visit THEN starts_at ELSE created_at END)
                ORDER BY n * 7919 %% 1000003) AS turn
            FROM drawn WHERE NOT is_young AND created_at > %(now)s - interval '364 days'
                AND visit_status IS DISTINCT FROM 'noshow'
        ) AS of_a_week ORDER BY turn, n LIMIT %(young)s - (SELECT count(*) FROM drawn WHERE is_young))"""
# Who asks: each of fifty times, with names as uneven as real ones.
PART = """
    CREATE VIEW part AS
    SELECT *, lower(first_name || '.' || last_name) || person || '@' ||
            (ARRAY['example.com', 'example.org', 'example.net'])[1 + person %% 3] AS email,
        '(' || 200 + person * 7919 %% 700 || ') 555-' || lpad((person * 7919 %% 10000)::text, 4, '0')
            AS phone,
        NOT is_open AND n %% 200 = 7 AS was_phoned, n %% 200 = 7 OR is_open AND n %% 5 = 2 AS has_failed,
        is_visit AND CASE WHEN starts_at <= %(now)s THEN n %% 1000 = 3
            ELSE n %% 10 = 3 AND (is_young OR created_at > %(now)s - interval '3 days')
            END AS is_owed_estimate
    FROM (SELECT *, CASE WHEN is_young THEN n %% 20 ELSE 20 + n %% 19980 END AS person FROM drawn) AS rows,
    LATERAL (SELECT
        (ARRAY['Maria', 'Ánh', 'James', 'Wei', 'Fatima', 'John', 'Olga', 'Priya', 'Ada', 'Łukasz'])
            [1 + floor(10 * ((3 + person * 97) %% 100 / 100.0) ^ 2)] AS first_name,
        CASE WHEN person %% 11 = 0 THEN 'Nguyễn' WHEN person %% 13 = 0 THEN 'Smith' ELSE initcap(
            (ARRAY['ka','be','ro','mi','zu','tha','ven','lor','pin','dro'])[1 + person * 31 %% 10]
            || (ARRAY['man','ski','ton','ler','dez','wick','shaw','poulos','berg','ley'])
                [1 + person / 10 * 17 %% 10]
            || (ARRAY['a','ova','er','ini','ez','e','o','is','ick','um'])[1 + person / 100 * 7 %% 10])
        END AS last_name
    ) AS named
    WHERE is_young = %(is_young)s"""
PARTS = {
    AppointmentRequest: (
        {
            "id": "n",
            "reference": "upper(lpad(to_hex(n / 65536), 4, '0') || '-' || lpad(to_hex(n % 65536), 4, '0'))",
            "submission": "gen_random_uuid()",
            "status": "part.status",
            "reason": "CASE part.status WHEN 'declined' THEN 'no_time' ELSE '' END",
            "created_at": "part.created_at",
            "verified_at": "part.created_at + interval '5 minutes'",
            "reply_until": "part.created_at + interval '2 days'",
            "expires_at": "CASE WHEN is_open THEN now() + interval '7 days' END",
            "asks_for": "CASE WHEN part.status = 'waitlisted' OR n % 5 = 0 AND NOT is_visit"
            " THEN 'waitlist' ELSE 'time' END",
            "wanted_at": "CASE WHEN part.status = 'waitlisted' OR n % 5 = 0 AND NOT is_visit"
            " THEN NULL ELSE starts_at END",
            "location_id": "(%(locations)s)[1 + place]",
            "patient_name": "first_name || ' ' || last_name",
            "email": "part.email",
            "phone": "part.phone",
            "person": "part.email",
            "pays_self": "n % 10 = 3",
            "estimate_due_on": "CASE WHEN is_owed_estimate THEN %(today)s + (n % 3)::int END",
        },
        "part",
    ),
    RequestedPeriod: (
        {
            "request_id": "n",
            "position": "0",
            "first_day": "%(today)s",
            "last_day": "%(today)s + 20",
            "weekday": "NULL",
        },
        "part WHERE part.status = 'waitlisted'",
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
        "part WHERE is_visit",
    ),
    Event: (
        {
            "request_id": "n",
            "verb": "what.verb",
            "from_status": "what.before",
            "to_status": "what.after",
            "starts_at": "part.starts_at",
            "reason": "''",
            "by_id": "CASE WHEN what.is_staff THEN %(by)s END",
            "at": "what.at",
        },
        """part, LATERAL (VALUES
            ('submit', '', 'unverified', false, created_at),
            (CASE WHEN was_phoned THEN 'phone' ELSE 'verify' END, 'unverified', 'pending', was_phoned,
             CASE WHEN was_phoned THEN answered_at + interval '1 day'
                  ELSE created_at + interval '5 minutes' END),
            (CASE part.status WHEN 'accepted'
                THEN CASE WHEN visit_status = 'cancelled' THEN 'cancel' ELSE 'accept' END
                WHEN 'declined' THEN 'decline' WHEN 'expired' THEN 'expire' WHEN 'withdrawn' THEN 'withdraw'
                ELSE 'note' END,
             'pending', part.status, part.status IN ('accepted', 'declined'), answered_at)
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
        """part, LATERAL (VALUES
            ('received', 'sent', created_at), ('staff_new', 'sent', created_at),
            (CASE WHEN part.status IN ('accepted', 'declined') THEN part.status ELSE 'link' END,
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
        "part",
    ),
    Viewing: (
        {
            "by_id": "%(by)s",
            "kind": "CASE WHEN n % 20 = 0 THEN 'list' ELSE 'record' END",
            "requests": "CASE WHEN n % 20 = 0 THEN ARRAY(SELECT generate_series(n, n + 49))"
            " ELSE ARRAY[n] END",
            "at": "answered_at",
        },
        "part",
    ),
}


def fill(clinic, *, young):
    """The rows of the young clinic, or all others, and what happened to them."""
    with connection.cursor() as cursor:
        if young:
            cursor.execute("SELECT setseed(0.5)")
            cursor.execute(ROWS, clinic)
        cursor.execute(PART, {**clinic, "is_young": young})
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
        cursor.execute("DROP VIEW part")
    settle(clinic)


def settle(clinic):
    """What the worker and the database do in the hours after."""
    days = [clinic["today"] - timedelta(days=number) for number in range(DAYS_BACK + 7)]
    ChangedDay.objects.bulk_create(
        ChangedDay(location_id=place, day=day) for place in clinic["locations"] for day in days
    )
    while counting.count_days(now=clinic["now"]):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def clinic_of(boss, now: datetime):
    """Four places with chairs that are always open, as values of the statements."""
    visit = make.visit_type(slug="visit", minutes=50, minutes_after=10, step_minutes=60)
    hours = (time(7), time(7 + HOURS))
    places = [
        make.location(name=f"Place {number}", weekdays=range(7), hours=hours, position=number)
        for number in range(PLACES)
    ]
    chairs = [make.schedule(place, visit, f"Chair {n}") for place in places for n in range(CHAIRS)]
    today = places[0].local(now).date()
    return {
        "now": now,
        "today": today,
        "monday": next_monday(today),
        "by": boss.pk,
        "locations": [place.pk for place in places],
        "schedules": [chair.pk for chair in chairs],
        "visit_type_id": visit.pk,
        "contact_by": "email",
        "kind": ContentType.objects.get_for_model(AppointmentRequest).pk,
        "requests": REQUESTS,
        "young": YOUNG,
        "open": OPEN,
        "places": PLACES,
        "chairs": CHAIRS,
        "a_day": A_DAY_S_VISITS,
        "days_back": DAYS_BACK,
    }


def next_monday(day: date) -> date:
    return counting.monday(day) + counting.A_WEEK

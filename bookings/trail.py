"""The trail: who saw and who changed which records, and when.

Changes are written down by triggers in the database; here they are told who is at work.
"""

from collections.abc import Iterable
from contextlib import contextmanager
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from bookings.models import AppointmentRequest, Change, Viewing

Kind = Viewing.Kind
WRITES = ("INSERT", "UPDATE", "DELETE")
A_VIEWING = Viewing._meta.db_table  # says itself whose it is


def viewed(by: AbstractBaseUser, shown: Iterable[AppointmentRequest], *, kind: str, now: datetime) -> Viewing:
    """Record that `by` is about to see these requests; `kind` is a Viewing.Kind, `now` is aware.

    To be called before the page is answered: where the row cannot be written, what is raised here
    ends the page, and nobody sees anything. What was searched for is not kept.
    """
    return Viewing.objects.create(by=by, kind=kind, requests=[request.pk for request in shown], at=now)


def changes_of(asked: AppointmentRequest) -> QuerySet[Change]:
    """The changes of a request and of what belongs to it; rows that are gone stand for themselves."""
    found = Q(table=asked._meta.db_table, row=asked.pk)
    for name in ("appointments", "periods", "notes", "estimates"):
        rows = getattr(asked, name)
        found |= Q(table=rows.model._meta.db_table, row__in=rows.values("pk"))
    return Change.objects.filter(found)


def forget() -> int:
    """Remove what stands in the trail for more than six years; returns how many rows that were.

    The database's own clock counts them: no caller can make them fewer. Six years is how long
    45 CFR 164.316(b)(2)(i) has records kept of what 164.312(b) asks to record.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT bookings_forget_trail()")
        return cursor.fetchone()[0]


@contextmanager
def acting(by: AbstractBaseUser):
    """While this lasts, changes in this thread are by this member of staff in the trail.

    The name goes along in the transaction of each change and ends with it, so that a connection which
    many share (PgBouncer) never carries it to somebody else's work.
    """

    def say_who(execute, sql, params, many, context):
        if not sql.lstrip().upper().startswith(WRITES) or A_VIEWING in sql:
            return execute(sql, params, many, context)
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('clinic.by', %s, true)", [str(by.pk)])
            return execute(sql, params, many, context)

    with connection.execute_wrapper(say_who):
        yield


def name_who_acts(get_response):
    """Middleware: what somebody changes in the admin stands in the trail under their name."""

    def name(request):
        if not request.path.startswith(reverse("admin:index")) or not request.user.is_authenticated:
            return get_response(request)
        with acting(request.user):
            return get_response(request)

    return name

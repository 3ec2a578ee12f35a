"""Whether all that the site needs is there, in four checks that name nobody."""

from datetime import datetime, timedelta
from functools import cache

from django.db import Error, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max, Min, Q
from procrastinate.contrib.django.models import ProcrastinateWorker

from bookings.models import Message

PATIENCE = 1000  # milliseconds for each question; connecting has a limit of its own in the settings
WORKER_SILENT = timedelta(seconds=60)  # a worker says every 5 seconds that it lives
OWED_TOO_LONG = timedelta(minutes=5)  # the worker looks every 5 seconds, and puts off what it has tried
OK = "ok"


def checks(*, now: datetime) -> dict[str, str]:
    """What each check found at `now` (aware): "ok", or a few words with numbers, never names."""
    asked = {"database": _answers, "migrations": _migrations, "worker": _worker, "messages": _messages}
    found = {}
    for name, ask in asked.items():
        if found.get("database", OK) != OK:
            found[name] = "not known"
            continue
        try:
            with transaction.atomic():
                _hurry()
                found[name] = ask(now)
        except Error:  # InterfaceError too: the connection itself is gone
            found[name] = "no answer"
    return found


def _hurry():
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE)])


def _answers(now):
    return OK  # to have set the limit was the question


def _migrations(now):
    missing = len(_known() - MigrationRecorder(connection).applied_migrations().keys())
    return f"{missing} not applied" if missing else OK


@cache
def _known():
    """The migrations of this program: app and name. One that only the database knows is a newer program's."""
    return MigrationLoader(None).disk_migrations.keys()


def _worker(now):
    return _since(ProcrastinateWorker.objects.aggregate(at=Max("last_heartbeat"))["at"], WORKER_SILENT, now)


def _messages(now):
    is_owed = Q(status=Message.Status.QUEUED, due_at__lte=now) | Q(status=Message.Status.SENDING)
    oldest = Message.objects.filter(is_owed).aggregate(at=Min("due_at"))["at"]
    return OK if oldest is None else _since(oldest, OWED_TOO_LONG, now)


def _since(at, limit, now):
    if at is None:
        return "none"
    return OK if now - at <= limit else f"{(now - at) // timedelta(seconds=1)} seconds"

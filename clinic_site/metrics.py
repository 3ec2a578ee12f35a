"""Numbers about the clinic for Prometheus: how much waits and for how long, never for whom.

They all stand in Postgres, so one process asks for them, whichever number of web servers and workers
there is. What a web server knows of itself it tells on a port of its own (`--metrics-port`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import Error, connection
from django.db.models import Count, Min, Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from prometheus_client.core import GaugeMetricFamily as Gauge

from bookings.models import AppointmentRequest, Message
from clinic_site import readiness

Asked, Sending = AppointmentRequest.Status, Message.Status
OPEN = [Asked.UNVERIFIED, Asked.PENDING, Asked.OFFERED, Asked.WAITLISTED]
JOBS = ["todo", "doing", "failed"]


class Collector:
    """What prometheus_client asks each time it is asked."""

    def collect(self) -> Iterator[Gauge]:
        """The numbers of this instant; of a database that does not answer, only that it does not."""
        now = timezone.now()
        try:
            yield _by("clinic_ready", "1 where a check of /readyz is well", "check", _ready(now))
            yield from _waiting(now)
        except Error:
            return
        finally:
            connection.close()  # each question comes in a thread of its own


def _by(name, help_text, label, numbers):
    gauge = Gauge(name, help_text, labels=[label])
    for value, number in numbers.items():
        gauge.add_metric([value], number)
    return gauge


def _ready(now):
    return {name: int(found == readiness.OK) for name, found in readiness.checks(now=now).items()}


def _waiting(now: datetime):
    """Counts by status, and ages in seconds; 0 where nothing waits. Only what is open is counted."""
    asked = AppointmentRequest.objects.filter(status__in=OPEN)
    yield _by("clinic_requests", "Open requests", "status", _counts(asked, OPEN))
    late = asked.filter(status=Asked.PENDING, reply_until__lt=now).count()
    yield Gauge("clinic_requests_late", "Requests that should have an answer by now", late)

    due = Message.objects.filter(Q(status=Sending.QUEUED, due_at__lte=now) | Q(status=Sending.SENDING))
    kinds = [Sending.QUEUED, Sending.SENDING, Sending.FAILED]
    owed = Message.objects.filter(status__in=kinds)
    yield _by("clinic_messages", "Messages owed or not delivered", "status", _counts(owed, kinds))
    yield Gauge("clinic_messages_due", "Messages whose time has come", due.count())
    oldest = due.aggregate(at=Min("due_at"))["at"]
    yield Gauge("clinic_message_oldest_due_seconds", "How long the oldest is due", _age(oldest, now))

    alive = ProcrastinateWorker.objects.filter(last_heartbeat__gte=now - readiness.WORKER_SILENT)
    yield Gauge("clinic_workers", "Workers that were heard of in the last minute", alive.count())
    jobs = ProcrastinateJob.objects.filter(status__in=JOBS)
    yield _by("clinic_jobs", "Jobs of the queue", "status", _counts(jobs, JOBS))


def _counts(rows, statuses):
    found = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    return {str(status): found.get(status, 0) for status in statuses}


def _age(at, now):
    return 0 if at is None else (now - at) / timedelta(seconds=1)

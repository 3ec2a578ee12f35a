"""How long what patients send us is kept, and what of it is due to be erased. Reads only.

Kept for      | from                                        | then
KEPT_DAYS     |                                             |
requests      | the end of the visit, or of the request     | erased: numbers stay (lifecycle.erase)
  its notes, periods and reasons of failed mail go with it  |
unconfirmed   | the end of a request nobody ever confirmed  | erased likewise
the trail     | each row, which holds keys and names of     | removed after six years
              | columns only                                | (trail.forget)

The code of the network that an open request came from is cleared when it is decided or ends (lifecycle).
An unfinished form ends with its session (tasks.forget_ended_sessions), a count of who sent how much
with its window (tasks.forget_counts). What readers say about pages belongs to the app `pages`.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from bookings.models import Appointment, AppointmentRequest, Event

Status, Visit = AppointmentRequest.Status, Appointment.Status
# Visits whose time passed; nobody may ever have said what came of one.
HAD_A_TIME = (Visit.BOOKED, Visit.ARRIVED, Visit.FULFILLED, Visit.NOSHOW)


def due(*, now: datetime) -> QuerySet[AppointmentRequest]:
    """The requests that have been kept for long enough at `now` (aware), the longest ended first."""
    kept = {kind: now - timedelta(days=days) for kind, days in settings.KEPT_DAYS.items()}
    last = Event.objects.filter(request=OuterRef("pk")).exclude(from_status=F("to_status"))
    last = last.order_by("-at", "-pk")
    visits = Appointment.objects.filter(request=OuterRef("pk"), status__in=HAD_A_TIME).order_by("-pk")
    ended = AppointmentRequest.objects.exclude(status__in=AppointmentRequest.OPEN).filter(erased_at=None)
    ended = ended.annotate(
        ended_at=Coalesce(
            Subquery(visits.annotate(end=F("period__endswith")).values("end")[:1]),
            Subquery(last.values("at")[:1]),
        ),
        ended_as=Subquery(last.values("from_status")[:1]),
    )
    unconfirmed = Q(ended_as=Status.UNVERIFIED, ended_at__lte=kept["unconfirmed"])
    return ended.filter(unconfirmed | Q(ended_at__lte=kept["requests"])).order_by("ended_at", "pk")

"""What the worker runs. A job says where to look; what there is to do stands in the rows."""

from django.contrib.sessions.models import Session
from django.utils import timezone
from procrastinate.contrib.django import app

from bookings import counting, lifecycle, outbox, shield, trail

SESSIONS_AT_ONCE = 1000  # so that no transaction is long, however many strangers came by


# The lock keeps rounds from queueing up behind one that is slow (the sixth field is the second).
@app.periodic(cron="* * * * * */5")
@app.task(name="deliver_due", queueing_lock="deliver_due")
def deliver_due(timestamp):
    """Send the messages that are due."""
    outbox.deliver_due(now=timezone.now(), clock=timezone.now)


@app.periodic(cron="* * * * *")
@app.task(name="sweep")
def sweep(timestamp):
    """End the holds, offers and requests that have run out."""
    lifecycle.sweep(now=timezone.now())


@app.periodic(cron="3 * * * *")
@app.task(name="purge")
def purge(timestamp):
    """Erase the requests that we need not keep any longer."""
    lifecycle.purge(now=timezone.now())


@app.periodic(cron="13 * * * *")
@app.task(name="count_days")
def count_days(timestamp):
    """Count the days that are over, for the reports."""
    while counting.count_days(now=timezone.now()):
        pass


@app.periodic(cron="33 4 * * *")
@app.task(name="forget_trail")
def forget_trail(timestamp):
    """Remove what has stood in the trail for longer than the law asks."""
    trail.forget()


@app.periodic(cron="23 * * * *")
@app.task(name="forget_ended_sessions")
def forget_ended_sessions(timestamp):
    """Delete the answers that somebody typed and never sent, once their session has ended."""
    ended = Session.objects.filter(expire_date__lte=timezone.now()).order_by("expire_date")
    while keys := list(ended.values_list("pk", flat=True)[:SESSIONS_AT_ONCE]):
        Session.objects.filter(pk__in=keys).delete()


@app.periodic(cron="43 * * * *")
@app.task(name="forget_counts")
def forget_counts(timestamp):
    """Delete the counts of who sent how much whose window has ended."""
    shield.forget(now=timezone.now())

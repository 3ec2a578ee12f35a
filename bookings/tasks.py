"""What the worker runs. A job says where to look; what there is to do stands in the rows."""

from django.contrib.sessions.models import Session
from django.utils import timezone
from procrastinate.contrib.django import app

from bookings import lifecycle, messages, shield


@app.task(name="deliver")
def deliver(message):
    """Send the message of that id, if it is still owed."""
    messages.deliver(message, now=timezone.now())


@app.periodic(cron="*/15 * * * * *")  # the sixth field is the second
@app.task(name="deliver_due")
def deliver_due(timestamp):
    """Send what is owed and was missed: after a crash, a restart or a refusal of the mail server."""
    messages.deliver_due(now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="sweep")
def sweep(timestamp):
    """End the holds, offers and requests that have run out."""
    lifecycle.sweep(now=timezone.now())


@app.periodic(cron="23 * * * *")
@app.task(name="forget_ended_sessions")
def forget_ended_sessions(timestamp):
    """Delete the answers that somebody typed and never sent, once their session has ended."""
    Session.objects.filter(expire_date__lte=timezone.now()).delete()


@app.periodic(cron="43 * * * *")
@app.task(name="forget_counts")
def forget_counts(timestamp):
    """Delete the counts of who sent how much whose window has ended."""
    shield.forget(now=timezone.now())

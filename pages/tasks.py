"""What the worker does for the pages."""

from django.utils import timezone
from procrastinate.contrib.django import app

from pages import feedback


@app.periodic(cron="13 * * * *")
@app.task(name="forget_comments")
def forget_comments(timestamp):
    """Delete the comments on pages that we need not keep any longer."""
    feedback.forget_comments(now=timezone.now())

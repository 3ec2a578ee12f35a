"""What readers tell us of a page, kept without a word on who they are."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from pages.models import Feedback, Page

MOST_IN_AN_HOUR = 30  # for one page; a clinic's readers stay far below, a script does not


class TooMuch(Exception):
    """This page has had all the answers that it takes in an hour."""


def forget_comments(*, now: datetime) -> int:
    """Delete what readers wrote longer ago than settings.KEPT_DAYS says, and keep their yes or no.

    Returns how many comments that were.
    """
    until = now - timedelta(days=settings.KEPT_DAYS["comments"])
    return Feedback.objects.filter(created_at__lte=until).exclude(comment="").update(comment="")


@transaction.atomic
def keep(page: Page, *, useful: bool, comment: str, now) -> Feedback:
    """Store one answer about a page. Raises TooMuch where the page has had its share for this hour."""
    # Whoever answers about this page at the same moment waits here, so that none is missed in the count.
    Page.objects.select_for_update().get(pk=page.pk)
    if page.feedback.filter(created_at__gt=now - timedelta(hours=1)).count() >= MOST_IN_AN_HOUR:
        raise TooMuch
    return Feedback.objects.create(page=page, useful=useful, comment=comment, created_at=now)

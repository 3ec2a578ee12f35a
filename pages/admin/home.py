"""What the staff's first page says of the pages: reviews that are due, and facts that nobody has written."""

from datetime import date, timedelta

from django.urls import reverse

from pages.models import ClinicFact, Page

SOON = 30  # days; one of the choices of the list's filter


def due_pages(user, *, today: date) -> list[dict]:
    """How many pages are due for review today and soon, with where they are listed.

    Nothing without the right to see pages.
    """
    if not user.has_perm("pages.view_page"):
        return []
    pages = reverse("admin:pages_page_changelist")
    return [
        {
            "name": name,
            "number": Page.objects.due_for_review(today + timedelta(days=days)).count(),
            "url": f"{pages}?due={days}",
        }
        for name, days in [("Review is due", 0), (f"Review within {SOON} days", SOON)]
    ]


def open_facts(user) -> list[dict]:
    """How many required facts about this practice are open, with where they are listed; none, and no line.

    Nothing without the right to write them.
    """
    if not user.has_perm("pages.change_clinicfact"):
        return []
    number = ClinicFact.objects.required_and_open().count()
    facts = reverse("admin:pages_clinicfact_changelist")
    line = {
        "name": "Facts about this practice to write",
        "number": number,
        "url": f"{facts}?answer=required",
    }
    return [line] if number else []

"""The patient's own page, behind a signed link. GET shows; POST acts."""

from django.shortcuts import redirect, render
from django.utils import timezone

from bookings import lifecycle, links


def confirm(request, token):
    """Confirm the address that the link was sent to."""
    now = timezone.now()
    try:
        link = links.read(token, "confirm_request", now=now)
        if request.method == "POST":
            verified = lifecycle.verify(link.request, now=now)
            return redirect("manage_request", links.token(verified, "manage_request", now=now))
    except (links.DeadLink, lifecycle.Refused):
        return render(request, "bookings/manage/dead_link.html", status=404)
    return render(request, "bookings/manage/confirm.html", {"asked": link.request})


def manage(request, token):
    """The state of a request in plain words."""
    try:
        link = links.read(token, "manage_request", now=timezone.now())
    except links.DeadLink:
        return render(request, "bookings/manage/dead_link.html", status=404)
    return render(request, "bookings/manage/request.html", {"asked": link.request})

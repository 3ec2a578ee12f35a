"""The written estimate on the patient's own page. GET shows it; the button that leads here notes that."""

from django.shortcuts import redirect, render

from bookings import estimates, lifecycle, links
from bookings.views.manage import opened_by


@opened_by("manage_request")
def estimate(request, asked, *, now):
    """The last estimate as it was given; it never changes. Where there is none, the page of the request."""
    token = links.token(asked, "manage_request", now=now)
    last = asked.estimates.select_related("location").last()
    if last is None:
        return redirect("manage_request", token)
    if request.method == "POST":
        lifecycle.open_estimate(asked, now=now)
        return redirect("request_estimate", token)
    visit = asked.appointment
    context = {
        "asked": asked,
        "place": asked.location,
        "token": token,
        "estimate": last,
        "is_current": visit is not None and estimates.given(asked, visit) == last,
    }
    return render(request, "bookings/manage/estimate.html", context)

"""Ask us to call you: two fields for those who cannot look at a screen for long."""

import uuid

from django.conf import settings
from django.core import signing
from django.shortcuts import redirect, render
from django.utils import timezone

from bookings import lifecycle, shield
from bookings.models import AppointmentRequest, Location
from bookings.questions import CallForm
from bookings.views import journey

SIGNER = signing.Signer(salt="bookings.call")


def call(request):
    """The form brings the name of its submission along, signed, so that pressing twice asks once."""
    location = Location.objects.filter(is_listed=True).first()
    form = CallForm(request.POST if request.method == "POST" else None)
    now = timezone.now()
    submission, status = _submission(request.POST.get("submission", "")), 422 if form.is_bound else 200
    if location and form.is_valid():
        asked = lifecycle.submit(
            submission=submission,
            asks_for=AppointmentRequest.AsksFor.CALL,
            location=location,
            contact_by=AppointmentRequest.ContactBy.PHONE,
            is_suspect=shield.is_suspect(request.POST, request.META, now=now),
            network=shield.network(request.META),
            now=now,
            **form.cleaned_data,
        )
        # What is taken leaves a session beside it. Taken already, it would leave one with each press.
        if asked.created_at == now or journey.may_begin(request, now=now):
            journey.begin(request, {"sent": asked.reference}, submission)
            return redirect("request_sent", submission)
        form.add_error(None, f"We have this request. To change it, call us at {settings.CLINIC['phone']}.")
        status = 429
    context = {
        "form": form,
        "location": location,
        "submission": SIGNER.sign(submission),
        "began": shield.stamp(request.POST, now=now),
    }
    return render(request, "bookings/call.html", context, status=status)


def _submission(text):
    """The name that we gave this form; a new one where there is none. Nobody can make one up."""
    try:
        return uuid.UUID(SIGNER.unsign(text))
    except signing.BadSignature:
        return uuid.uuid4()

"""After sending: what happens next, taking it back, and mending a wrong address.

Only the browser that sent the request sees these pages; the reference alone opens nothing.
"""

from contextlib import suppress

from django.shortcuts import redirect, render
from django.utils import timezone

from bookings import lifecycle, messages
from bookings.forms import ContactForm
from bookings.models import AppointmentRequest, Message

Status = AppointmentRequest.Status
HEADINGS = {Status.WITHDRAWN: "Your request is canceled"}
DONE = {
    "again": "The email is on its way. We send it at most every 10 minutes.",
    "withheld": "We did not send the email again: there were several to this address in the last hour.",
    "contact": "We have changed how we can reach you.",
}


def sent(request, journey):
    """What was asked for and what happens next, in its present state."""
    asked = _asked(request, journey)
    if asked is None:
        return _lost(request)
    location, appointment = asked.location, asked.appointment
    state, unsent = _state(asked)
    held_until = appointment.held_until if appointment else None
    is_held = bool(held_until and held_until > timezone.now())
    context = {
        "asked": asked,
        "journey": journey,
        "state": state,
        "is_withheld": bool(unsent and unsent.error == messages.TOO_MANY),
        "held_until": location.time_in_words(held_until) if is_held else None,
        "heading": HEADINGS.get(state, "We have your request"),
        "time": location.time_in_words(asked.wanted_at) if asked.wanted_at else None,
        "booked": location.time_in_words(appointment.starts_at) if appointment else None,
        "reply_until": location.time_in_words(asked.reply_until),
        "way": "by phone" if asked.contact_by == AppointmentRequest.ContactBy.PHONE else "by email",
        "periods": asked.periods.all(),
        "is_open": asked.status in AppointmentRequest.OPEN,
        "done": DONE.get(request.GET.get("done")),
    }
    return render(request, "bookings/sent.html", context)


def _state(asked):
    """What the page is about, and the email to confirm the address where it was not sent or delivered."""
    if asked.status != Status.UNVERIFIED:
        return "waits" if asked.status == Status.PENDING else asked.status, None
    if asked.is_suspect:
        return "suspect", None
    if not asked.email:
        return "waits", None
    unsent = messages.unsent(asked, Message.Kind.VERIFY)
    return "unsent" if unsent else "confirm", unsent


def undo(request, journey):
    """Take the request back, for as long as it is open."""
    asked = _asked(request, journey)
    if asked is None:
        return _lost(request)
    if request.method == "POST":
        with suppress(lifecycle.Refused):  # the page shows what the request is by now
            lifecycle.withdraw(asked, now=timezone.now())
    return redirect("request_sent", journey)


def again(request, journey):
    """Send the email that asks to confirm the address once more."""
    asked = _asked(request, journey)
    if asked is None:
        return _lost(request)
    if request.method != "POST" or asked.status != Status.UNVERIFIED:
        return redirect("request_sent", journey)
    if asked.is_suspect:
        return redirect("request_sent", journey)
    is_leaving = messages.send_again(asked, Message.Kind.VERIFY, now=timezone.now())
    return _done(journey, "again" if is_leaving else "withheld")


def contact(request, journey):
    """Mend a wrong address or number; to a new address the email is sent anew."""
    asked = _asked(request, journey)
    if asked is None:
        return _lost(request)
    if asked.status not in AppointmentRequest.OPEN:
        return redirect("request_sent", journey)
    known = {"email": asked.email, "phone": asked.phone, "contact_by": asked.contact_by}
    form = ContactForm(request.POST if request.method == "POST" else None, initial=known)
    if asked.asks_for == AppointmentRequest.AsksFor.CALL:
        form.answer_by_phone()
    now = timezone.now()
    too_often = not lifecycle.may_correct_contact(asked)
    if form.is_valid() and not too_often:
        try:
            lifecycle.correct_contact(asked, now=now, **form.cleaned_data)
        except lifecycle.Refused:
            return redirect("request_sent", journey)
        return _done(journey, "contact")
    context = {"form": form, "asked": asked, "journey": journey, "too_often": too_often}
    return render(request, "bookings/sent_contact.html", context, status=422 if form.is_bound else 200)


def _asked(request, journey):
    """The request that this browser sent under this token; None for any other."""
    reference = request.session.get("journeys", {}).get(str(journey), {}).get("sent")
    return (
        AppointmentRequest.objects.select_related("location", "visit_type")
        .filter(reference=reference, erased_at=None)
        .first()
    )


def _lost(request):
    return render(request, "bookings/journey_lost.html", status=404)


def _done(journey, what):
    response = redirect("request_sent", journey)
    response["Location"] += f"?done={what}"
    return response

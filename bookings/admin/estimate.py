"""The good-faith estimate: who pays, when it is due, the sheet itself and whether it was given.

What the sheet must say: 45 CFR 149.610(c)(1). What we do not know is left blank, to fill in by hand.
"""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from bookings import estimates, trail
from bookings.admin.questions import ActForm, radios
from bookings.admin.wording import tag
from bookings.forms import PAYS_SELF
from bookings.models import Appointment, AppointmentRequest, Estimate, Message

How = Estimate.How


class PaymentForm(ActForm):
    pays_self = radios(
        "How will the patient pay?",
        [
            ("yes", "Without insurance: they have none, or do not use it for this visit"),
            ("no", "With insurance"),
            ("unsure", "They are not sure yet"),
        ],
        help_text="Who pays without insurance must get a written estimate.",
        sentence="Select how the patient will pay",
    )

    def clean_pays_self(self):
        return PAYS_SELF[self.cleaned_data["pays_self"]]


class EstimateForm(ActForm):
    how = radios(
        "How did the patient get it?",
        [choice for choice in How.choices if choice[0] != How.EMAIL],
        sentence="Select how the patient got the estimate",
    )


def has_booked_visit(asked, now):
    visit = asked.appointment
    return bool(asked.pays_self and visit and visit.status == Appointment.Status.BOOKED)


def can_be_sent(asked, now):
    return bool(asked.email) and has_booked_visit(asked, now)


def state(asked, *, now):
    """By when the estimate is owed or, where it was given, what became of it; empty where none is owed."""
    if asked.estimate_due_on and has_booked_visit(asked, now):
        day = date_format(asked.estimate_due_on, "F j")
        is_late = asked.estimate_due_on < asked.location.local(now).date()
        return format_html("{} {}", tag("stopped", "late") if is_late else tag("waiting", "due"), day)
    last = max(asked.estimates.all(), key=lambda one: one.pk, default=None)
    if last is None:
        return "none"
    return format_html("{}{}", _became(asked, last), _not_for_it(asked, last))


def _not_for_it(asked, last):
    """What differs between the visit as it was estimated and as it is; the kind by the name that it had."""
    visit = asked.appointment
    if visit and estimates.given(asked, visit) == last:
        return ""
    if visit is None or visit.starts_at != last.starts_at:
        return ", for another time"
    return ", for another place" if asked.location_id != last.location_id else f", for “{last.visit}”"


def _became(asked, last):
    """Whether the estimate that was given last arrived and was opened."""

    def on(instant):
        return date_format(asked.location.local(instant), "F j")

    if last.opened_at:
        return f"opened {on(last.opened_at)}"
    if last.how != How.EMAIL:
        return f"given {on(last.at)}"
    sent = [one for one in asked.messages.all() if one.kind == Message.Kind.ESTIMATE]
    message = max(sent, key=lambda one: one.pk)
    if message.status == Message.Status.FAILED:
        return tag("stopped", "not delivered")
    if message.status == Message.Status.SENT:
        return f"sent {on(message.sent_at)}, not opened yet"
    return message.get_status_display()


def sheet(request, pk):
    """The estimate on one page, to print: as it was given for this visit, else (and for `?new`) as it
    would be given now.

    Looking at it gives it to nobody: an act records that.
    """
    if not request.user.has_perm("bookings.decide_request"):
        raise PermissionDenied
    asked = get_object_or_404(AppointmentRequest.objects.select_related("location", "visit_type"), pk=pk)
    now = timezone.now()
    trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=now)
    visit = asked.appointment
    given = estimates.given(asked, visit) if visit and "new" not in request.GET else None
    return TemplateResponse(
        request,
        "admin/bookings/estimate.html",
        {
            **admin.site.each_context(request),
            "asked": asked,
            "location": asked.location,
            "estimate": given or estimates.draft(asked, visit),
            "made": given.made_on if given else asked.location.day_in_words(now),
        },
    )

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

from bookings import trail
from bookings.admin.questions import ActForm, radios
from bookings.models import Appointment, AppointmentRequest, Estimate


class PaymentForm(ActForm):
    pays_self = radios(
        "How will the patient pay?",
        [
            ("yes", "Without insurance: they have none, or do not use it for this visit"),
            ("no", "With insurance"),
        ],
        help_text="Who pays without insurance must get a written estimate.",
        sentence="Select how the patient will pay",
    )

    def clean_pays_self(self):
        return self.cleaned_data["pays_self"] == "yes"


class EstimateForm(ActForm):
    how = radios(
        "How did the patient get it?",
        Estimate.How.choices,
        sentence="Select how the patient got the estimate",
    )


def has_booked_visit(asked, now):
    visit = asked.appointment
    return bool(asked.pays_self and visit and visit.status == Appointment.Status.BOOKED)


def state(asked, *, now):
    """Whether the estimate was given, or by when it must be; empty where none is owed."""
    given = max(asked.estimates.all(), key=lambda one: one.pk, default=None)
    if given:
        return f"given {date_format(asked.location.local(given.at), 'F j')}"
    if not asked.estimate_due_on or not has_booked_visit(asked, now):
        return "none"
    day = date_format(asked.estimate_due_on, "F j")
    if asked.estimate_due_on < asked.location.local(now).date():
        return format_html('<span class="tag tag--stopped">late</span> {}', day)
    return format_html('<span class="tag tag--waiting">due</span> {}', day)


def sheet(request, pk):
    """The estimate on one page, to print. Looking at it gives it to nobody: an act records that."""
    if not request.user.has_perm("bookings.decide_request"):
        raise PermissionDenied
    asked = get_object_or_404(AppointmentRequest.objects.select_related("location", "visit_type"), pk=pk)
    trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=timezone.now())
    visit = asked.appointment
    location = asked.location
    return TemplateResponse(
        request,
        "admin/bookings/estimate.html",
        {
            **admin.site.each_context(request),
            "asked": asked,
            "location": location,
            "visit_type": asked.visit_type,
            "when": location.time_in_words(visit.starts_at) if visit else "",
            "made": location.day_in_words(timezone.now()),
        },
    )

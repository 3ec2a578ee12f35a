"""A copy for a patient of all that we hold about them: one file to read, one for machines.

Both are written from the same rows by the same names, so that neither says more than the other.
Members of staff are not named in it: a patient learns what was done, and how often somebody looked.
"""

import json
from collections import Counter
from datetime import date, datetime
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone

from bookings import trail
from bookings.admin import wording
from bookings.admin.finding import national, plain
from bookings.models import AppointmentRequest, Message, Viewing

EXPORT = "bookings.export_requests"
SHORTEST_NUMBER = 7  # digits: what is shorter would be the end of many a number

# Every name in the file for machines, and what it means. The file to read has the meanings alone.
MEANINGS = {
    "reference": "Reference",
    "asked_at": "Asked on",
    "came_by": "Asked through",
    "state": "State now",
    "declined_because": "Why it was declined",
    "patient_name": "Name of the patient",
    "asked_by": "Name of who asked for the patient",
    "email": "Email address",
    "phone": "Phone number",
    "contact_by": "Answer by",
    "may_leave_message": "We may leave a message on a machine or with whoever answers",
    "confirmed_at": "Address or number confirmed on",
    "may_be_robot": "Looked as if a robot had sent it",
    "network": "Code for the network it was sent from, kept until it is decided",
    "visit_type": "Kind of visit",
    "location": "Place",
    "asked_visit_type": "Kind of visit asked for at first, where another was offered",
    "asked_location": "Place asked for at first, where another was offered",
    "asks_for": "Asked for",
    "wanted_at": "Time asked for",
    "days_that_suit": "Days that would suit",
    "needs": "What would help on the day",
    "language": "Language of an interpreter",
    "note": "What we should prepare",
    "pays_without_insurance": "Pays without insurance",
    "estimate_due_on": "Written estimate due by",
    "answer_promised_by": "Answer promised by",
    "ends_by_itself_at": "Ends by itself on",
    "visits": "Times held or booked",
    "history": "What was done",
    "notes": "Notes of our staff",
    "messages": "Emails",
    "estimates": "Written estimates",
    "looked_at": "How often our staff looked at this request",
    "changed": "How often a row about this request was changed",
    "at": "When",
    "starts_at": "From",
    "ends_at": "Until",
    "who": "Who",
    "what": "What",
    "text": "Words",
    "to": "To",
    "due_at": "To be sent from",
    "sent_at": "Sent on",
    "attempts": "Tried how often",
    "problem": "What went wrong",
    "held_until": "Held until",
    "result": "What came of it",
    "schedule": "Room or chair",
    "cancelled_because": "Why it was cancelled",
    "price": "Price in dollars",
    "how": "How it was given",
    "summary": "What is done",
    "address": "Address",
    "opened_at": "First opened on",
    "times": "How often",
    "people": "By how many people",
}


def same_person(asked: AppointmentRequest):
    """All requests by the same address or number, this one first. They may be of several people."""
    same = Q(pk=asked.pk)
    if asked.person:
        same |= Q(person=asked.person)
    if asked.email:
        # Of the address alone there is no index, but of all that is searched.
        same |= Q(names__contains=plain(asked.email), email__iexact=asked.email)
    if len(number := national(asked.phone)) >= SHORTEST_NUMBER:
        same |= Q(digits__endswith=number)
    found = AppointmentRequest.objects.filter(same, erased_at=None).select_related(
        "visit_type", "location", "asked_visit_type", "asked_location"
    )
    return sorted(found, key=lambda one: (one.pk != asked.pk, one.created_at, one.pk))


class CopyForm(forms.Form):
    """Which of the requests belong into the copy."""

    requests = forms.TypedMultipleChoiceField(coerce=int)

    def __init__(self, *args, found, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["requests"].choices = [(asked.pk, asked.reference) for asked in found]


@transaction.atomic
def page(request, pk):
    """Choose what is about this person; POST gives the file. Both are recorded."""
    if not request.user.has_perm(EXPORT):
        raise PermissionDenied
    asked = get_object_or_404(AppointmentRequest, pk=pk, erased_at=None)
    now, found = timezone.now(), same_person(asked)
    form = CopyForm(request.POST if request.method == "POST" else None, found=found)
    if form.is_valid():
        chosen = [one for one in found if one.pk in form.cleaned_data["requests"]]
        trail.viewed(request.user, chosen, kind=trail.Kind.EXPORT, now=now)
        return saved(chosen, asked.reference, for_machines="machines" in request.POST, now=now)
    trail.viewed(request.user, found, kind=trail.Kind.SEARCH, now=now)
    ticked = {one.pk for one in found if plain(one.patient_name) == plain(asked.patient_name)}
    context = {
        **admin.site.each_context(request),
        "title": f"A copy for the patient: {asked.reference}",
        "original": asked,
        "nothing_chosen": form.is_bound,
        "found": [
            (one, wording.state(one), wording.when(one), one.pk in ticked and not form.is_bound)
            for one in found
        ],
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "admin/bookings/person.html", context, status=status)


def saved(chosen: list[AppointmentRequest], name: str, *, for_machines: bool, now: datetime) -> HttpResponse:
    """The file. Its name tells the reference and nothing about anybody."""
    held = [(asked.location, everything(asked)) for asked in chosen]
    if for_machines:
        text = json.dumps(
            {
                "what": "All that is held about a person who asked for an appointment",
                "made_at": now,
                "meanings": MEANINGS,
                "requests": [one for _, one in held],
            },
            cls=DjangoJSONEncoder,
            ensure_ascii=False,
            indent=2,
        )
        kind, ending = "application/json", "json"
    else:
        made = chosen[0].location.time_in_words(now)
        parts = [(one["reference"], *in_words(one, location)) for location, one in held]
        text = render_to_string(
            "admin/bookings/person_copy.html", {"clinic": settings.CLINIC, "made": made, "parts": parts}
        )
        kind, ending = "text/html; charset=utf-8", "html"
    disposition = f'attachment; filename="{quote(name)}.{ending}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return HttpResponse(text, content_type=kind, headers=headers)


def everything(asked: AppointmentRequest) -> dict:
    """All that is held about one request, by the names in MEANINGS. Times are aware, prices decimal."""
    return {
        "reference": asked.reference,
        "asked_at": asked.created_at,
        "came_by": asked.get_created_via_display(),
        "state": asked.get_status_display(),
        "declined_because": asked.get_reason_display(),
        "patient_name": asked.patient_name,
        "asked_by": asked.asked_by,
        "email": asked.email,
        "phone": asked.phone,
        "contact_by": asked.get_contact_by_display(),
        "may_leave_message": asked.may_leave_message,
        "confirmed_at": asked.verified_at,
        "may_be_robot": asked.is_suspect,
        "network": asked.network,
        "visit_type": asked.visit_type and asked.visit_type.name,
        "location": asked.location.name,
        "asked_visit_type": asked.asked_visit_type and asked.asked_visit_type.name,
        "asked_location": asked.asked_location and asked.asked_location.name,
        "asks_for": asked.get_asks_for_display(),
        "wanted_at": asked.wanted_at,
        "days_that_suit": [str(period) for period in asked.periods.all()],
        "needs": [AppointmentRequest.Need(need).label for need in asked.needs],
        "language": asked.language,
        "note": asked.note,
        "pays_without_insurance": asked.pays_self,
        "estimate_due_on": asked.estimate_due_on,
        "answer_promised_by": asked.reply_until,
        "ends_by_itself_at": asked.expires_at,
        "visits": [
            {
                "starts_at": visit.starts_at,
                "ends_at": visit.ends_at,
                "held_until": visit.held_until,
                "schedule": visit.schedule.name,
                "result": visit.get_status_display(),
                "cancelled_because": visit.get_cancel_reason_display(),
            }
            for visit in asked.appointments.select_related("schedule")
        ],
        "history": [
            {"at": event.at, "who": _who(event), "what": wording.sentence(event)}
            for event in asked.events.select_related("by", "request__location")
        ],
        "notes": [{"at": note.at, "text": note.text} for note in asked.notes.all()],
        "messages": [
            {
                "what": message.get_kind_display(),
                "to": "the clinic" if message.kind in Message.TO_STAFF else "the patient",
                "due_at": message.due_at,
                "sent_at": message.sent_at,
                "attempts": message.attempts,
                "problem": message.error,
                "result": message.get_status_display(),
            }
            for message in asked.messages.all()
        ],
        "estimates": [
            {
                "at": estimate.at,
                "starts_at": estimate.starts_at,
                "visit_type": estimate.visit,
                "summary": estimate.summary,
                "address": estimate.address,
                "price": estimate.price,
                "how": estimate.get_how_display(),
                "opened_at": estimate.opened_at,
            }
            for estimate in asked.estimates.all()
        ],
        "looked_at": looks(asked),
        "changed": trail.changes_of(asked).count(),
    }


def looks(asked: AppointmentRequest) -> list[dict]:
    """How often members of staff saw the request, by the kind of look, and how many they were."""
    seen = Viewing.objects.filter(requests__contains=[asked.pk]).order_by()
    times, people = Counter(), {}
    for kind, by in seen.values_list("kind", "by"):
        times[kind] += 1
        people.setdefault(kind, set()).add(by)
    return [
        {"what": kind.label, "times": times[kind], "people": len(people[kind])}
        for kind in Viewing.Kind
        if times[kind]
    ]


def in_words(held: dict, location) -> tuple[list, list]:
    """The same for people: facts as (meaning, value), and groups as (meaning, their entries of facts)."""
    facts, groups = [], []
    for name, value in held.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            entries = [
                [(MEANINGS[key], _word(one, location)) for key, one in entry.items()] for entry in value
            ]
            groups.append((MEANINGS[name], entries))
        else:
            facts.append((MEANINGS[name], _word(value, location)))
    return facts, groups


def _word(value, location):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return location.time_in_words(value)
    if isinstance(value, date):
        return f"{value:%B} {value.day}, {value.year}"
    if isinstance(value, list):
        return "; ".join(value) or "none"
    return "none" if value in (None, "") else str(value)


def _who(event):
    return "our staff" if event.by else event.who

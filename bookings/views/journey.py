"""Asking for an appointment, one question a page.

The answers lie in the session under a token of their own, so that two tabs do not mix. The token is
also the name of the submission: however often it is sent, it makes one request.
"""

import uuid
from datetime import datetime

from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_cookie

from bookings import lifecycle
from bookings.forms import CheckForm, VisitForm, WhenForm, WhereForm, WhoForm, YouForm, length_in_words
from bookings.models import AppointmentRequest, Location, VisitType
from bookings.views import times

STEPS = {
    "who": WhoForm,
    "visit": VisitForm,
    "where": WhereForm,
    "when": WhenForm,
    "you": YouForm,
    "check": CheckForm,
}
NAMES = list(STEPS)
# What must be asked again when an answer changes: another visit type may not be given there, or then.
DEPENDING_ON = {"who": ["you"], "visit": ["where", "when"], "where": ["when"]}
JOURNEYS_KEPT = 5  # in one session; older ones make room


@require_GET
@cache_control(public=True, max_age=60)
@vary_on_cookie
def start(request):
    return render(request, "bookings/start.html")


def first_step(request):
    """The first question; answering it begins a journey."""
    form = WhoForm(request.POST if request.method == "POST" else None, answers={})
    if not form.is_valid():
        return _show(request, "who", form, status=422 if form.is_bound else 200)
    journeys = request.session.setdefault("journeys", {})
    while len(journeys) >= JOURNEYS_KEPT:
        del journeys[next(iter(journeys))]
    token = str(uuid.uuid4())
    journeys[token] = {"who": form.cleaned_data}
    request.session.modified = True
    return redirect("request_step", token, "visit")


def step(request, journey, step):
    """One question of a journey that has begun."""
    answers = request.session.get("journeys", {}).get(str(journey))
    if answers is None:
        return render(request, "bookings/journey_lost.html", status=404)
    if "sent" in answers:
        return redirect("request_sent", journey)
    missing = next((name for name in NAMES[: NAMES.index(step)] if name not in answers), None)
    if missing:
        return redirect("request_step", journey, missing)
    initial = answers.get(step) or answers.get("before", {}).get(step)
    form = STEPS[step](request.POST if request.method == "POST" else None, answers=answers, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _answered(request, journey, step, answers, form)
    return _show(request, step, form, journey=journey, status=422 if form.is_bound else 200)


def sent(request, journey):
    """What was asked for and what happens next; only the browser that asked can see it."""
    reference = request.session.get("journeys", {}).get(str(journey), {}).get("sent")
    if reference is None:
        return render(request, "bookings/journey_lost.html", status=404)
    asked = get_object_or_404(
        AppointmentRequest.objects.select_related("location", "visit_type"), reference=reference
    )
    return render(
        request,
        "bookings/sent.html",
        {
            "asked": asked,
            "time": asked.location.time_in_words(asked.wanted_at),
            "reply_until": asked.location.time_in_words(asked.reply_until),
        },
    )


def _answered(request, journey, step, answers, form):
    """Keep the answer and go on: to the first question still open, or back to the check page."""
    if step == "check":
        return _send(request, journey, answers)
    if answers.get(step) != form.cleaned_data:
        for later in DEPENDING_ON.get(step, []):
            _ask_again(answers, later)
    answers[step] = form.cleaned_data
    answers.pop("gone", None)
    request.session.modified = True
    return redirect("request_step", journey, next(name for name in NAMES if name not in answers))


def _ask_again(answers, step):
    """Put the answer aside: the question comes again with it filled in."""
    if step in answers:
        answers.setdefault("before", {})[step] = answers.pop(step)


def _send(request, journey, answers):
    visit_type, location, starts_at = _chosen(answers)
    try:
        asked = lifecycle.submit(
            submission=journey,
            visit_type=visit_type,
            location=location,
            starts_at=starts_at,
            now=timezone.now(),
            **answers["you"],
        )
    except lifecycle.TimeGone:
        _ask_again(answers, "when")
        answers["gone"] = starts_at.isoformat()
        request.session.modified = True
        return redirect("request_step", journey, "when")
    # What was typed is no longer needed here; the reference is, to show this page again.
    request.session["journeys"][str(journey)] = {"sent": asked.reference}
    request.session.modified = True
    return redirect("request_sent", journey)


def _chosen(answers):
    return (
        get_object_or_404(VisitType, slug=answers["visit"]["visit"]),
        get_object_or_404(Location, slug=answers["where"]["where"]),
        datetime.fromisoformat(answers["when"]["start"]),
    )


def _show(request, step, form, *, journey=None, status=200):
    position = NAMES.index(step)
    context = {
        "form": form,
        "step": step,
        "journey": journey,
        "previous": NAMES[position - 1] if position else None,
        "question": STEPS[step].question,
        "number": position + 1,
        "of": len(NAMES),
        **EXTRAS.get(step, lambda request, form: {})(request, form),
    }
    templates = [f"bookings/steps/{step}.html", "bookings/steps/question.html"]
    return render(request, templates, context, status=status)


def _when(request, form):
    visit_type = get_object_or_404(VisitType, slug=form.answers["visit"]["visit"])
    location = get_object_or_404(Location, slug=form.answers["where"]["where"])
    gone = form.answers.get("gone")
    return times.screen(
        form,
        visit_type,
        location,
        request.GET,
        gone=datetime.fromisoformat(gone) if gone else None,
        now=timezone.now(),
    )


def _check(request, form):
    visit_type, location, starts_at = _chosen(form.answers)
    return {
        "visit_type": visit_type,
        "length": length_in_words(visit_type.minutes),
        "location": location,
        "time": location.time_in_words(starts_at),
        "who": form.answers["who"]["who"],
        "you": form.answers["you"],
        "contact_by": AppointmentRequest.ContactBy(form.answers["you"]["contact_by"]).label,
    }


EXTRAS = {"when": _when, "check": _check}

"""Asking for an appointment, one question a page.

The answers lie in the session under a token of their own, so that two tabs do not mix. The token is
also the name of the submission: however often it is sent, it makes one request.

The wizard of django-formtools keeps one set of answers for a whole session and asks none of them
again when an earlier one changes: tokens, deep links and reopened questions would be built around it.
"""

import ipaddress
import uuid
from contextlib import nullcontext
from datetime import datetime, timedelta

from django.conf import settings
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from bookings import availability, lifecycle, shield
from bookings.forms import PAYS_SELF
from bookings.models import AppointmentRequest, Location, VisitType
from bookings.questions import (
    CheckForm,
    DayForm,
    DaysForm,
    PayForm,
    VisitForm,
    WaitingListForm,
    WhenCalledForm,
    WhenForm,
    WhereForm,
    WhoForm,
    YouForm,
    length_and_price,
    locations_for,
    period,
    visits,
    visits_after_consultation,
)
from bookings.views import linked, times
from bookings.views.places import one_moment

STEPS = {
    "who": WhoForm,
    "visit": VisitForm,
    "where": WhereForm,
    "when": WhenForm,
    "you": YouForm,
    "day": DayForm,
    "pay": PayForm,
    "check": CheckForm,
}
# The exits of the question when: a page each, in place of its times.
OTHER_WHEN = {"days": DaysForm, "waiting-list": WaitingListForm, "call": WhenCalledForm}
# What must be asked again when an answer changes: another visit type may not be given there, or then.
DEPENDING_ON = {"who": ["you"], "visit": ["where", "when"], "where": ["when"]}
JOURNEYS_KEPT = 5  # in one session; older ones make room
# Each browser that begins leaves a row in the table of sessions for a day. One address (IPv4, or IPv6 /64)
# may leave 200 of them: 60 in an hour is what asks of a whole clinic on its busiest day, and a waiting room
# or a phone company's shared address stays far below. Its network (/24, or /48) may leave 2,000.
BEGINNINGS = [
    (32, 64, shield.Cap(60, timedelta(hours=1))),
    (32, 64, shield.Cap(200, timedelta(days=1))),
    (24, 48, shield.Cap(2000, timedelta(days=1))),
]


@require_safe
@vary_on_cookie
def start(request):
    """What will happen. A link from elsewhere may bring the visit, the place and the time along."""
    with one_moment() if request.GET else nullcontext():  # without a link it asks the database for nothing
        brought = linked.read(request.GET, now=timezone.now())
        # The last step asks nothing.
        response = render(request, "bookings/start.html", {"linked": brought, "questions": len(STEPS) - 1})
    if brought is None:
        patch_cache_control(response, public=True, max_age=60)
    return response


def first_step(request):
    """The first question; answering it begins a journey."""
    form = WhoForm(request.POST if request.method == "POST" else None, answers={})
    if not form.is_valid():
        return _show(request, "who", form, _path({}), status=422 if form.is_bound else 200)
    if not may_begin(request, now=timezone.now()):
        form.add_error(
            None,
            "Many requests were started from your network today. Call us at "
            f"{settings.CLINIC['phone']}, or try again later.",
        )
        return _show(request, "who", form, _path({}), status=429)
    brought = linked.read(request.GET, now=timezone.now())
    answers = {"who": form.answer(), "began": request.POST.get(shield.BEGAN, "")}
    _note_decoy(request, answers)
    if brought:
        answers.update(brought.answers())
    if brought and brought.start and not brought.is_free:
        answers["gone"] = brought.start.isoformat()
    journey = begin(request, answers)
    return redirect("request_step", journey, _next_question(_path(answers), answers))


def may_begin(request, *, now: datetime) -> bool:
    """Count a browser that begins; False where its address or its network has begun too often."""
    address = shield.client_address(request.META)
    if "journeys" in request.session or address is None:
        return True
    return all(
        shield.count(f"begun at {_network(address, of_4, of_6)} in {cap.window}", *cap, now=now)
        for of_4, of_6, cap in BEGINNINGS
    )


def _network(address, of_4, of_6):
    return ipaddress.ip_network((address, of_4 if address.version == 4 else of_6), strict=False)


def begin(request, answers: dict, journey: uuid.UUID | None = None) -> str:
    """Keep the answers of a new journey in the session; gives its token."""
    journeys = request.session.setdefault("journeys", {})
    while len(journeys) >= JOURNEYS_KEPT:
        del journeys[next(iter(journeys))]
    token = str(journey or uuid.uuid4())
    journeys[token] = answers
    request.session.modified = True
    return token


def step(request, journey, step, other=None):
    """One question of a journey that has begun; `other` names an exit of the question when."""
    answers = request.session.get("journeys", {}).get(str(journey))
    if answers is None:
        return render(request, "bookings/journey_lost.html", status=404)
    if "sent" in answers:
        return redirect("request_sent", journey)
    _put_aside_what_is_gone(answers)
    path = _path(answers)
    if step not in path or any(name not in answers for name in path[: path.index(step)]):
        return redirect("request_step", journey, _next_question(path, answers))
    form = _form(request, step, other, answers)
    if request.method == "POST":
        _note_decoy(request, answers)
    if request.method == "POST" and form.is_valid():
        return _answered(request, journey, step, path, answers, form)
    return _show(
        request, step, form, path, journey=journey, other=other, status=422 if form.is_bound else 200
    )


def _note_decoy(request, answers):
    if decoy := request.POST.get(shield.DECOY, "").strip():
        answers["decoy"] = decoy[:1]
        request.session.modified = True


def _form(request, step, other, answers):
    data = request.POST if request.method == "POST" else None
    initial = answers.get(step) or answers.get("before", {}).get(step)
    if other is None:
        return STEPS[step](data, answers=answers, initial=initial)
    visit_type, location = _chosen(answers)
    now = timezone.now()
    return OTHER_WHEN[other](
        data,
        answers=answers,
        initial=initial,
        today=location.local(now).date(),
        last_day=availability.limits(visit_type, location, now=now)[1],
    )


def _answered(request, journey, step, path, answers, form):
    """Keep the answer and go on: to the first question still open, or back to the check page."""
    if step == "check":
        return _send(request, journey, path, answers)
    answer = form.answer()
    if answers.get(step) != answer:
        for later in DEPENDING_ON.get(step, []):
            _ask_again(answers, later)
    if step == "when" and answer["asks_for"] == AppointmentRequest.AsksFor.CALL:
        _ask_again(answers, "you")  # a call needs a number
    answers[step] = answer
    answers.pop("gone", None)
    request.session.modified = True
    if step == "visit":  # only this answer changes what else is asked
        path = _path(answers)
    return redirect("request_step", journey, _next_question(path, answers))


def _path(answers):
    """The questions of this journey in order; where there is only one place, it is not asked for.

    Who pays is asked for a visit that has a price: without one there is nothing to estimate yet.
    """
    steps = [name for name in STEPS if name != "pay" or _has_price(answers)]
    if "visit" not in answers:
        return steps
    places = list(locations_for(answers["visit"]["visit"])[:2])
    if len(places) != 1:
        return steps
    answers.setdefault("where", {"where": places[0].slug})
    return [name for name in steps if name != "where"]


def _has_price(answers):
    chosen = answers.get("visit", {}).get("visit")
    return chosen is not None and VisitType.objects.filter(slug=chosen, price__isnull=False).exists()


def _next_question(path, answers):
    return next(name for name in path if name not in answers)


def _ask_again(answers, step):
    """Put the answer aside: the question comes again with it filled in."""
    if step in answers:
        answers.setdefault("before", {})[step] = answers.pop(step)


def _put_aside_what_is_gone(answers):
    """The clinic may have changed what it offers, or where, since it was chosen."""
    visit = answers.get("visit", {}).get("visit")
    if visit and not visits().filter(slug=visit).exists():
        for step in ("visit", "where", "when"):
            _ask_again(answers, step)
    elif "where" in answers and not locations_for(visit).filter(slug=answers["where"]["where"]).exists():
        for step in ("where", "when"):
            _ask_again(answers, step)


def _send(request, journey, path, answers):
    visit_type, location = _chosen(answers)
    when = answers["when"]
    wanted = {"starts_at": datetime.fromisoformat(when["start"])} if when["asks_for"] == "time" else {}
    you, now = answers["you"], timezone.now()
    # The clock of the whole journey: it began with the first question.
    seen = {shield.BEGAN: answers.get("began", ""), shield.DECOY: answers.get("decoy", "")}
    try:
        asked = lifecycle.submit(
            submission=journey,
            visit_type=visit_type,
            location=location,
            asks_for=when["asks_for"],
            periods=[period(**fields) for fields in when.get("periods", [])],
            is_suspect=shield.is_suspect(seen, request.META, now=now),
            network=shield.network(request.META),
            pays_self=PAYS_SELF[answers["pay"]["pays_self"]] if "pay" in path else None,
            now=now,
            **wanted,
            **you,
            **answers["day"],
        )
    except lifecycle.TimeGone:
        _ask_again(answers, "when")
        answers["gone"] = when.get("start")
        request.session.modified = True
        return redirect("request_step", journey, "when")
    except lifecycle.Refused:  # by now the visit comes after a consultation only
        for step in ("visit", "where", "when"):
            _ask_again(answers, step)
        request.session.modified = True
        return redirect("request_step", journey, "visit")
    # What was typed is no longer needed here; the reference is, to show this page again.
    request.session["journeys"][str(journey)] = {"sent": asked.reference}
    request.session.modified = True
    return redirect("request_sent", journey)


def _chosen(answers):
    return (
        VisitType.objects.get(slug=answers["visit"]["visit"]),
        Location.objects.get(slug=answers["where"]["where"]),
    )


def _show(request, step, form, path, *, journey=None, other=None, status=200):
    position = path.index(step)
    previous = "when" if other else path[position - 1] if position else None
    context = {
        "form": form,
        "step": step,
        "journey": journey,
        "back": reverse("request_step", args=[journey, previous])
        if journey and previous
        else reverse("start_request"),
        "question": form.question,
        "began": shield.stamp(request.POST, now=timezone.now()),
        "number": position + 1,
        "of": len(path),
        **EXTRAS.get(other or step, lambda request, form, journey: {})(request, form, journey),
    }
    templates = [f"bookings/steps/{other or step}.html", "bookings/steps/question.html"]
    return render(request, templates, context, status=status)


def _visit(request, form, journey):
    return {
        "later": visits_after_consultation(),
        "has_price": visits().filter(price__isnull=False).exists(),
    }


def _when(request, form, journey):
    visit_type, location = _chosen(form.answers)
    gone = form.answers.get("gone")
    return times.screen(
        form,
        visit_type,
        location,
        request.GET,
        gone=datetime.fromisoformat(gone) if gone else None,
        now=timezone.now(),
    )


def _place(request, form, journey):
    return {"location": _chosen(form.answers)[1]}


def _check(request, form, journey):
    """The rows of the answers: name, value, what stands below it, and where it is changed."""
    answers = form.answers
    visit_type, location = _chosen(answers)
    you, day, when = answers["you"], answers["day"], answers["when"]
    path = _path(answers)

    def row(step, name, value, more=""):
        href = reverse("request_step", args=[journey, step]) if step in path else ""
        return {"name": name, "value": value, "more": more, "href": href}

    way = AppointmentRequest.ContactBy(you["contact_by"]).label
    message = "We may leave a message." if you["may_leave_message"] else ""
    needs = [AppointmentRequest.Need(need).label for need in day["needs"]]
    rows = [
        row("who", "Who the visit is for", "Me" if answers["who"]["who"] == "me" else "Someone I care for"),
        row("visit", "What for", visit_type.name, length_and_price(visit_type)),
        row(
            "where",
            "Where",
            location.name,
            location.needed_for_video if location.is_video else location.street,
        ),
        row("when", "When", *_when_in_words(when, location)),
        row("you", "Full name", you["patient_name"]),
        row("you", "Your own name", you["asked_by"]) if "asked_by" in you else None,
        row("you", "How we answer", way),
        row("you", "Email address", you["email"]),
        row("you", "Phone number", you["phone"], message),
        row("day", "What would help", ", ".join(needs)),
        row("day", "Language", day["language"]) if day["language"] else None,
        row("day", "Note", day["note"]),
        row("pay", "How you pay", dict(PayForm.base_fields["pays_self"].choices)[answers["pay"]["pays_self"]])
        if "pay" in path
        else None,
    ]
    return {"rows": [shown for shown in rows if shown]}


def _when_in_words(when, location):
    """The answer to the question when, and what stands below it."""
    periods = [str(period(**fields)) for fields in when.get("periods", [])]
    match when["asks_for"]:
        case AppointmentRequest.AsksFor.TIME:
            return location.time_in_words(datetime.fromisoformat(when["start"])), ""
        case AppointmentRequest.AsksFor.WAITLIST:
            return "On the waiting list", periods[0]
        case AppointmentRequest.AsksFor.CALL:
            return "You call me to find a time", ""
    return "Days that suit me", "; ".join(periods)


EXTRAS = {
    "visit": _visit,
    "when": _when,
    "days": _place,
    "waiting-list": _place,
    "call": _place,
    "check": _check,
}

"""The patient's own page, behind a signed link. GET shows; POST acts.

Every act gives the request its next version. The link by which the patient came is old from then on;
the page that follows stands behind a fresh one.
"""

from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import wraps

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from bookings import ical, lifecycle, links, messages
from bookings.forms import ContactForm, TimeForm, length_in_words
from bookings.models import Appointment, AppointmentRequest, Message
from bookings.views import times
from bookings.views.places import one_moment

Status, Visit = AppointmentRequest.Status, Appointment.Status

# What the patient can do here in each state. Everything else is for the phone.
ACTS = {
    Status.UNVERIFIED: ["send-again", "contact", "withdraw"],
    Status.PENDING: ["time", "contact", "withdraw"],
    Status.OFFERED: ["accept", "refuse", "contact", "withdraw"],
    Status.WAITLISTED: ["contact", "withdraw"],
    Visit.BOOKED: ["time", "contact", "cancel"],
}
# The events that each act may leave behind.
VERBS = {
    "send-again": [],
    "accept": ["accept_offer"],
    "refuse": ["refuse_offer"],
    "time": ["reschedule", "choose_time"],
    "contact": ["correct_contact"],
    "withdraw": ["withdraw"],
    "cancel": ["cancel"],
}
# For so long a second press of the same button counts as the first one, and the page says what was done.
JUST_NOW = timedelta(minutes=10)
NOT_NOW, JUST_GONE = "That cannot be done now.", "That time was just taken."


def opened_by(purpose):
    """A page behind a link for `purpose`: `view(request, asked, now=, …)` is reached by a good one only."""

    def decorate(view):
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def check(request, token, **kwargs):
            now = timezone.now()
            with nullcontext() if request.method == "POST" else one_moment():
                try:
                    link = links.read(token, purpose, now=now)
                except links.DeadLink:
                    return render(request, "bookings/manage/dead_link.html", status=404)
                response = _answer(request, link, view, token, purpose, now=now, **kwargs)
            response.headers["X-Robots-Tag"] = "noindex"
            return response

        return check

    return decorate


def _answer(request, link, view, token, purpose, *, now, **kwargs):
    """What the view says, or why it was not asked or could not do it."""
    asked, sentence = link.request, None
    if link.is_current:
        try:
            return view(request, asked, now=now, **kwargs)
        except lifecycle.Refused as refusal:  # somebody was quicker; perhaps it was the same finger
            sentence = JUST_GONE if isinstance(refusal, lifecycle.TimeGone) else NOT_NOW
            asked.refresh_from_db()
    verbs = ["verify"] if purpose == "confirm_request" else VERBS.get(kwargs.get("act"), [])
    if request.method == "POST" and _pressed_twice(link, verbs, request.POST, now=now):
        return _to_the_page(asked, now=now)
    if sentence:
        return _refused(request, _standing(asked, now=now), sentence)
    return _old(request, link, token, purpose, now=now)


@opened_by("confirm_request")
def confirm(request, asked, *, now):
    """Confirm the address that the link was sent to."""
    if request.method == "POST":
        lifecycle.verify(asked, now=now)
        return _to_the_page(asked, now=now)
    return render(request, "bookings/manage/confirm.html", _standing(asked, now=now))


@opened_by("manage_request")
def manage(request, asked, *, now):
    """The state of a request in plain words, and what the patient can do about it."""
    standing = _standing(asked, now=now)
    if request.method == "POST":  # by hand: every form here names its act
        return _refused(request, standing)
    return render(request, "bookings/manage/request.html", standing)


@opened_by("manage_request")
def act(request, asked, *, act, now):
    """Do one of the acts that the state allows. GET asks, POST does it."""
    standing = _standing(asked, now=now)
    if act not in standing["acts"]:
        return _refused(request, standing)
    return PAGES.get(act, _ask)(request, asked, act, standing, now=now)


@opened_by("manage_request")
def calendar(request, asked, *, now):
    """The booked visit as a file for the patient's own calendar."""
    standing = _standing(asked, now=now)
    if standing["state"] != Visit.BOOKED:
        return _refused(request, standing)
    return HttpResponse(
        ical.to_download(standing["visit"], now=now),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request, token, purpose):
    """Send a new link in the place of an old one, to the address we have and to no other."""
    now = timezone.now()
    try:
        link = links.read(token, purpose, now=now)
    except links.DeadLink:
        return render(request, "bookings/manage/dead_link.html", status=404)
    if request.method != "POST":
        return redirect(purpose, token)
    return _link_sent(_send_link(link.request, now=now))


@require_safe
def link_sent(request):
    """The same words for everybody: whether there is an address is nobody's business.

    Where the address has had too many emails, that is said: nobody should wait in vain.
    """
    return render(request, "bookings/manage/link_sent.html", {"is_withheld": "withheld" in request.GET})


def _ask(request, asked, act, standing, *, now):
    """One question with one button."""
    if act == "cancel" and standing["is_too_late"]:
        return _phone_us(request, standing)
    if request.method != "POST":
        return render(request, f"bookings/manage/acts/{act}.html", {**standing, "act": act})
    DO[act](asked, now=now)
    return _to_the_page(asked, now=now)


def _send_again(request, asked, act, standing, *, now):
    """The email with the link to confirm: only who can read it has shown that the address is theirs."""
    if request.method != "POST":
        return redirect("manage_request", standing["token"])
    return _link_sent(_send_link(asked, now=now))


def _link_sent(is_leaving):
    response = redirect("link_sent")
    if not is_leaving:
        response["Location"] += "?withheld"
    return response


def _choose_time(request, asked, act, standing, *, now):
    """Real times, for a booked visit or for a request that waits."""
    if standing["is_too_late"]:
        return _phone_us(request, standing)
    initial = {"start": standing["starts_at"].isoformat()}  # the days around it are shown first
    form, gone = TimeForm(request.POST if request.method == "POST" else None, initial=initial), None
    if form.is_valid():
        starts_at = datetime.fromisoformat(form.cleaned_data["start"])
        if not now < starts_at < now + timedelta(days=asked.visit_type.horizon_days + 2):
            form.add_error("start", form.fields["start"].error_messages["invalid"])
        elif _move(asked, standing, starts_at, now=now):
            return _to_the_page(asked, now=now)
        else:
            gone = starts_at
    screen = times.screen(form, asked.visit_type, asked.location, request.GET, now=now, gone=gone)
    status = 409 if gone else 422 if form.errors else 200
    return render(request, "bookings/manage/time.html", {**standing, **screen}, status=status)


def _move(asked, standing, starts_at, *, now):
    """Whether the new time could be had; where it could not, all is as it was. Raises Refused."""
    try:
        if standing["state"] == Visit.BOOKED:
            choice = lifecycle.Choice(asked.visit_type, asked.location, starts_at)
            lifecycle.reschedule(asked, choice, now=now)
        else:
            lifecycle.choose_time(asked, starts_at, now=now)
    except lifecycle.Refused:
        if not AppointmentRequest.objects.filter(pk=asked.pk, version=asked.version).exists():
            raise  # somebody else has changed it in the same moment
        return False
    return True


def _correct_contact(request, asked, act, standing, *, now):
    if not lifecycle.may_correct_contact(asked):
        return _phone_us(request, standing)
    form = ContactForm(
        request.POST if request.method == "POST" else None,
        initial={"email": asked.email, "phone": asked.phone, "contact_by": asked.contact_by},
    )
    if asked.status in AppointmentRequest.OPEN and asked.asks_for == AppointmentRequest.AsksFor.CALL:
        form.answer_by_phone()
    if form.is_valid():
        if form.has_changed():
            lifecycle.correct_contact(asked, **form.cleaned_data, now=now)
        return _to_the_page(asked, now=now)
    status = 422 if form.is_bound else 200
    return render(request, "bookings/manage/contact.html", {**standing, "form": form}, status=status)


DO = {
    "accept": lifecycle.accept_offer,
    "refuse": lifecycle.refuse_offer,
    "withdraw": lifecycle.withdraw,
    "cancel": lifecycle.cancel,
}
PAGES = {"send-again": _send_again, "time": _choose_time, "contact": _correct_contact}


def _standing(asked, *, now):
    """How the request stands at `now`: what every page here may say."""
    place = asked.location
    visit = asked.appointments.order_by("pk").last()
    state = visit.status if asked.status == Status.ACCEPTED else asked.status
    last = asked.events.last()
    is_held = bool(visit and visit.status == Visit.PENDING and visit.held_until > now)
    starts_at = (
        visit.starts_at if state == Status.OFFERED or asked.status == Status.ACCEPTED else asked.wanted_at
    )
    is_over = state == Visit.BOOKED and starts_at <= now
    change_until = lifecycle.may_be_changed_until(visit) if state == Visit.BOOKED else None
    return {
        "asked": asked,
        "place": place,
        "token": links.token(asked, "manage_request", now=now),
        "state": state,
        "words": f"bookings/manage/states/{state}.html",
        "acts": [] if is_over else _acts(asked, state),
        "visit": visit,
        "starts_at": starts_at,
        "length": length_in_words(asked.visit_type.minutes) if asked.visit_type else None,
        "is_held": is_held,
        "is_gone": state == Status.PENDING and starts_at is not None and not is_held,
        "is_over": is_over,
        "is_late": asked.reply_until <= now,
        "is_unsent": state == Status.UNVERIFIED and messages.unsent(asked, Message.Kind.VERIFY),
        "is_too_late": bool(change_until and change_until < now),
        "time": place.time_in_words(starts_at) if starts_at else None,
        "held_until": place.time_in_words(visit.held_until) if is_held else None,
        "reply_until": place.time_in_words(asked.reply_until),
        "change_until": place.time_in_words(change_until) if change_until else None,
        "estimate": asked.estimates.select_related("location").last() if asked.pays_self else None,
        "estimate_due_on": asked.estimate_due_on if state == Visit.BOOKED and not is_over else None,
        "ends_on": place.day_in_words(asked.expires_at) if asked.expires_at else None,
        "last": last,
        "done": last.verb if last.by_id is None and last.at > now - JUST_NOW else None,
    }


def _acts(asked, state):
    """Who asked for no exact time, or whom nobody confirmed yet, leaves it to the clinic to find one."""
    may_choose = state == Visit.BOOKED or (asked.wanted_at and asked.verified_at)
    return [act for act in ACTS.get(state, []) if act != "time" or may_choose]


def _refused(request, standing, sentence=NOT_NOW):
    """The page as it stands now, with the reason why nothing was done."""
    return render(request, "bookings/manage/request.html", {**standing, "refused": sentence}, status=409)


def _phone_us(request, standing):
    """What cannot be done here any more can be done on the phone."""
    status = 409 if request.method == "POST" else 200
    return render(request, "bookings/manage/phone_us.html", standing, status=status)


def _to_the_page(asked, *, now):
    asked.refresh_from_db()
    return redirect("manage_request", links.token(asked, "manage_request", now=now))


def _old(request, link, token, purpose, *, now):
    """The page of a link that was good once: how the request stands, to be read in the mailbox it went to.

    Nothing can be done from there, and it names nobody. One that went to another mailbox says nothing.
    """
    asked = link.request
    context = {
        "is_used": purpose == "confirm_request" and asked.verified_at is not None,
        "url": "new_link_to_confirm" if purpose == "confirm_request" else "new_link",
        "token": token,
    }
    if purpose == "manage_request" and link.is_to_this_address:
        standing = _standing(asked, now=now)
        context |= {name: standing[name] for name in ("state", "place", "time", "is_over", "is_held")}
    return render(request, "bookings/manage/old_link.html", context, status=410)


def _pressed_twice(link, verbs, posted, *, now):
    """Whether the patient's last change is the one of this button: a double click, or a second device.

    Only its own link, one version back, and only for some minutes; so that whoever reads an old
    email later gains nothing. Corrected contact details must be the same ones, for the link may
    have gone to an address that was wrong.
    """
    asked = link.request
    last = asked.events.last()
    if link.version != asked.version - 1 or last.verb not in verbs:
        return False
    if last.by_id is not None or last.at <= now - JUST_NOW:
        return False
    same = all(posted.get(name) == getattr(asked, name) for name in ContactForm().fields)
    return last.verb != "correct_contact" or same


def _send_link(asked, *, now):
    """A new link to the address of the request; before it is confirmed, the one that confirms it.

    False where nothing is sent.
    """
    with transaction.atomic():
        locked = AppointmentRequest.objects.select_for_update().get(pk=asked.pk)
        kind = Message.Kind.VERIFY if locked.status == Status.UNVERIFIED else Message.Kind.LINK
        return not locked.is_suspect and messages.send_again(locked, kind, now=now)

"""The page of one request, and its acts: everything seen before anything is done."""

from functools import partial

from django.contrib import messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from bookings import availability, lifecycle, trail
from bookings.admin import acts, estimate, person, times, wording
from bookings.admin.acts import number
from bookings.admin.questions import TimeForm
from bookings.models import Appointment, AppointmentRequest, Event, Message, Note

LIST = "admin:bookings_appointmentrequest_changelist"
OTHERS_SHOWN = 10


class Desk:
    """The part of the admin of requests that shows one of them and acts on it."""

    def has_decide_permission(self, request):
        return request.user.has_perm(acts.DECIDE)

    def has_mark_permission(self, request):
        return request.user.has_perm(acts.MARK)

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            *(
                path(
                    f"<int:pk>/{name}/",
                    view(partial(self.act, act=act)),
                    name=f"bookings_appointmentrequest_{name}",
                )
                for name, act in acts.ACTS.items()
            ),
            path(
                "<int:pk>/estimate/print/",
                view(estimate.sheet),
                name="bookings_appointmentrequest_estimate_print",
            ),
            path("<int:pk>/person/", view(person.page), name="bookings_appointmentrequest_person"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        """The list; who pressed its button with nothing ticked or nothing chosen is told what to do."""
        is_whole = request.POST.get("_selected_action") and request.POST.get("action")
        if request.method == "POST" and not is_whole and self.has_view_permission(request):
            messages.warning(request, "Tick the requests, choose what to do with them, and press Go.")
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Everything about one request on one page; nothing is edited here."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        asked = get_object_or_404(_whole(), pk=number(object_id))
        now = timezone.now()
        trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=now)
        return TemplateResponse(
            request,
            "admin/bookings/request.html",
            {
                **self.admin_site.each_context(request),
                "title": f"{asked.reference}: {asked.patient_name}",
                "opts": self.model._meta,
                "original": asked,
                "preserved_filters": self.get_preserved_filters(request),
                "back": self.list_address(request, asked),
                "state": wording.state(asked),
                "unheld": wording.unheld(asked, now=now),
                "deadline": wording.deadline(asked, now=now),
                "asked_for": wording.asked_for(asked),
                "estimate": estimate.state(asked, now=now),
                "may_export": request.user.has_perm(person.EXPORT),
                "may_print": request.user.has_perm(acts.DECIDE),
                "needs": [AppointmentRequest.Need(need).label for need in asked.needs],
                "acts": [
                    (act, self.address(request, act.name, asked))
                    for act in acts.possible(asked, request.user, now=now)
                ],
                "sent": [
                    (message, wording.outcome(message), wording.told_of(message))
                    for message in asked.messages.all()
                ],
                "history": _history(asked),
                "others": _others(asked),
                **self.times_of(request, asked, now=now),
                **(extra_context or {}),
            },
        )

    def history_view(self, request, object_id, extra_context=None):
        page = super().history_view(request, object_id, extra_context)
        if asked := self.get_object(request, object_id):
            trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=timezone.now())
        return page

    def times_of(self, request, asked, *, now):
        """What stands in the way of the time meant, and which other times are free.

        Each free time leads to the act that would use it, where there is one.
        """
        is_open = asked.status in AppointmentRequest.OPEN
        given = asked.appointment
        meant = given.starts_at if given else asked.wanted_at
        if asked.visit_type is None or not (is_open or (given and given.status == Appointment.Status.BOOKED)):
            return {}
        allowed = {act.name for act in acts.possible(asked, request.user, now=now)}
        name = next((each for each in ("offer", "book", "reschedule") if each in allowed), None)

        def lines(slots):
            return [
                (
                    asked.location.time_in_words(slot.starts_at),
                    slot.schedules,
                    name and self.address(request, name, asked, start=slot.starts_at.isoformat()),
                )
                for slot in slots
            ]

        shown = {"suiting": [(str(period), lines(slots)) for period, slots in times.suiting(asked, now=now)]}
        if meant and meant > now:
            visit = (asked.visit_type, asked.location, meant)
            shown["meant"] = asked.location.time_in_words(meant)
            own = given.schedule_id if given else None
            shown["standings"] = [
                one
                for one in times.standings(*visit, besides=asked, now=now)
                if times.NOT_FOR_IT not in one.objections or one.schedule.pk == own
            ]
            shown["broken"] = times.rules_broken(*visit, now=now)
            shown["own"] = own
        if is_open:
            around = meant or now
            nearest = availability.nearest(asked.visit_type, asked.location, around, now=now)
            shown["nearest"] = lines(slot for slot in nearest if slot.starts_at != meant)
        return shown

    # Where things are

    def address(self, request, name, asked, **parameters):
        """The page of an act (or “change”), which remembers the list that one came from."""
        url = reverse(f"admin:bookings_appointmentrequest_{name}", args=[asked.pk])
        query = QueryDict(mutable=True)
        query.update(parameters)
        kept = {"preserved_filters": self.get_preserved_filters(request), "opts": self.model._meta}
        return add_preserved_filters(kept, f"{url}?{query.urlencode()}" if parameters else url)

    def list_address(self, request, asked):
        """Back to the row in the list, as it was filtered, searched and turned over."""
        kept = QueryDict(self.get_preserved_filters(request)).get("_changelist_filters", "")
        return f"{reverse(LIST)}{'?' if kept else ''}{kept}#r{asked.pk}"

    # Acting

    def act(self, request, pk, *, act):
        """Show what would be done and what the patient would get; on POST do it."""
        if not act.is_allowed(request.user):
            raise PermissionDenied
        asked = get_object_or_404(_whole(), pk=pk)
        now = timezone.now()
        trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=now)
        is_sent = request.method == "POST"
        form = form_of(request, act, asked, now)
        preview = None
        try:
            if is_sent and form.is_valid():
                if act.example is not None or "_do" in request.POST:
                    return self.do(request, act, asked, form.cleaned_data, now=now)
                preview = acts.rehearse(act, asked, form.cleaned_data, by=request.user, now=now)
            elif act.example is not None:
                preview = acts.rehearse(act, asked, act.example, by=request.user, now=now)
        except lifecycle.Refused as refusal:
            stays = is_sent and isinstance(refusal, lifecycle.Busy)  # what was typed
            stays |= act.example is None and isinstance(refusal, lifecycle.TimeGone)
            if not stays:
                messages.error(request, str(refusal))
                return HttpResponseRedirect(self.address(request, "change", asked))
            form.add_error(None, str(refusal))
        if "_change" in request.POST:
            preview = None
        return self.act_page(request, act, asked, form, preview)

    def do(self, request, act, asked, given, *, now):
        """Act, unless somebody else has changed the request since it was looked at."""
        seen = number(request.POST.get("_seen", "")) or asked.version
        with lifecycle.unchanged_since(asked, seen) if act.name not in KEEPS else lifecycle.unless_busy():
            act.verb(asked, given, by=request.user, now=now)
            self.log_change(request, asked, act.done)
        messages.success(request, f"{asked.reference}: {act.said(asked)}")
        return HttpResponseRedirect(self.address(request, "change", asked))

    def act_page(self, request, act, asked, form, preview):
        context = {
            **self.admin_site.each_context(request),
            "title": f"{act.label}: {asked.reference}",
            "opts": self.model._meta,
            "original": asked,
            "act": act,
            "form": form,
            "preview": preview,
            "is_confirming": preview is not None and act.example is None,
            "when": wording.when(asked),
            "page": self.address(request, "change", asked),
            "back": self.list_address(request, asked),
        }
        return TemplateResponse(request, "admin/bookings/decide.html", context)


# What changes nothing that somebody else could have decided meanwhile.
KEEPS = {"note", "phoned", "payment", "estimate", "send_estimate"}


def form_of(request, act, asked, now):
    given = {"asked": asked, "now": now}
    if issubclass(act.form, TimeForm):
        given["may_override"] = request.user.has_perm("bookings.override_hours")
        given["start"] = request.GET.get("start", "")
    if request.method == "POST":
        return act.form(request.POST, **given)
    return act.form(**given)


def _whole():
    """A request with all that its page shows, in a fixed number of questions to the database."""
    events = Event.objects.select_related("by", "request__location")
    sent = Message.objects.select_related("request__location")
    return AppointmentRequest.objects.select_related("visit_type", "location").prefetch_related(
        "periods",
        "estimates",
        Prefetch("appointments", Appointment.objects.select_related("schedule")),
        Prefetch("events", events),
        Prefetch("messages", sent),
        Prefetch("notes", Note.objects.select_related("by")),
    )


def _history(asked):
    """Events and notes in one line of time: (instant in words, who, what, is it a note)."""
    told = [(event.at, False, event.pk, event.who, wording.sentence(event)) for event in asked.events.all()]
    told += [(note.at, True, note.pk, note.by.get_username(), note.text) for note in asked.notes.all()]
    words = asked.location.time_in_words
    return [
        (words(at), who[0].upper() + who[1:] if who.startswith("the ") else who, what, is_note)
        for at, is_note, _, who, what in sorted(told)
    ]


def _others(asked):
    """What else the same person asks for, or has booked."""
    if not asked.person:
        return []
    others = AppointmentRequest.objects.filter(
        person=asked.person, status__in=[*AppointmentRequest.OPEN, AppointmentRequest.Status.ACCEPTED]
    ).exclude(pk=asked.pk)
    shown = others.select_related("visit_type", "location").prefetch_related(
        "periods", Prefetch("appointments", Appointment.objects.select_related("schedule"))
    )
    return [
        (other, wording.state(other), wording.when(other)) for other in shown.order_by("-pk")[:OTHERS_SHOWN]
    ]

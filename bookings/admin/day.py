"""The day and the week: who comes when, what is free, and moving a visit.

A window like the rest: every act is a verb of lifecycle. What is shown may be stale; the verb's
sentence tells.
"""

from datetime import date, datetime, timedelta

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from bookings import lifecycle, trail
from bookings.admin import columns, in_words, phone, times
from bookings.admin.local_time import DayField, written
from bookings.admin.moving import MoveForm, objections
from bookings.admin.worklist import ReadOnly
from bookings.forms import QuestionForm, length_in_words
from bookings.lifecycle import Choice
from bookings.models import Appointment, AppointmentRequest, Location, Schedule

REMEMBERED = "location of the desk"
Status = Appointment.Status


class WhichDayForm(QuestionForm):
    """What the day or the week shows; all of it may be left out."""

    location = forms.ModelChoiceField(
        Location.objects.all(),
        to_field_name="slug",
        required=False,
        empty_label=None,
        error_messages={"invalid_choice": "There is no such location. Choose one of these"},
    )
    date = DayField(label="Day", required=False)


@admin.register(Appointment)
class AppointmentAdmin(ReadOnly, admin.ModelAdmin):
    """Appointments are looked at by the day; the list of them is the day."""

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("", view(self.day), name="bookings_appointment_changelist"),
            path("week/", view(self.week), name="bookings_appointment_week"),
            path("phone/", view(self.phone), name="bookings_appointment_phone"),
            path("offer/", view(require_POST(self.offer)), name="bookings_appointment_offer"),
            path("<int:pk>/move/", view(self.move), name="bookings_appointment_move"),
            path("<int:object_id>/change/", view(self.change), name="bookings_appointment_change"),
        ]

    def change(self, request, object_id):
        """An appointment is read and decided on the page of its request."""
        self._must_see(request)
        appointment = get_object_or_404(Appointment, pk=object_id)
        return HttpResponseRedirect(
            reverse("admin:bookings_appointmentrequest_change", args=[appointment.request_id])
        )

    # Looking

    def day(self, request):
        self._must_see(request)
        return self._show(request, "day", days=1)

    def week(self, request):
        self._must_see(request)
        return self._show(request, "week", days=7)

    def _must_see(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _show(self, request, view, *, days):
        now = timezone.now()
        form = WhichDayForm(request.GET)
        chosen = form.cleaned_data if form.is_valid() else form.cleaned_data | {}
        location = self._location(request, chosen.get("location"))
        if location is None:
            return TemplateResponse(
                request, "admin/bookings/no_location.html", self._context(request, title="The day")
            )
        today = location.local(now).date()
        shown = chosen.get("date") or today
        if days == 7:
            shown -= timedelta(days=shown.weekday())
        sheet = columns.Sheet(location, shown, days, now=now)
        may_decide = request.user.has_perm("bookings.decide_request")
        context = self._context(
            request,
            title=f"{location}: {self._title(location, sheet, days)}",
            form=form,
            view=view,
            location=location,
            locations=form.fields["location"].queryset,
            today=today,
            shown=shown,
            is_today=sheet.days[0] <= today <= sheet.days[-1],
            previous=shown - timedelta(days=days),
            next=shown + timedelta(days=days),
            sheet=sheet,
            now=now,
            now_in_words=location.hour_in_words(now),
            may_decide=may_decide,
        )
        if days == 1:
            context["rows"] = [in_words.row_in_words(row, location, now=now) for row in sheet.rows(shown)]
            context["waiting"] = in_words.waiting_for(sheet, shown)
        else:
            context["days"] = [in_words.day_in_words(sheet, day, today) for day in sheet.days]
        shown = [visit.request for column in sheet.columns for visit in column.visits]
        shown += [one["asked"] for one in context.get("waiting", [])]
        trail.viewed(request.user, shown, kind=trail.Kind.LIST, now=now)
        return TemplateResponse(request, f"admin/bookings/{view}.html", context)

    def _title(self, location, sheet, days):
        first, last = (location.day_in_words(sheet.midnight(day)) for day in (sheet.days[0], sheet.days[-1]))
        return first if days == 1 else f"{first} to {last}"

    def _location(self, request, chosen):
        """The chosen one, else the one that this desk looked at last, else the first."""
        if chosen:
            if request.session.get(REMEMBERED) != chosen.pk:
                request.session[REMEMBERED] = chosen.pk
            return chosen
        remembered = request.session.get(REMEMBERED)
        places = list(Location.objects.all())
        return next((place for place in places if place.pk == remembered), places[0] if places else None)

    def _context(self, request, **more):
        return {**self.admin_site.each_context(request), "opts": self.model._meta, **more}

    # Acting

    def phone(self, request):
        """A request by phone, entered for the person who calls."""
        self._must_decide(request)
        now = timezone.now()
        location = self._location(request, _place(request.GET.get("location")))
        start = _instant(request.GET.get("start"))
        schedule = _schedule(request.GET.get("schedule"), location)
        form = phone.PhoneForm(
            request.POST if request.method == "POST" else None,
            location=location,
            now=now,
            may_override=request.user.has_perm("bookings.override_hours"),
            initial={"schedule": schedule, **written(start, location)},
        )
        is_ready = request.method == "POST" and form.is_valid()
        if asked := form.earlier():
            if asked.patient_name == form.cleaned_data.get("patient_name"):
                return self._answer_call(request, asked)
            is_ready = False
            form.start_anew(asked)
        if is_ready:
            try:
                with lifecycle.unless_busy():
                    asked = form.enter(by=request.user, now=now)
                    self.log_addition(request, asked, "entered for a caller")
            except lifecycle.Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                return self._answer_call(request, asked)
        day = location.local(start).date() if start else None
        waiting = in_words.waiting_at(location, schedule, start, now=now) if start and schedule else []
        if waiting:
            shown = [one["asked"] for one in waiting]
            trail.viewed(request.user, shown, kind=trail.Kind.LIST, now=now)
        elif not form.is_bound:  # somebody is on the phone: no way to the first question
            first = "patient_name" if form.initial.get("visit_type") else "visit_type"
            form.fields[first].widget.attrs["autofocus"] = True
        return TemplateResponse(
            request,
            "admin/bookings/phone.html",
            self._context(
                request,
                title="Request by phone",
                form=form,
                location=location,
                locations=Location.objects.all(),
                when=location.time_in_words(start) if start else None,
                schedule=schedule,
                waiting=waiting,
                may_decide=True,
                back=day_address(location, day),
            ),
        )

    def _answer_call(self, request, asked):
        messages.success(request, f"{asked.reference}: {phone.done(asked)}")
        return HttpResponseRedirect(reverse("admin:bookings_appointmentrequest_change", args=[asked.pk]))

    def move(self, request, pk):
        self._must_decide(request)
        now = timezone.now()
        appointment = get_object_or_404(
            Appointment.objects.select_related(
                "request__location", "request__visit_type", "schedule__location"
            ),
            pk=pk,
        )
        asked, place = appointment.request, appointment.schedule.location
        schedule = _schedule(request.GET.get("schedule")) or appointment.schedule
        start = _instant(request.GET.get("start")) or appointment.starts_at
        form = MoveForm(
            request.POST if request.method == "POST" else None,
            appointment=appointment,
            now=now,
            may_override=request.user.has_perm("bookings.override_hours"),
            initial={"schedule": schedule, **written(start, schedule.location)},
        )
        if request.method == "POST" and form.is_valid():
            choice = form.choice(asked.visit_type)
            try:
                with lifecycle.unchanged_since(asked, _seen(request, asked)):
                    moved = lifecycle.reschedule(asked, choice, by=request.user, now=now)
                    when = choice.location.time_in_words(moved.starts_at)
                    self.log_change(request, asked, f"moved to {when}")
            except lifecycle.Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"{asked.reference}: moved to {when}. {in_words.told(asked)}")
                return HttpResponseRedirect(
                    day_address(choice.location, choice.location.local(moved.starts_at).date())
                )
        trail.viewed(request.user, [asked], kind=trail.Kind.RECORD, now=now)
        return TemplateResponse(
            request,
            "admin/bookings/move.html",
            self._context(
                request,
                title=f"Move {asked.reference}",
                form=form,
                original=appointment,
                asked=asked,
                is_movable=appointment.status == Status.BOOKED,
                when=place.time_in_words(appointment.starts_at),
                length=length_in_words(asked.visit_type.minutes),
                objections=[]
                if form.is_bound or start == appointment.starts_at
                else objections(asked.visit_type, schedule, start, now=now),
                back=day_address(place, place.local(appointment.starts_at).date()),
            ),
        )

    def offer(self, request):
        """Offer a free time to one who waits; the hold takes it, so nobody else can be offered it."""
        self._must_decide(request)
        waiting = AppointmentRequest.objects.select_related("location", "visit_type")
        asked = waiting.filter(pk=_key(request.POST.get("request"))).first()
        start = _instant(request.POST.get("start"))
        schedule = _schedule(request.POST.get("schedule"), asked and asked.location)
        if asked is None or start is None or schedule is None:
            messages.error(request, "That could not be read. Choose a free time on the day.")
            return HttpResponseRedirect(reverse("admin:bookings_appointment_changelist"))
        when = asked.location.time_in_words(start)
        try:
            if asked.status != AppointmentRequest.Status.WAITLISTED:
                raise lifecycle.Refused(f"{asked.reference} is no longer on the waiting list.")
            now, choice = timezone.now(), Choice(asked.visit_type, asked.location, start, schedule)
            if closed := times.standing_in(schedule, asked.visit_type, start, now=now).objections:
                raise lifecycle.Refused(f"This time is {', and '.join(closed)}. Choose another one.")
            with lifecycle.unchanged_since(asked, _seen(request, asked)):
                lifecycle.offer(asked, choice, by=request.user, now=now)
                self.log_change(request, asked, f"offered {when}")
        except lifecycle.Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request, f"{asked.reference}: offered {when}, and held for it. {in_words.told(asked)}"
            )
        return HttpResponseRedirect(day_address(asked.location, asked.location.local(start).date()))

    def _must_decide(self, request):
        if not request.user.has_perm("bookings.decide_request"):
            raise PermissionDenied


# What an address says; what it says wrongly is left out


def _instant(text):
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.utcoffset() is not None and 2000 <= found.year < 2100 else None


def _key(text):
    return int(text) if (text or "").isdecimal() and len(text) < 10 else None


def _schedule(text, location=None):
    schedules = Schedule.objects.select_related("location").filter(pk=_key(text))
    return (schedules.filter(location=location) if location else schedules).first()


def _seen(request, asked):
    """The version that the page showed."""
    return _key(request.POST.get("_seen")) or asked.version


def _place(slug):
    return Location.objects.filter(slug=slug).first() if slug and "\0" not in slug else None


def day_address(location: Location, day: date | None) -> str:
    """Where the day of a location is shown; its own today where none is named."""
    query = {"location": location.slug, **({"date": day.isoformat()} if day else {})}
    return f"{reverse('admin:bookings_appointment_changelist')}?{urlencode(query)}"


def phone_address(schedule: Schedule, starts_at: datetime) -> str:
    """Where a free time is booked for who is on the phone, or offered to who waits for it."""
    query = {"location": schedule.location.slug, "schedule": schedule.pk, "start": starts_at.isoformat()}
    return f"{reverse('admin:bookings_appointment_phone')}?{urlencode(query)}"

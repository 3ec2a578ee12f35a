"""Requests and what was decided about them: a window, whose every act is a verb of lifecycle."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from bookings import lifecycle
from bookings import messages as patient_messages
from bookings.forms import DeclineForm, QuestionForm
from bookings.models import Appointment, AppointmentRequest, Event, Message

# How a status looks; its words are the model's.
TAGS = {
    AppointmentRequest.Status.UNVERIFIED: "waiting",
    AppointmentRequest.Status.PENDING: "waiting",
    AppointmentRequest.Status.OFFERED: "waiting",
    AppointmentRequest.Status.WAITLISTED: "waiting",
    AppointmentRequest.Status.ACCEPTED: "good",
    AppointmentRequest.Status.DECLINED: "stopped",
    AppointmentRequest.Status.WITHDRAWN: "stopped",
    AppointmentRequest.Status.EXPIRED: "stopped",
}


class ReadOnly:
    """Shown, never edited here: nobody adds, changes or deletes such a row by hand."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class Rows(ReadOnly, admin.TabularInline):
    template = "admin/bookings/rows.html"
    extra = 0


class AppointmentInline(Rows):
    model = Appointment
    verbose_name_plural = "Time"
    fields = readonly_fields = ["when", "schedule", "status", "held_until_here"]

    @admin.display(description="When")
    def when(self, appointment):
        return appointment.request.location.time_in_words(appointment.starts_at)

    @admin.display(description="Held until")
    def held_until_here(self, appointment):
        held_until = appointment.held_until
        return appointment.request.location.time_in_words(held_until) if held_until else "none"


class MessageInline(Rows):
    model = Message
    verbose_name_plural = "Was the patient told?"
    fields = readonly_fields = ["kind", "status", "when_sent", "attempts", "error"]

    @admin.display(description="Sent")
    def when_sent(self, message):
        return message.request.location.time_in_words(message.sent_at) if message.sent_at else "not yet"


class EventInline(Rows):
    model = Event
    verbose_name_plural = "History"
    fields = readonly_fields = ["when", "what", "who"]

    @admin.display(description="When")
    def when(self, event):
        return event.request.location.time_in_words(event.at)

    @admin.display(description="What")
    def what(self, event):
        return "asked for an appointment" if event.verb == "submit" else event.to_status

    @admin.display(description="Who")
    def who(self, event):
        return event.who


@admin.register(AppointmentRequest)
class AppointmentRequestAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "reference",
        "patient_name",
        "visit_type",
        "location",
        "asked_for",
        "state",
        "reply_due",
        "told",
    ]
    list_filter = ["status", "location", "visit_type"]
    list_select_related = ["visit_type", "location"]
    search_fields = ["reference", "patient_name", "email", "phone"]
    search_help_text = "Reference, name, e-mail or phone"
    fieldsets = [
        ("Asked for", {"fields": ["state", "visit_type", "location", "asked_for", "reply_due"]}),
        ("Who", {"fields": ["patient_name", "asked_by", "contact_by", "email_link", "phone_link"]}),
    ]
    readonly_fields = ["asked_for", "state", "reply_due", "told", "email_link", "phone_link"]
    inlines = [AppointmentInline, MessageInline, EventInline]
    change_form_template = "admin/bookings/request.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("messages")

    @admin.display(description="asked for", ordering="wanted_at")
    def asked_for(self, asked):
        return asked.location.time_in_words(asked.wanted_at)

    @admin.display(description="state", ordering="status")
    def state(self, asked):
        return format_html(
            '<span class="tag tag--{}">{}</span>', TAGS[asked.status], asked.get_status_display()
        )

    @admin.display(description="reply due", ordering="reply_until")
    def reply_due(self, asked):
        due = asked.location.time_in_words(asked.reply_until)
        if asked.status == AppointmentRequest.Status.PENDING and asked.reply_until < timezone.now():
            return format_html('<strong class="tag tag--stopped">late:</strong> {}', due)
        return due

    @admin.display(description="told")
    def told(self, asked):
        last = max(asked.messages.all(), key=lambda message: message.pk, default=None)
        return last.get_status_display() if last else "no e-mail: phone"

    @admin.display(description="e-mail")
    def email_link(self, asked):
        return format_html('<a href="mailto:{0}">{0}</a>', asked.email) if asked.email else "none"

    @admin.display(description="phone")
    def phone_link(self, asked):
        return format_html('<a href="tel:{0}">{0}</a>', asked.phone) if asked.phone else "none"

    # Deciding

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/accept/", view(self.accept), name="bookings_appointmentrequest_accept"),
            path("<int:pk>/decline/", view(self.decline), name="bookings_appointmentrequest_decline"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": "Appointment requests", **(extra_context or {})})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        asked = self.get_object(request, object_id)
        may_decide = asked and request.user.has_perm("bookings.decide_request")
        is_open = asked and asked.status == AppointmentRequest.Status.PENDING
        context = {
            "can_decide": may_decide and is_open,
            "title": "Appointment request",
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def accept(self, request, pk):
        return self._decide(
            request,
            pk,
            form=QuestionForm(request.POST if request.method == "POST" else None),
            verb=lifecycle.accept,
            kind=Message.Kind.ACCEPTED,
            question="Accept",
            done="Accepted. The patient will be told.",
        )

    def decline(self, request, pk):
        form = DeclineForm(request.POST if request.method == "POST" else None)
        return self._decide(
            request,
            pk,
            form=form,
            verb=lambda asked, **who_and_when: lifecycle.decline(
                asked, reason=form.cleaned_data["reason"], **who_and_when
            ),
            kind=Message.Kind.DECLINED,
            question="Decline",
            done="Declined. The time is free again and the patient will be told.",
        )

    def _decide(self, request, pk, *, form, verb, kind, question, done):
        """Show what would be decided and what the patient would get; on POST do it."""
        if not request.user.has_perm("bookings.decide_request"):
            raise PermissionDenied
        asked = get_object_or_404(AppointmentRequest.objects.select_related("location", "visit_type"), pk=pk)
        page = reverse("admin:bookings_appointmentrequest_change", args=[pk])
        if request.method == "POST" and form.is_valid():
            try:
                verb(asked, by=request.user, now=timezone.now())
            except lifecycle.Refused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, f"{asked.reference}: {done}")
            return HttpResponseRedirect(page)
        subject, text = patient_messages.words(asked, kind, now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": f"{question} {asked.reference}?",
            "opts": self.model._meta,
            "original": asked,
            "asked_for": self.asked_for(asked),
            "form": form,
            "question": question,
            "is_told": bool(asked.email),
            "subject": subject,
            "text": text,
            "page": page,
        }
        return TemplateResponse(request, "admin/bookings/decide.html", context)

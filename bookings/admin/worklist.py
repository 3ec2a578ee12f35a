"""Requests and what was decided about them: a window, whose every act is a verb of lifecycle."""

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from bookings import trail
from bookings.admin import estimate, finding, lists, wording
from bookings.admin.bulk import bulk
from bookings.admin.desk import Desk
from bookings.admin.paging import Pages
from bookings.models import Appointment, AppointmentRequest, Location


class ReadOnly:
    """Shown, never edited here: nobody adds, changes or deletes such a row by hand."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(AppointmentRequest)
class AppointmentRequestAdmin(Desk, ReadOnly, admin.ModelAdmin):
    list_display = ["row", "deadline", "patient", "visit", "place", "when", "state", "told", "estimate"]
    list_display_links = ["row"]
    list_filter = [lists.ListFilter, lists.StatusFilter, lists.DayFilter, "location", "visit_type"]
    list_select_related = ["visit_type", "location"]
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    search_fields = ["names"]  # what it means stands in finding
    search_help_text = "Name, email, phone or reference, in every list"
    change_list_template = "admin/bookings/list.html"
    actions = [bulk(name) for name in ("accept", "verify", "decline", "arrive", "fulfil", "noshow")]

    def get_changelist(self, request, **kwargs):
        return Pages

    def get_sortable_by(self, request):
        """All requests are sorted only by what has an index; a list of what waits is short."""
        is_long = lists.chosen(request.GET) == "all"
        return ["row", "patient", "deadline"] if is_long else self.list_display

    def get_queryset(self, request):
        return AppointmentRequest.objects.alias(starts=lists.START).prefetch_related(
            "messages",
            "periods",
            "estimates",
            Prefetch("appointments", Appointment.objects.select_related("schedule")),
        )

    def get_ordering(self, request):
        name = lists.chosen(request.GET)
        return lists.LISTS[name].order if name in lists.LISTS else ("-created_at", "-pk")

    def get_search_results(self, request, queryset, search_term):
        found, request.looks_alike = finding.find(queryset, search_term)
        return found, False

    def changelist_view(self, request, extra_context=None):
        now, name = timezone.now(), lists.chosen(request.GET)
        numbers = lists.counts(now=now)
        chosen = lists.LISTS.get(name)
        context = {
            "title": chosen.label if chosen else "All requests",
            "lists": [(each, one.label, numbers[each], each == name) for each, one in lists.LISTS.items()],
            "is_all": chosen is None,
            "nothing": chosen.empty if chosen else "Nothing was found.",
            **(extra_context or {}),
        }
        response = super().changelist_view(request, context)
        if getattr(response, "context_data", None):
            response.context_data["looks_alike"] = getattr(request, "looks_alike", False)
        if shown := (getattr(response, "context_data", None) or {}).get("cl"):
            kind = trail.Kind.SEARCH if shown.query else trail.Kind.LIST
            trail.viewed(request.user, shown.result_list, kind=kind, now=now)
        return response

    @admin.display(description=mark_safe('<input type="checkbox" id="action-toggle">'))
    def action_checkbox(self, asked):
        """As Django's, without a template for each of fifty: they were an eighth of the page's work."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="Select {}">',
            ACTION_CHECKBOX_NAME,
            asked.pk,
            asked.reference,
        )

    @admin.display(description="reference", ordering="reference")
    def row(self, asked):
        return format_html('<span id="r{}">{}</span>', asked.pk, asked.reference)

    @admin.display(description="patient", ordering="patient_name")
    def patient(self, asked):
        suspect = wording.tag("stopped", "may be a robot") if asked.is_suspect else ""
        return format_html("<bdi>{}</bdi> {}", asked.patient_name, suspect)

    @admin.display(description="visit", ordering="visit_type__name", empty_value="to be found out")
    def visit(self, asked):
        return asked.visit_type

    @admin.display(description="location", ordering="location__name")
    def place(self, asked):
        return asked.location

    @admin.display(description="when", ordering="wanted_at")
    def when(self, asked):
        when = wording.when(asked, Location.time_in_short)
        return format_html("{} {}", when, wording.unheld(asked, now=timezone.now()))

    @admin.display(description="state", ordering="status")
    def state(self, asked):
        return wording.state(asked)

    @admin.display(description="deadline", ordering="reply_until", empty_value="no deadline")
    def deadline(self, asked):
        return wording.deadline(asked, now=timezone.now(), in_words=Location.time_in_short)

    @admin.display(description="estimate", ordering="estimate_due_on")
    def estimate(self, asked):
        return estimate.state(asked, now=timezone.now())

    @admin.display(description="told", empty_value="nothing yet")
    def told(self, asked):
        return wording.told(asked)

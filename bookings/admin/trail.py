"""The trail, for managers: lists to read, and nothing to change."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, Subquery

from bookings import trail
from bookings.admin import finding
from bookings.admin.paging import Pages
from bookings.admin.worklist import ReadOnly
from bookings.models import AccountEvent, AppointmentRequest, Change, Viewing


@admin.register(Viewing)
class ViewingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "by", "kind", "how_many", "which"]
    list_filter = ["kind", "by", "at"]
    list_select_related = ["by"]
    list_per_page = 50
    sortable_by = ["at"]
    change_list_template = "admin/bookings/paged.html"
    search_fields = ["requests"]
    search_help_text = "Reference of a request: who has seen it?"
    fields = readonly_fields = ["at", "who", "kind", "how_many", "all_of_them"]

    def get_changelist(self, request, **kwargs):
        return Pages

    def get_queryset(self, request):
        first = AppointmentRequest.objects.filter(pk=OuterRef("requests__0")).values("reference")
        return super().get_queryset(request).annotate(first=Subquery(first))

    def get_search_results(self, request, queryset, search_term):
        """The rows that name the request with this reference."""
        if not search_term.strip():
            return queryset, False
        asked = AppointmentRequest.objects.filter(reference=finding.reference(search_term))
        found = Q(requests__contains=list(asked.values_list("pk", flat=True)))
        return (queryset.filter(found) if asked else queryset.none()), False

    @admin.display(description="who")
    def who(self, viewing):
        """Django would link to an account, which a manager may not open."""
        return str(viewing.by)

    @admin.display(description="how many")
    def how_many(self, viewing):
        return len(viewing.requests)

    @admin.display(description="which requests")
    def which(self, viewing):
        """The first one by its reference, since most rows are about one, and how many more."""
        more = len(viewing.requests) - 1
        return f"{viewing.first or 'erased'} and {more} more" if more > 0 else viewing.first

    @admin.display(description="which requests")
    def all_of_them(self, viewing):
        return references(viewing.requests)


@admin.register(AccountEvent)
class AccountEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "user", "kind", "by"]
    fields = readonly_fields = ["at", "whose", "kind", "who"]
    list_filter = ["kind", "user", "at"]
    list_select_related = ["user", "by"]
    list_per_page = 50
    sortable_by = ["at"]
    change_list_template = "admin/bookings/paged.html"

    def get_changelist(self, request, **kwargs):
        return Pages

    @admin.display(description="user")
    def whose(self, event):
        return event.user and str(event.user)

    @admin.display(description="by")
    def who(self, event):
        return event.by and str(event.by)


def references(keys):
    """The references of these requests, in order; a request that was erased has its number instead."""
    known = dict(AppointmentRequest.objects.filter(pk__in=keys).values_list("pk", "reference"))
    return ", ".join(known.get(key, f"no. {key}, erased") for key in keys)


@admin.register(Change)
class ChangeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "who", "operation", "what", "which_columns"]
    list_filter = ["operation", "table", "at"]
    list_per_page = 50
    sortable_by = []
    change_list_template = "admin/bookings/paged.html"
    search_fields = ["row"]
    search_help_text = "Reference of a request: who has changed it?"
    fields = readonly_fields = ["at", "who", "role", "operation", "what", "which_columns"]

    def get_changelist(self, request, **kwargs):
        return Pages

    def get_queryset(self, request):
        names = get_user_model().objects.filter(pk=OuterRef("by")).values("username")
        asked = AppointmentRequest.objects.filter(pk=OuterRef("row")).values("reference")
        return super().get_queryset(request).annotate(name=Subquery(names), reference=Subquery(asked))

    def get_search_results(self, request, queryset, search_term):
        """The changes of the request with this reference and of what belongs to it."""
        if not search_term.strip():
            return queryset, False
        asked = AppointmentRequest.objects.filter(reference=finding.reference(search_term)).first()
        if asked is None:
            return queryset.none(), False
        return queryset.filter(pk__in=trail.changes_of(asked).values("pk")), False

    @admin.display(description="who", ordering="by")
    def who(self, change):
        """Nobody who was signed in: a patient, the worker, or somebody at the database itself."""
        if change.by is None:
            return f"nobody signed in ({change.role})"
        return change.name or f"account no. {change.by}, removed"

    @admin.display(description="what", ordering="table")
    def what(self, change):
        is_request = change.table == Change.Table.REQUEST and change.reference
        return f"{change.get_table_display()} {change.reference if is_request else f'no. {change.row}'}"

    @admin.display(description="which columns")
    def which_columns(self, change):
        return ", ".join(change.columns)

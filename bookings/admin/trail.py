"""The trail of reads, for managers: a list to read, and nothing to change."""

from django.contrib import admin
from django.db.models import OuterRef, Q, Subquery

from bookings.admin.worklist import ReadOnly
from bookings.models import AppointmentRequest, Viewing


@admin.register(Viewing)
class ViewingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "by", "kind", "how_many", "which"]
    list_filter = ["kind", "by"]
    list_select_related = ["by"]
    date_hierarchy = "at"
    search_fields = ["requests"]
    search_help_text = "Reference of a request: who has seen it?"
    fields = readonly_fields = ["at", "by", "kind", "how_many", "all_of_them"]

    def get_queryset(self, request):
        first = AppointmentRequest.objects.filter(pk=OuterRef("requests__0")).values("reference")
        return super().get_queryset(request).annotate(first=Subquery(first))

    def get_search_results(self, request, queryset, search_term):
        """The rows that name the request with this reference."""
        if not search_term.strip():
            return queryset, False
        asked = AppointmentRequest.objects.filter(reference__iexact=search_term.strip())
        found = Q(requests__contains=list(asked.values_list("pk", flat=True)))
        return (queryset.filter(found) if asked else queryset.none()), False

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


def references(keys):
    """The references of these requests, in order; a request that was erased has its number instead."""
    known = dict(AppointmentRequest.objects.filter(pk__in=keys).values_list("pk", "reference"))
    return ", ".join(known.get(key, f"no. {key}, erased") for key in keys)

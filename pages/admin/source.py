"""The sources that pages cite."""

from django.contrib import admin

from pages.admin.window import NobodyDeletes
from pages.models import Page, Source


@admin.register(Source)
class SourceAdmin(NobodyDeletes):
    list_display = ["key", "short_name", "title", "kind", "year", "sample_size", "checked_on", "retracted"]
    list_filter = ["kind", "retracted", "checked_on"]
    search_fields = ["key", "authors", "title", "journal", "doi", "pmid"]
    readonly_fields = ["cited_by"]

    def get_readonly_fields(self, request, obj=None):
        # The key stands in the words of revisions, which never change.
        return ["key", *self.readonly_fields] if obj else self.readonly_fields

    def save_model(self, request, obj, form, change):
        obj.is_starter = False  # from now on load_pages leaves it alone
        super().save_model(request, obj, form, change)

    @admin.display(description="cited by")
    def cited_by(self, source):
        pages = Page.objects.filter(live__citations__contains=[source.key])
        return ", ".join(str(page) for page in pages) or "No public page"

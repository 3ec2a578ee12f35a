"""Revisions: the words of a page at one time."""

from django.contrib import admin

from pages.admin.window import ReadOnly
from pages.models import Revision


@admin.register(Revision)
class RevisionAdmin(ReadOnly):
    list_display = ["title", "page", "created_at", "author", "approved_by", "is_live", "grade"]
    list_filter = ["is_starter", "page__kind", "approved_at"]
    list_select_related = ["page", "author", "approved_by"]
    search_fields = ["title", "body", "page__path", "change_note"]
    date_hierarchy = "created_at"
    exclude = ["html", "headings"]

    @admin.display(boolean=True, description="public")
    def is_live(self, revision):
        return revision.page.live_id == revision.pk

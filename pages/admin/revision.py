"""Revisions: the words of a page at one time, what the gate finds in them, and what they change."""

from django.contrib import admin

from pages.admin.window import ReadOnly, findings_on
from pages.differences import differences
from pages.models import Revision


@admin.register(Revision)
class RevisionAdmin(ReadOnly):
    list_display = ["title_or_none", "page", "created_at", "author", "approved_by", "is_live", "grade"]
    list_filter = ["is_starter", "page__kind", "approved_at"]
    list_select_related = ["page", "author", "approved_by"]
    search_fields = ["title", "body", "page__path", "change_note"]
    date_hierarchy = "created_at"
    fieldsets = [
        ("Who and when", {"fields": ["page", "change_note", "author", "created_at", "is_starter"]}),
        (
            "Approval",
            {"fields": ["approved_by", "approved_at", "reviewed_on", "review_due_on", "why_hard_to_read"]},
        ),
        ("Sources and reading", {"fields": ["sources_checked_on", "citations", "grade"]}),
    ]
    change_form_template = "admin/pages/revision.html"

    @admin.display(description="title", ordering="title")
    def title_or_none(self, revision):
        return str(revision)

    @admin.display(boolean=True, description="public")
    def is_live(self, revision):
        return revision.page.live_id == revision.pk

    def change_view(self, request, object_id, form_url="", extra_context=None):
        revision = self.get_object(request, object_id)
        context = {**(self.about(request, revision) if revision else {}), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def about(self, request, revision):
        """What readers would see, what keeps it from them, and what it changes."""
        live = revision.page.live
        is_live = live == revision
        return {
            "title": f"Words of {revision.page}",
            "is_live": is_live,
            "live": live,
            "findings": findings_on(revision),
            "differences": differences(live, revision) if live and not is_live else [],
            "lines": revision.body.splitlines(),
            "can_propose": request.user.has_perm("pages.add_revision"),
        }

"""Revisions: the words of a page at one time, what the gate finds in them, and what they change."""

from datetime import timedelta

from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format

from pages import publishing
from pages.admin.window import ReadOnly, address_of, findings_on, require
from pages.differences import differences
from pages.forms import AgainForm, ApprovalForm
from pages.models import LONGEST_REVIEW, Revision


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
        is_live, is_older = live == revision, bool(live) and live.pk > revision.pk
        may_approve = request.user.has_perm("pages.approve_revision")
        return {
            "title": f"Words of {revision.page}",
            "is_live": is_live,
            "is_older": is_older,
            "live": live,
            "findings": findings_on(revision),
            "differences": differences(live, revision) if live and not is_live else [],
            "lines": revision.body.splitlines(),
            "can_propose": request.user.has_perm("pages.add_revision"),
            "can_approve": may_approve and not revision.is_approved and not is_older,
            "is_own": revision.author_id == request.user.pk,
        }

    # Deciding

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/approve/", view(self.approve), name="pages_revision_approve"),
            path("<int:pk>/again/", view(self.again), name="pages_revision_again"),
            *super().get_urls(),
        ]

    def approve(self, request, pk):
        """What would be public, and who answers for it until when; on POST it is."""
        require(request, "approve_revision")
        revision = get_object_or_404(Revision.objects.select_related("page__live", "author"), pk=pk)
        today = timezone.localdate()
        form = ApprovalForm(
            request.POST if request.method == "POST" else None,
            is_hard=revision.grade > publishing.HARDEST_GRADE,
            initial={"reviewed_on": today, "review_due_on": today + LONGEST_REVIEW - timedelta(days=1)},
        )
        if request.method == "POST" and form.is_valid():
            try:
                publishing.approve(revision, by=request.user, now=timezone.now(), **form.cleaned_data)
            except publishing.Refused as refusal:
                for reason in refusal.reasons:
                    form.add_error(None, str(reason))
            else:
                messages.success(request, f"Approved. Readers see these words at {revision.page} now.")
                return HttpResponseRedirect(address_of(revision))
        about = {**self.about(request, revision), "title": f"Approve these words of {revision.page}?"}
        return self.act(request, revision, "approve.html", form=form, **about)

    def again(self, request, pk):
        """Go back to these words, or have them reviewed anew: they are proposed again."""
        require(request, "add_revision")
        revision = get_object_or_404(Revision.objects.select_related("page__live", "author"), pk=pk)
        written = date_format(timezone.localtime(revision.created_at), "F j, Y")
        form = AgainForm(
            request.POST if request.method == "POST" else None,
            initial={"change_note": f"Back to the words of {written}"},
        )
        if request.method == "POST" and form.is_valid():
            newest = publishing.propose_again(
                revision, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            messages.success(
                request, "These words are proposed again. Readers see them when somebody else approves them."
            )
            return HttpResponseRedirect(address_of(newest))
        about = {**self.about(request, revision), "title": f"Propose these words of {revision.page} again?"}
        return self.act(request, revision, "again.html", form=form, **about)

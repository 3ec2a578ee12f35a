"""Pages: what readers see, and proposing a change."""

from datetime import timedelta
from functools import partial

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from pages import publishing
from pages.admin.window import ReadOnly, address_of, findings_on, require
from pages.forms import MoveForm, WithdrawalForm, WordsForm
from pages.models import WORDS, Page, Revision, Withdrawal

DUE_WITHIN = [0, 30, 60]  # days


class RevisionInline(admin.TabularInline):
    model = Revision
    verbose_name_plural = "Revisions"
    fields = ["words", "created_at", "author", "change_note", "approved_by", "reviewed_on", "review_due_on"]
    readonly_fields = ["words"]
    template = "admin/bookings/rows.html"
    can_delete = False
    extra = 0

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    @admin.display
    def words(self, revision):
        return format_html('<a href="{}">{}</a>', address_of(revision), revision)


class DueFilter(admin.SimpleListFilter):
    """What is due for review; a page nobody has reviewed is not due but owed."""

    title = "review due"
    parameter_name = "due"

    def lookups(self, request, model_admin):
        due = [(str(days), f"within {days} days" if days else "today or overdue") for days in DUE_WITHIN]
        return [*due, ("never", "never reviewed")]

    def queryset(self, request, pages):
        if self.value() == "never":
            return pages.public().filter(live__approved_at=None)
        if self.value() in map(str, DUE_WITHIN):
            return pages.due_for_review(timezone.localdate() + timedelta(days=int(self.value())))
        return pages


@admin.register(Page)
class PageAdmin(ReadOnly):
    list_display = ["address", "title", "kind", "reviewed", "review_due", "sources_checked", "reading_grade"]
    list_filter = [DueFilter, "kind"]
    list_select_related = ["live__approved_by"]
    search_fields = ["path", "live__title", "live__body"]
    fields = ["address", "title", "kind", "parent", "position", "seen_by_readers", "withdrawn"]
    readonly_fields = ["address", "title", "seen_by_readers", "withdrawn"]
    inlines = [RevisionInline]
    change_form_template = "admin/pages/page.html"

    def change_view(self, request, object_id, form_url="", extra_context=None):
        page = self.get_object(request, object_id)
        may_decide = request.user.has_perm("pages.approve_revision")
        context = {
            "can_propose": request.user.has_perm("pages.add_revision"),
            "can_withdraw": may_decide and page and page.live and page.kind != Page.Kind.HOME,
            "can_move": may_decide and page and page.kind != Page.Kind.HOME,
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    @admin.display(ordering="path")
    def address(self, page):
        return str(page)

    @admin.display(ordering="live__title")
    def title(self, page):
        return page.live.title if page.live else "Nothing public yet"

    @admin.display(description="reviewed by", ordering="live__approved_by")
    def reviewed(self, page):
        return (page.live and page.live.approved_by) or "Nobody yet"

    @admin.display(description="next review due", ordering="live__review_due_on")
    def review_due(self, page):
        """The day of the next review, or the day after which a sentence is left out, if that comes first."""
        days = [page.live.review_due_on, page.live.expires_on] if page.live else []
        due = min(filter(None, days), default=None)
        if not due:
            return None
        days = (due - timezone.localdate()).days
        day = date_format(due, "F j, Y")
        if due == page.live.expires_on:
            day = f"a sentence ends on {day}"
        if days < 0:
            return format_html('<span class="tag tag--stopped">overdue</span> {}', day)
        if days <= max(DUE_WITHIN):
            return format_html('<span class="tag tag--waiting">{}</span> {}', in_days(days), day)
        return day

    @admin.display(description="sources checked", ordering="live__sources_checked_on")
    def sources_checked(self, page):
        return page.live and page.live.sources_checked_on

    @admin.display(description="grade", ordering="live__grade")
    def reading_grade(self, page):
        return page.live and page.live.grade

    @admin.display(description="on the site")
    def seen_by_readers(self, page):
        if not page.live:
            return "Readers do not see this page."
        return format_html('<a href="{}">{}</a>', page.get_absolute_url(), page.live.title)

    @admin.display(description="withdrawn")
    def withdrawn(self, page):
        taken = Withdrawal.objects.filter(revision__page=page).select_related("by")
        lines = [(date_format(timezone.localtime(each.at), "F j, Y"), each.by, each.reason) for each in taken]
        return format_html_join(mark_safe("<br>"), "{}, {}: {}", lines) or "Never"

    # Writing

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/propose/", view(self.propose), name="pages_page_propose"),
            path("<int:pk>/withdraw/", view(self.withdraw), name="pages_page_withdraw"),
            path("<int:pk>/move/", view(self.move), name="pages_page_move"),
            *super().get_urls(),
        ]

    def propose(self, request, pk):
        """The newest words, or those of `?from=`, to be changed; on POST they are kept.

        Who did not know of the newest words is told first, and may keep their own all the same.
        """
        require(request, "add_revision")
        page = get_object_or_404(Page, pk=pk)
        newest = page.revisions.order_by("-pk").first()
        chosen = number(request.GET, "from")
        start = page.revisions.filter(pk=chosen).first() if chosen else newest
        form = WordsForm(request.POST or None, initial=words_to_start_with(start))
        seen, others = newest.pk if newest else 0, []
        if request.method == "POST":
            seen = number(request.POST, "_newest_seen")
        if request.method == "POST" and form.is_valid():
            if newest and all(getattr(newest, name) == form.cleaned_data[name] for name in WORDS):
                messages.info(request, "Nothing has changed: these are the newest words already.")
                return HttpResponseRedirect(address_of(newest))
            try:
                return self.keep(request, page, seen, form.cleaned_data)
            except publishing.Overtaken as overtaken:
                others = overtaken.others
                seen = others[0].pk
        return self.act(
            request,
            page,
            "propose.html",
            title=f"Propose a change to {page}",
            form=form,
            start=start,
            seen=seen,
            others=others,
            findings=findings_on(start) if start and not start.is_approved and not others else [],
        )

    def keep(self, request, page, newest_seen, words):
        """Keep the words; with faults the writer goes on writing, without any they are looked at."""
        kept = publishing.propose(page, by=request.user, now=timezone.now(), newest_seen=newest_seen, **words)
        if publishing.faults(kept):
            messages.warning(request, "Your words are kept. Readers do not see them: mend what is listed.")
            again = reverse("admin:pages_page_propose", args=[page.pk])
            return HttpResponseRedirect(f"{again}?from={kept.pk}")
        messages.success(request, "Your words are kept. Readers see them when somebody else approves them.")
        return HttpResponseRedirect(address_of(kept))

    def withdraw(self, request, pk):
        """Take a page from the public; the pages that lead to it are named before."""
        require(request, "approve_revision")
        page = get_object_or_404(Page.objects.select_related("live"), pk=pk)
        form = WithdrawalForm(request.POST if request.method == "POST" else None)
        said = f"Readers no longer see {page}. Its words are kept."
        if done := self.decided(request, page, form, said, partial(publishing.withdraw, now=timezone.now())):
            return done
        return self.act(
            request,
            page,
            "withdraw.html",
            title=f"Withdraw {page} from the public?",
            form=form,
            leading=leading_to(page),
        )

    def move(self, request, pk):
        """Give a page another address; old links and bookmarks go on working."""
        require(request, "approve_revision")
        page = get_object_or_404(Page.objects.select_related("live"), pk=pk)
        form = MoveForm(request.POST if request.method == "POST" else None, initial={"path": page.path})
        said = f"Moved. Who comes to {page} is sent to the new address."
        if done := self.decided(request, page, form, said, publishing.move):
            return done
        return self.act(request, page, "move.html", title=f"Move {page}?", form=form)

    def decided(self, request, page, form, said, verb):
        """Back to the page if the verb did what the form asks; the reasons go to the form otherwise."""
        if request.method != "POST" or not form.is_valid():
            return None
        try:
            verb(page, by=request.user, **form.cleaned_data)
        except publishing.Refused as refusal:
            for reason in refusal.reasons:
                form.add_error(None, str(reason))
            return None
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:pages_page_change", args=[page.pk]))


def in_days(days):
    return {0: "today", 1: "in 1 day"}.get(days, f"in {days} days")


def leading_to(page):
    """The public pages with a link to this one."""
    link = f'href="{page.get_absolute_url()}'
    has_link = Q(live__html__contains=f'{link}"') | Q(live__html__contains=f"{link}#")
    return Page.objects.public().filter(has_link).exclude(pk=page.pk).select_related("live")


def number(data, name):
    """The id in what a browser sent, or None where it is none."""
    text = data.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def words_to_start_with(revision):
    """A new change has a note of its own; one that is still being written keeps it."""
    if not revision:
        return {}
    words = {name: getattr(revision, name) for name in WORDS}
    is_done = revision.is_approved or revision.is_starter
    return {**words, "change_note": ""} if is_done else words

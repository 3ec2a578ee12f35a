"""A window on pages, their revisions and sources. What is public is written by pages.publishing."""

from django.contrib import admin
from django.utils.html import format_html

from pages.models import Page, Revision, Source


class NobodyDeletes(admin.ModelAdmin):
    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnly(NobodyDeletes):
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class RevisionInline(admin.TabularInline):
    model = Revision
    fields = ["title", "created_at", "author", "change_note", "approved_by", "reviewed_on", "review_due_on"]
    show_change_link = True
    can_delete = False
    extra = 0

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Page)
class PageAdmin(ReadOnly):
    list_display = ["address", "title", "kind", "reviewed", "review_due", "sources_checked", "reading_grade"]
    list_filter = ["kind"]
    list_select_related = ["live__approved_by"]
    search_fields = ["path", "live__title", "live__body"]
    fields = ["address", "title", "kind", "parent", "position", "seen_by_readers"]
    readonly_fields = ["address", "title", "seen_by_readers"]
    inlines = [RevisionInline]

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
        return page.live and page.live.review_due_on

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

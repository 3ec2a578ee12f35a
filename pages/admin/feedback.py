"""What readers said about pages."""

from django.contrib import admin

from pages.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin):
    """To be read, never changed; deleted where a reader wrote what we should not keep."""

    list_display = ["created_at", "page", "useful", "comment"]
    list_filter = ["useful"]
    list_select_related = ["page"]
    search_fields = ["page__path", "comment"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

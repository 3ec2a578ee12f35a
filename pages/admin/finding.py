"""How readers find a page: other names for things, and addresses that pages had before."""

from django.contrib import admin

from pages.models import Page, Redirect, Synonym


@admin.register(Synonym)
class SynonymAdmin(admin.ModelAdmin):
    list_display = ["term", "means"]
    search_fields = ["term", "means"]


@admin.register(Redirect)
class RedirectAdmin(admin.ModelAdmin):
    list_display = ["old_path", "page"]
    list_select_related = ["page"]
    search_fields = ["old_path", "page__path"]

    def formfield_for_foreignkey(self, db_field, request, **options):
        return super().formfield_for_foreignkey(
            db_field, request, **{"queryset": Page.objects.public(), **options}
        )

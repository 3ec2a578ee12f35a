"""How readers find a page: other names for things, and addresses that pages had before."""

from django.contrib import admin

from pages.models import Page, Redirect, Synonym


class LeadsToAPage(admin.ModelAdmin):
    """The form offers the pages that readers can see."""

    list_select_related = ["page"]

    def formfield_for_foreignkey(self, db_field, request, **options):
        return super().formfield_for_foreignkey(
            db_field, request, **{"queryset": Page.objects.public(), **options}
        )


@admin.register(Synonym)
class SynonymAdmin(LeadsToAPage):
    list_display = ["term", "means", "page"]
    search_fields = ["term", "means", "page__path"]


@admin.register(Redirect)
class RedirectAdmin(LeadsToAPage):
    list_display = ["old_path", "page"]
    search_fields = ["old_path", "page__path"]

"""Facts about this practice: what managers write once, and the pages that say it."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from pages.admin.window import NobodyDeletes
from pages.models import ClinicFact, Page


class OpenFilter(admin.SimpleListFilter):
    title = "answer"
    parameter_name = "answer"

    def lookups(self, request, model_admin):
        return [("required", "required and still open"), ("open", "still open"), ("written", "written")]

    def queryset(self, request, facts):
        match self.value():
            case "required":
                return facts.required_and_open()
            case "open":
                return facts.filter(value="")
            case "written":
                return facts.exclude(value="")
        return facts


class FactForm(forms.ModelForm):
    def clean_value(self):
        """Invisible characters, as they come with what is copied, would be a blank to readers."""
        value = self.cleaned_data["value"]
        if value and not any(letter.isprintable() and not letter.isspace() for letter in value):
            raise ValidationError("Nothing in this answer can be seen. Write it anew, or leave it empty")
        return value


@admin.register(ClinicFact)
class ClinicFactAdmin(NobodyDeletes):
    """The questions come with the pages; only the answers are written here."""

    form = FactForm
    list_display = ["question", "needed", "answer"]
    list_filter = [OpenFilter]
    search_fields = ["question", "help", "value"]
    fields = ["question", "help", "value", "needed", "named", "shown_on"]
    readonly_fields = ["question", "help", "needed", "named", "shown_on"]

    def has_add_permission(self, request):
        return False

    @admin.display(description="needed", ordering="is_required")
    def needed(self, fact):
        return "Required before the site opens" if fact.is_required else "If it applies to you"

    @admin.display(description="answer", ordering="value")
    def answer(self, fact):
        return fact.value or "Still open"

    @admin.display(description="in the words of a page")
    def named(self, fact):
        return f"{{{{{fact.key}}}}}"

    @admin.display(description="shown on")
    def shown_on(self, fact):
        pages = Page.objects.public().filter(live__html__contains=f'<data value="{fact.key}">')
        return ", ".join(str(page) for page in pages) or "No public page"

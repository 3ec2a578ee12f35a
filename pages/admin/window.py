"""What the pages of the admin share: windows to look through, and acts that are verbs of publishing."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import reverse

from pages import publishing


class NobodyDeletes(admin.ModelAdmin):
    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnly(NobodyDeletes):
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def act(self, request, obj, template, **context):
        """The page of an act: its form, and what helps to decide."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": obj,
            "back": reverse(f"admin:pages_{self.model._meta.model_name}_change", args=[obj.pk]),
            **context,
        }
        return TemplateResponse(request, f"admin/pages/{template}", context)


def require(request, right):
    if not request.user.has_perm(f"pages.{right}"):
        raise PermissionDenied


def findings_on(revision):
    """What the gate finds, each with the beginning of the line it speaks of."""
    lines = revision.body.splitlines()
    found = []
    for fault in publishing.faults(revision):
        line = getattr(fault, "line", None)
        words = lines[line - 1][:80] if line and line <= len(lines) else ""
        found.append({"sentence": str(fault), "line": line, "words": words})
    return found


def address_of(revision):
    return reverse("admin:pages_revision_change", args=[revision.pk])

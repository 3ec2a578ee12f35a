"""Many requests at once: each row stands or falls for itself and has a line that says which."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils import timezone

from bookings import lifecycle, trail
from bookings.admin import acts, wording

AT_MOST = 100


def bulk(name: str):
    """The action of the list that does the act of that name with every chosen row."""

    def action(model_admin, request, queryset):
        return _act_on_each(model_admin, request, queryset, acts.ACTS[name], action.__name__)

    action.__name__ = f"{name}_each"
    act = acts.ACTS[name]
    needed = "mark" if act.permissions == (acts.MARK,) else "decide"
    return admin.action(description=act.label, permissions=[needed])(action)


def _act_on_each(model_admin, request, queryset, act, action):
    """First show the rows and the form, then act; the page after it says what became of each."""
    if not act.is_allowed(request.user):
        raise PermissionDenied
    now = timezone.now()
    is_sent = "_do" in request.POST
    if is_sent:  # also those that have left the list meanwhile
        keys = [acts.number(key) for key in request.POST.getlist("_selected_action")]
        queryset = model_admin.get_queryset(request).filter(pk__in=[key for key in keys if key])
    rows = list(queryset.select_related("visit_type", "location").order_by("pk")[:AT_MOST])
    trail.viewed(request.user, rows, kind=trail.Kind.LIST, now=now)
    form = act.form(request.POST if is_sent else None, asked=None, now=now)
    is_done = is_sent and form.is_valid()
    lines = [
        (
            asked,
            model_admin.address(request, "change", asked),
            wording.when(asked),
            _line(model_admin, request, act, asked, form.cleaned_data if is_done else None, now=now),
        )
        for asked in rows
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{act.label}: {len(rows)} request{'' if len(rows) == 1 else 's'}",
        "opts": model_admin.model._meta,
        "act": act,
        "action": action,
        "form": form,
        "lines": lines,
        "is_done": is_done,
        "done": sum(was_done for *_, (was_done, _) in lines),
        "more": queryset.count() > AT_MOST,
    }
    return TemplateResponse(request, "admin/bookings/bulk.html", context)


def _line(model_admin, request, act, asked, given, *, now):
    """Whether it was (or could be) done, and the sentence that says so."""
    if given is None:
        is_possible = act.is_possible(asked, now)
        return is_possible, "possible" if is_possible else "not possible as it stands"
    seen = acts.number(request.POST.get(f"_seen_{asked.pk}", "")) or asked.version
    try:
        with lifecycle.unchanged_since(asked, seen):
            act.verb(asked, given, by=request.user, now=now)
            model_admin.log_change(request, asked, act.done)
    except lifecycle.Refused as refusal:
        return False, str(refusal)
    return True, act.said(asked)

"""The lists of the staff (Django's changelists) take the filters they offer, and nothing else.

Django lets an address filter by any column with any operator, and errs over what Postgres cannot do:
regular expressions, years without end, keys that are no numbers. Here all lists are kept to their own
links, those of packages too, before Django reads the address.
"""

from datetime import date

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import ValidationError
from django.db.models import DateField, Field
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from bookings.models import AppointmentRequest

OF_EACH_LIST = [ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR, IS_FACETS_VAR, IS_POPUP_VAR]
OF_EACH_LIST += ["after", "before"]  # bookings.admin.paging
MORE_LISTS = {"export_requests": AppointmentRequest}  # what reads its address as a list does
MOST_WORDS = 12  # that are searched for: Django looks for each of them in every column of every row
YEARS = range(1900, 2200)  # each has a day before and after it, in every time zone


def only_what_is_offered(get_response):
    """Middleware: an address with other filters leads to the same list without them, which says so."""

    def process_view(request, view, args, kwargs):
        name = request.resolver_match.url_name or ""
        if name == "autocomplete":  # Django's own, which searches as a list does
            _look_for_few_words(request, "term")
        model_admin = _list_of(name, view)
        if model_admin is None or not _may_look(model_admin, request):
            return None
        if ERROR_FLAG in request.GET:  # where Django leads to from a value that it cannot read
            messages.warning(request, "We couldn’t read that filter, so this list isn’t filtered.")
        if request.method == "POST":
            _leave_out_what_is_no_key(model_admin, request)
        _look_for_few_words(request, SEARCH_VAR)
        return _way_to_what_is_offered(model_admin, request)

    def answer(request):
        return get_response(request)

    answer.process_view = process_view
    return answer


def _list_of(name, view):
    """The ModelAdmin whose list this address shows; None where it shows none, or one that is not Django's."""
    if name in MORE_LISTS:
        return admin.site.get_model_admin(MORE_LISTS[name])
    return getattr(view, "model_admin", None) if name.endswith("_changelist") else None


def _may_look(model_admin, request):
    is_staff = model_admin.admin_site.has_permission(request)
    return is_staff and model_admin.has_view_or_change_permission(request)


def _leave_out_what_is_no_key(model_admin, request):
    """Of the ticked rows: Django would ask Postgres for a row “x”."""
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
    keys = [text for text in ticked if _can_be(model_admin.opts.pk, text)]
    if len(keys) < len(ticked):
        request.POST = request.POST.copy()
        request.POST.setlist(ACTION_CHECKBOX_NAME, keys)
        messages.warning(request, f"Skipped {_in_words(ticked, keys)}: this list has no such row.")


def _look_for_few_words(request, name):
    """Of a whole text that was pasted into a search, only the beginning is looked for."""
    words = request.GET.get(name, "").split()
    if len(words) > MOST_WORDS:
        request.GET = request.GET.copy()
        request.GET[name] = " ".join(words[:MOST_WORDS])
        messages.warning(request, f"We looked only for the first {MOST_WORDS} of these {len(words):,} words.")


def _way_to_what_is_offered(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponseRedirect | None:
    offered, kept = _offered(model_admin, request), request.GET.copy()
    for name, values in request.GET.lists():
        if name not in offered or not all(offered[name](value) for value in values):
            del kept[name]
    if model_admin.date_hierarchy:
        _keep_only_a_day_that_is(kept, model_admin.date_hierarchy)
    if len(kept) == len(request.GET):
        return None
    words = f"Skipped {_in_words(request.GET, kept)}: this list has no such filter."
    messages.warning(request, f"{words} Use the filters shown here.")
    opts = model_admin.opts
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")  # from an export, too
    return HttpResponseRedirect(f"{address}?{kept.urlencode()}" if kept else address)


def _in_words(given, kept):
    """Those that were given and not kept; the first three will do."""
    return ", ".join(f"“{each[:40]}”" for each in [one for one in given if one not in kept][:3])


def _offered(model_admin, request):
    """The parameters of the list's own links, each with the check of its value."""
    offered = dict.fromkeys(OF_EACH_LIST, lambda value: True)
    offered[TO_FIELD_VAR] = lambda value: model_admin.to_field_allowed(request, value)
    for each in model_admin.get_list_filter(request):
        if hasattr(each, "parameter_name"):
            offered[each.parameter_name] = lambda value: True
            continue
        path = each if isinstance(each, str) else each[0]
        offered |= _of_field(path, get_fields_from_path(model_admin.model, path)[-1])
    if day := model_admin.date_hierarchy:
        offered |= dict.fromkeys(
            _parts(day), lambda value: value.isascii() and value.isdigit() and len(value) < 5
        )
    return offered


def _of_field(path, field):
    """What the filters of django.contrib.admin.filters look for, by the kind of the field."""
    if isinstance(field, DateField):  # a DateTimeField is one, too
        own = dict.fromkeys([f"{path}__gte", f"{path}__lt"], lambda value: _can_be(field, value))
    elif field.is_relation:
        key = field.target_field
        own = {f"{path}__{key.name}__exact": lambda value: _can_be(key, value)}
    else:
        own = {f"{path}__exact": lambda value: not field.choices or _can_be(field, value)}
    return {f"{path}__isnull": lambda value: value in ("True", "False", "0", "1"), **own}


def _can_be(field: Field, text: str) -> bool:
    """Whether a field of this kind can have this value, in Postgres too."""
    try:
        value = field.to_python(text)
        field.run_validators(value)
    except (ValidationError, OverflowError):
        return False
    return not isinstance(value, date) or value.year in YEARS


def _keep_only_a_day_that_is(kept, field):
    """A year, or one with a month, or a day of it: whatever else was asked for is taken out."""
    names = _parts(field)
    year, month, day = (kept.get(name) for name in names)
    try:
        is_day = date(int(year or 0), int(month or 1), int(day or 1)).year in YEARS and (month or not day)
    except ValueError:
        is_day = False
    if not is_day:
        for name in names:
            kept.pop(name, None)


def _parts(field):
    return [f"{field}__{part}" for part in ("year", "month", "day")]

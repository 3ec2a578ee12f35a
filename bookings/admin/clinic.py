"""Setting up: locations, visit types, schedules, hours and closures."""

from functools import partial

from django import forms
from django.contrib import admin, messages
from django.core.validators import RegexValidator
from django.db import OperationalError, models
from django.urls import reverse
from django.utils.html import format_html

from bookings import lifecycle
from bookings.admin.closing import ClosureForm, listed, visits_hit
from bookings.models import Closure, Location, OpeningHours, Schedule, VisitType

HOURS = (
    "Opening hours: by the clock on the wall. A day with a break has two lines. "
    "What closes at or before it opens ends on the next day. Visits that are booked stay"
)

# Django's own would note how far the browser's clock is from ours, which says nothing about opening hours.
PLAIN = {
    models.TimeField: {"widget": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")},
    models.DateField: {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")},
    models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple, "help_text": ""},
}
LABELS = {
    "slug": "Web address",
    "is_listed": "Patients can see it",
    "is_active": "In use",
    "position": "Place in lists",
    "minutes": "Length",
    "minutes_before": "Taken before",
    "minutes_after": "Taken after",
    "step_minutes": "Between two starts",
    "horizon_days": "Days ahead",
    "remind_2_days_before": "Two days before",
    "remind_1_day_before": "The day before",
}
# Names stand in emails and calendars, which end a line or turn its direction where one of these stands.
ONE_LINE = RegexValidator(
    r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]",
    "Type this anew: it holds a line break or a hidden sign",
    inverse_match=True,
)
DEADLOCK = "40P01"
ASKED_FOR = {**LABELS, "opens": "opening time", "closes": "closing time"}


class Asking:
    """What is missing is asked for by the name that stands beside it; what has one line has only one."""

    formfield_overrides = PLAIN

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        verb = "Select" if isinstance(field, forms.ModelChoiceField | forms.TypedChoiceField) else "Enter"
        asked_for = ASKED_FOR.get(db_field.name, db_field.verbose_name).lower()
        field.error_messages["required"] = f"{verb} the {asked_for}"
        if isinstance(db_field, models.CharField):
            field.validators.append(ONE_LINE)
        return field


class BusyForm:
    """A form that is not saved this time, since others were in its way; it shows all that was typed."""

    def clean(self):
        super().clean()
        self.add_error(None, "Somebody is booking here right now. Nothing was saved; press Save again.")


class ComesBack:
    """Patients book while the clinic is set up. Who has to wait too long for them gets the form back.

    Of two that wait for each other Postgres ends one (a deadlock). The other one has its way then, so it
    is tried once more.
    """

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        look = partial(super().changeform_view, request, object_id, form_url, extra_context)
        for may_try_again in (True, False):
            try:
                return look()
            except OperationalError as error:
                code = getattr(error.__cause__, "sqlstate", None)
                if request.method != "POST" or code not in lifecycle.BUSY:
                    raise
                if not (may_try_again and code == DEADLOCK):
                    break
        request.is_in_the_way_of_others = True
        return look()

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        is_busy = getattr(request, "is_in_the_way_of_others", False)
        return type(form.__name__, (BusyForm, form), {}) if is_busy else form


class SetUp(Asking, ComesBack):
    """Labels that a manager understands. What visits hang on is taken out of use, never deleted."""

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, labels=LABELS, **kwargs)

    def has_delete_permission(self, request, obj=None):
        return False


class OpeningHoursInline(Asking, admin.TabularInline):
    model = OpeningHours
    extra = 1
    fields = ["weekday", "opens", "closes", "schedule", "valid_from", "valid_until"]
    verbose_name_plural = HOURS

    def get_formset(self, request, obj=None, **kwargs):
        """Only chairs and rooms of this location; each with its name alone."""
        formset = super().get_formset(request, obj, **kwargs)
        if field := formset.form.base_fields.get("schedule"):
            field.queryset = Schedule.objects.filter(location=obj)  # none while it is being added
            field.label_from_instance = lambda schedule: schedule.name
        return formset


class OwnHoursInline(Asking, admin.TabularInline):
    model = OpeningHours
    extra = 1
    fields = ["weekday", "opens", "closes", "valid_from", "valid_until"]
    verbose_name_plural = "Hours of its own: leave empty where it is open like the whole location"


class ScheduleInline(Asking, admin.TabularInline):
    model = Schedule
    extra = 0
    show_change_link = True
    fields = ["name", "visit_types", "position", "is_active"]
    verbose_name_plural = "Chairs and rooms: each takes one visit at a time"

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Location)
class LocationAdmin(SetUp, admin.ModelAdmin):
    list_display = ["name", "address", "phone", "is_listed"]
    search_fields = ["name", "city"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [OpeningHoursInline, ScheduleInline]
    fieldsets = [
        ("Location", {"fields": ["name", "slug", "phone", "time_zone"]}),
        ("The address that patients come to", {"fields": ["street", "city", "state", "postal_code"]}),
        (
            "Or: visits by video",
            {
                "fields": ["video_states"],
                "description": "A location has either an address or these states. A clinician may see by "
                "video only people who are in a state where that clinician is licensed; patients read the "
                "states before they ask. Before each visit somebody here gives the patient the link, by "
                "email or phone. Let it take only kinds of visits at which people talk. A clinician who "
                "also works in a room needs hours here at which that room is closed.",
            },
        ),
        (
            "What patients read before they come",
            {"fields": ["getting_here", "light_sound_smell", "step_free_access"]},
        ),
        (
            "On the website",
            {
                "fields": ["position", "is_listed"],
                "description": "A location that is not listed takes no new requests from the website. "
                "Visits that are booked there stay.",
            },
        ),
    ]

    def save_model(self, request, obj, form, change):
        """Lock the chairs in the order of their keys, as patients do: their forms come in another one."""
        if change:
            lifecycle.lock_all_schedules(obj)
        super().save_model(request, obj, form, change)


@admin.register(VisitType)
class VisitTypeAdmin(SetUp, admin.ModelAdmin):
    list_display = ["name", "minutes", "minutes_before", "minutes_after", "notice_hours", "is_listed"]
    list_filter = ["after_consultation"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (
            "What patients read",
            {"fields": ["name", "slug", "summary", "price", "position", "is_listed", "after_consultation"]},
        ),
        (
            "How long it takes, in minutes",
            {
                "fields": ["minutes", "minutes_before", "minutes_after", "step_minutes"],
                "description": "Example: a visit of 60 minutes with 10 after it. The patient sees 9am to "
                "10am; the next visit in that room begins at 10:10am or later. Visits that are booked "
                "keep their times.",
            },
        ),
        (
            "How soon and how far ahead",
            {
                "fields": ["notice_hours", "horizon_days", "change_notice_hours"],
                "description": "These bind patients. A manager can book outside them, with a reason.",
            },
        ),
        ("Reminders", {"fields": ["remind_2_days_before", "remind_1_day_before"]}),
    ]


@admin.register(Schedule)
class ScheduleAdmin(SetUp, admin.ModelAdmin):
    list_display = ["name", "location", "is_active"]
    list_filter = ["location", "is_active"]
    list_select_related = ["location"]
    search_fields = ["name"]
    inlines = [OwnHoursInline]
    fieldsets = [
        (
            None,
            {
                "fields": ["location", "name", "visit_types", "position", "is_active"],
                "description": "A chair, a room or a person: whatever takes one visit at a time. "
                "Out of use it takes no new visits; those that are booked stay. Once it has visits, hours or "
                "closures it stays at its location: add a new one elsewhere.",
            },
        )
    ]

    def get_readonly_fields(self, request, obj=None):
        """With visits, hours or closures of its own it stays: patients were told to come there."""
        is_used = obj and (
            obj.appointments.exists() or obj.opening_hours.exists() or obj.closure_set.exists()
        )
        return ["location"] if is_used else []

    def save_formset(self, request, form, formset, change):
        """Its own hours belong to its location."""
        for hours in formset.save(commit=False):
            hours.location = form.instance.location
        super().save_formset(request, form, formset, change)


@admin.register(Closure)
class ClosureAdmin(ComesBack, admin.ModelAdmin):
    form = ClosureForm
    list_display = ["__str__", "what", "starts", "ends"]
    list_filter = ["location", "reason"]
    list_select_related = ["location", "schedule__location"]
    date_hierarchy = "starts_at"
    readonly_fields = ["visits"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    *("understood", "location", "schedule", "reason"),
                    *("day", "hour", "which", "last_day", "last_hour", "last_which"),
                ],
                "description": "Nothing can be booked in a closure. Times are those of the location. "
                "Visits that lie in it stay as they are: before you save, you see which ones they are.",
            },
        )
    ]

    def formfield_for_dbfield(self, *args, **kwargs):
        """Nobody adds or changes a location on the way to closing one."""
        field = super().formfield_for_dbfield(*args, **kwargs)
        for way in ("add", "change", "view"):
            setattr(field.widget, f"can_{way}_related", False)
        return field

    def get_fieldsets(self, request, obj=None):
        """Who may only look reads the two times as sentences."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj and not self.has_change_permission(request, obj):
            fieldsets = [(None, {"fields": ["location", "schedule", "reason", "starts", "ends"]})]
        return [*fieldsets, ("Visits still in it", {"fields": ["visits"]})] if obj else fieldsets

    def save_model(self, request, obj, form, change):
        """What was seen before the saving is not to be looked for after it."""
        super().save_model(request, obj, form, change)
        if hit := visits_hit(obj):
            lie = "1 visit still lies" if len(hit) == 1 else f"{len(hit)} visits still lie"
            url = reverse("admin:bookings_closure_change", args=[obj.pk])
            words = '{} in this closure, to move or cancel. <a href="{}">The closure lists them.</a>'
            messages.warning(request, format_html(words, lie, url))

    @admin.display(description="chair or room", ordering="schedule")
    def what(self, closure):
        return closure.schedule.name if closure.schedule else "the whole location"

    @admin.display(description="to move or cancel")
    def visits(self, closure):
        hit = visits_hit(closure)
        return listed(hit) if hit else "None."

    @admin.display(description="starts", ordering="starts_at")
    def starts(self, closure):
        return closure.location.time_in_words(closure.starts_at)

    @admin.display(description="ends", ordering="ends_at")
    def ends(self, closure):
        return closure.location.time_in_words(closure.ends_at)

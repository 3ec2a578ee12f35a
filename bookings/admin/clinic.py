"""Setting up: locations, visit types, schedules, hours and closures."""

from django.contrib import admin

from bookings.models import Closure, Location, OpeningHours, Schedule, VisitType


class OpeningHoursInline(admin.TabularInline):
    model = OpeningHours
    extra = 1
    fields = ["weekday", "opens", "closes", "schedule", "valid_from", "valid_until"]


class ScheduleInline(admin.TabularInline):
    model = Schedule
    extra = 0
    show_change_link = True
    fields = ["name", "visit_types", "position", "is_active"]


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ["name", "city", "state", "phone", "is_listed"]
    search_fields = ["name", "city"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [OpeningHoursInline, ScheduleInline]

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(VisitType)
class VisitTypeAdmin(admin.ModelAdmin):
    list_display = ["name", "minutes", "minutes_before", "minutes_after", "notice_hours", "is_listed"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Schedule)
class ScheduleAdmin(admin.ModelAdmin):
    list_display = ["name", "location", "is_active"]
    list_filter = ["location", "is_active"]
    filter_horizontal = ["visit_types"]

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Closure)
class ClosureAdmin(admin.ModelAdmin):
    list_display = ["location", "schedule", "starts_at", "ends_at", "reason"]
    list_filter = ["location", "reason"]
    date_hierarchy = "starts_at"

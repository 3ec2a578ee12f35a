"""Where the clinic is. For everybody."""

from itertools import groupby

from django.db.models import Q
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from bookings.models import Location


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
def locations(request):
    return render(request, "bookings/locations.html", {"locations": Location.objects.filter(is_listed=True)})


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
def location(request, slug):
    place = get_object_or_404(Location, slug=slug, is_listed=True)
    today = place.local(timezone.now()).date()
    began = Q(valid_from=None) | Q(valid_from__lte=today)
    goes_on = Q(valid_until=None) | Q(valid_until__gte=today)
    hours = place.opening_hours.filter(began, goes_on, schedule=None).order_by("weekday", "opens")
    by_day = groupby(hours, lambda rule: rule.get_weekday_display())
    return render(
        request,
        "bookings/location.html",
        {
            "location": place,
            "hours": [(day, list(ranges)) for day, ranges in by_day],
        },
    )

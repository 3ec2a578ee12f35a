"""Where the clinic is. For everybody."""

from contextlib import contextmanager
from itertools import groupby

from django.db import connection, transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from bookings.models import Location


@contextmanager
def one_moment():
    """For a public page: all that it reads as it was at one moment (PostgreSQL 13.2.2). It cannot write.

    Otherwise each query sees what was saved before it, and a page may show old words beside new hours.
    """
    if connection.in_atomic_block:  # then its moment, or its own writing, is somebody else's matter
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
def locations(request):
    return render(request, "bookings/locations.html", {"locations": Location.objects.filter(is_listed=True)})


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
@one_moment()
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

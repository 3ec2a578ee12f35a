"""The screen with days and times: for whoever asks for a visit, and for whoever moves one."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import groupby

from bookings import availability
from bookings.forms import TimeForm
from bookings.models import Location, VisitType

DAYS_SHOWN = 14


def screen(
    form: TimeForm,
    visit_type: VisitType,
    location: Location,
    query: Mapping[str, str],
    *,
    now: datetime,
    gone: datetime | None = None,
) -> dict:
    """What bookings/times.html needs; `form` is given the radio buttons of one day.

    `query` is the page's: `from` is the first of two weeks of days, `day` the one whose times are
    shown. Without them the day of the time that `form` holds is shown, else the first with a free
    time. `gone` is a time that was wanted and cannot be had: the page says so and shows the free
    times nearest to it, until a day is chosen.
    """
    today = location.local(now).date()
    _, last_day = availability.limits(visit_type, location, now=now)
    held = _day_of(form, location)
    asked = _day(query.get("from"))
    if asked is None and held and not today <= held < today + timedelta(days=DAYS_SHOWN):
        asked = held
    first = min(max(asked or today, today), last_day)
    slots = availability.free_slots(visit_type, location, first, DAYS_SHOWN, now=now)
    days = {
        day: list(group) for day, group in groupby(slots, lambda slot: location.local(slot.starts_at).date())
    }
    chosen = _day(query.get("day"))
    near = availability.nearest(visit_type, location, gone, now=now) if gone and chosen is None else []
    if near:
        form.offer(
            "The nearest free times",
            [(slot.starts_at.isoformat(), location.time_in_words(slot.starts_at)) for slot in near],
        )
    else:
        chosen = next((day for day in (chosen, held, *days) if day in days), None)
        if chosen:
            form.offer(f"{chosen:%A}, {chosen:%B} {chosen.day}", _times(days[chosen], location))
    later = first + timedelta(days=DAYS_SHOWN)
    return {
        "form": form,
        "location": location,
        "first": first,
        "days": [(day, len(times)) for day, times in days.items()],
        "chosen": chosen,
        "near": near,
        "earlier": max(first - timedelta(days=DAYS_SHOWN), today) if first > today else None,
        "later": later if later <= last_day else None,
        "gone": location.time_in_words(gone) if gone else None,
    }


def _times(slots, location):
    """The radio buttons of one day; where the clocks change on it, each with its zone."""
    zones = {location.local(slot.starts_at).tzname() for slot in slots}
    return [
        (
            slot.starts_at.isoformat(),
            location.hour_in_words(slot.starts_at)
            if len(zones) > 1
            else location.hour_in_words(slot.starts_at).rpartition(" ")[0],
        )
        for slot in slots
    ]


def _day_of(form, location):
    """The day of the time that was typed or kept; None where that is no time."""
    start = form.data.get("start") or form.initial.get("start")
    try:
        return location.local(datetime.fromisoformat(start)).date()
    except (TypeError, ValueError, OverflowError):
        return None


def _day(text):
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None

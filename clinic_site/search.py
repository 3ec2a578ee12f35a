"""The search of the whole site: help for people in danger, what can be booked and where, and the pages."""

from difflib import get_close_matches
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from bookings.models import Location, VisitType
from pages import crisis
from pages.models import Page
from pages.replica import reads_a_copy
from pages.search import MOST_WORDS, find
from pages.spelling import is_english, plain

# Pages with the numbers to call and what to do until help comes.
HELP = ["conditions/suicidal-thoughts", "migraine/when-to-get-help-now"]
# Words that tell no place and no visit from another.
COMMON = {
    "a",
    "an",
    "and",
    "at",
    "book",
    "by",
    "clinic",
    "do",
    "for",
    "get",
    "i",
    "in",
    "me",
    "my",
    "near",
    "need",
}
COMMON |= {"of", "on", "session", "the", "to", "treatment", "visit", "visits", "want", "you", "your"}
# "norflok" is 0.86 like "norfolk" (difflib's ratio).
NEAR = 0.85


class Place(NamedTuple):
    """Something that is no page with revisions: a place, a visit, or a thing to do."""

    title: str
    url: str
    summary: str


VISIT = {"appointment", "appointments", "booking", "visit", "visits"}


def actions() -> list[tuple[list[set[str]], Place]]:
    """Things to do on this site, each with the words that ask for it: one of each set must be there.

    The first that fits comes first.
    """
    contact = reverse("page", args=["contact"])
    change = Place("Change or cancel an appointment", contact, "Use the link in our email, or call us.")
    reach = Place("Contact", contact, "Call us, or send an email. In an emergency, call 911.")
    ask = Place(
        "Request an appointment",
        reverse("start_request"),
        "Choose a visit, a place and a time. You don’t need an account.",
    )
    where = Place("Locations", reverse("locations"), "Addresses, hours, phone numbers and how to get there.")
    diary = Place("Headache diary", reverse("headache_diary"), "One month on one page, to print.")
    card = Place("Attack card", reverse("attack_card"), "What to take and when, on a card for your pocket.")
    return [
        ([{"cancel", "canceling", "cancelling", "reschedule", "rescheduling", "postpone"}], change),
        ([{"change", "move"}, VISIT], change),
        ([{"appointment", "appointments", "book", "booking", "schedule", "reserve", "availability"}], ask),
        ([{"phone", "telephone", "email", "contact"}], reach),
        (
            [
                {"address", "directions", "hours", "location", "locations", "map", "near", "nearest", "open"}
                | {"opening", "parking", "where"}
            ],
            where,
        ),
        ([{"diary", "journal", "tracker", "log"}], diary),
        ([{"card"}, {"attack", "wallet", "pocket", "emergency"}], card),
    ]


@require_safe
@reads_a_copy
def search(request: HttpRequest) -> HttpResponse:
    """What the reader's words lead to. Nobody keeps the answer: a question can be about health."""
    found = find(request.GET.get("q", ""))
    words = set(plain(found.query).split()[:MOST_WORDS])
    context = {
        "found": found,
        "dangers": crisis.dangers(found.query),
        "help_pages": Page.objects.public().filter(path__in=HELP).select_related("live").order_by("path"),
        "places": [*_actions(words), *_locations(words)],
        "visits": _visits(words),
        "sections": Page.objects.public().filter(parent=None, kind=Page.Kind.HUB).select_related("live"),
    }
    return render(request, "pages/search.html", context)


def _actions(words):
    return [place for asked, place in actions() if all(words & some for some in asked)][:1]


def _locations(words):
    """The places that are named, misspelled ones too; none where no word is left."""
    words = words - COMMON
    unknown = [word for word in words if not is_english(word)]
    found = []
    for location in Location.objects.filter(is_listed=True) if words else []:
        own = set(plain(f"{location.name} {location.city} {location.postal_code}").split()) - COMMON
        if words & own or any(get_close_matches(word, own, n=1, cutoff=NEAR) for word in unknown):
            summary = f"Visits are {location.address}." if location.is_video else location.address
            found.append(Place(location.name, location.get_absolute_url(), summary))
    return found


def _visits(words):
    """Visits of which all words of the name are there, or that have all words of the reader."""
    words = words - COMMON
    return [
        Place(visit.name, f"{reverse('start_request')}?{urlencode({'visit': visit.slug})}", visit.summary)
        for visit in (VisitType.objects.filter(is_listed=True) if words else [])
        if (own := set(plain(visit.name).split()) - COMMON) and (own <= words or words <= own)
    ]

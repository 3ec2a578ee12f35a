"""What every template may know: the clinic, and the display the reader has chosen."""

from django.conf import settings

# The value of the cookie, the words on the button, and what it does.
DISPLAYS = {
    "auto": "Match my device",
    "light": "Light",
    "dark": "Dark",
    "dim": "Low light",
}


def clinic(request):
    return {
        "clinic": settings.CLINIC,
        "site_url": settings.SITE_URL,
        "kept_days": settings.KEPT_DAYS,
        "idle_minutes": settings.STAFF_IDLE_MINUTES,
    }


def chosen_display(cookies):
    """The display that these cookies ask for: one of the four, whatever they say."""
    chosen = cookies.get("theme")
    return chosen if chosen in DISPLAYS else "auto"


def display(request):
    return {"display": chosen_display(request.COOKIES), "displays": DISPLAYS}

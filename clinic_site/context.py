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
    return {"clinic": settings.CLINIC, "site_url": settings.SITE_URL, "kept_days": settings.KEPT_DAYS}


def display(request):
    chosen = request.COOKIES.get("theme")
    return {
        "display": chosen if chosen in DISPLAYS else "auto",
        "displays": DISPLAYS,
    }

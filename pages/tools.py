"""Two things to print: a month of headache diary, and a card for an attack. Nothing of them is kept."""

from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_cookie

from pages.forms import AttackCardForm

DAYS = range(1, 32)
# The days a month from which medicine itself can cause headache (ICHD-3, 8.2), and a few boxes more.
LIMITS = {"triptan": 10, "painkiller": 15}
BOXES = {name: range(1, limit + 5) for name, limit in LIMITS.items()}


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
def headache_diary(request):
    """One month on one sheet, to fill in by hand."""
    return render(
        request, "pages/tools/headache_diary.html", {"days": DAYS, "limits": LIMITS, "boxes": BOXES}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_store=True)
def attack_card(request):
    """The form; or, sent, the card made from it. The answer is its only copy: we neither store nor log it."""
    form = AttackCardForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return render(request, "pages/tools/attack_card.html", {"card": form.cleaned_data, "limits": LIMITS})
    status = 422 if form.is_bound else 200
    return render(request, "pages/tools/attack_card_form.html", {"form": form}, status=status)

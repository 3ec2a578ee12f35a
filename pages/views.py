from django.conf import settings
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from pages import structured_data
from pages.models import Page, Source


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
def page(request, path):
    """One public page. It sets no cookie and looks at nobody, so it can be kept for everybody."""
    public = Page.objects.public().select_related("live__approved_by", "parent__live", "parent__parent__live")
    page = get_object_or_404(public, path=path)
    sources = cited(page.live)
    guide = guide_of(page)
    context = {
        "page": page,
        "revision": page.live,
        "sources": sources,
        "crumbs": crumbs(page),
        "guide": guide,
        "today": timezone.localdate(),
        "json_ld": structured_data.json_ld(page, sources, crumbs(page), settings.SITE_URL, settings.CLINIC),
        **neighbours(page, guide),
    }
    template = "pages/home.html" if page.kind == Page.Kind.HOME else "pages/page.html"
    return render(request, template, context)


def cited(revision):
    """The sources in reading order, so that the first is number 1."""
    found = Source.objects.in_bulk(revision.citations, field_name="key")
    return [found[key] for key in revision.citations if key in found]


def crumbs(page):
    """The public pages above this one, the nearest last; without the home page and the page itself."""
    above = []
    while page := page.parent:
        if page.live_id:
            above.insert(0, page)
    return above


def guide_of(page):
    """The pages of the hub this page belongs to: the hub first, then the others in their order."""
    hub = page if page.kind == Page.Kind.HUB else page.parent
    if not hub or hub.kind != Page.Kind.HUB or not hub.live_id:
        return []
    others = Page.objects.public().filter(parent=hub).select_related("live").order_by("position", "path")
    return [hub, *others]


def neighbours(page, guide):
    """The pages before and after this one in its guide."""
    if page not in guide:
        return {"before": None, "after": None}
    place = guide.index(page)
    return {
        "before": guide[place - 1] if place else None,
        "after": guide[place + 1] if place + 1 < len(guide) else None,
    }

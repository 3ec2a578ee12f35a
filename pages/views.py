import re

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_cookie

from pages import clinic_facts, publishing, structured_data, until
from pages import whole_guide as whole
from pages.feedback import TooMuch, keep
from pages.forms import FeedbackForm
from pages.markdown import OPENINGS
from pages.models import Page, Redirect, Revision, Source
from pages.replica import reads_a_copy


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
@reads_a_copy
def page(request, path):
    """One public page. It sets no cookie and looks at nobody, so it can be kept for everybody."""
    public = Page.objects.public().select_related("live__approved_by", "parent__live", "parent__parent__live")
    page = public.filter(path=path).first()
    if page is None:
        moved = get_object_or_404(
            Redirect.objects.select_related("page"), old_path=path, page__live__isnull=False
        )
        return redirect(moved.page, permanent=True)
    context = context_of(page, page.live)
    json_ld = structured_data.json_ld(
        page, context["sources"], context["crumbs"], settings.SITE_URL, settings.CLINIC
    )
    return render(request, template_of(page), {**context, "json_ld": json_ld})


@require_safe
@staff_member_required
@permission_required("pages.view_revision", raise_exception=True)
@cache_control(private=True, no_store=True)
def preview(request, pk):
    """Words as readers would see them, for staff alone; the form of the displays leads back here."""
    revision = get_object_or_404(Revision.objects.select_related("page__parent__live", "approved_by"), pk=pk)
    context = {**context_of(revision.page, revision), "template": template_of(revision.page)}
    response = render(request, "pages/preview.html", context)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def template_of(page):
    return "pages/home.html" if page.kind == Page.Kind.HOME else "pages/page.html"


def context_of(page, revision):
    """What the template of a page asks for, with these words of it."""
    sources = cited(revision.citations)
    guide, today = guide_of(page), timezone.localdate()
    # Made by pages.markdown when the words were saved, and sanitized there.
    html = clinic_facts.fill(until.left_out(revision.html, today))
    emergency, text = map(mark_safe, emergency_first(html))
    return {
        "page": page,
        "revision": revision,
        "emergency": emergency,
        "text": text,
        # A heading between ::: clinic and ::: goes with what it stands above.
        "headings": [(id, words) for id, words in revision.headings if f'id="{id}"' in html],
        "sources": sources,
        "crumbs": crumbs(page),
        "guide": guide,
        "drawing": publishing.drawing_of(page) if page.kind == Page.Kind.HUB else None,
        "today": today,
        **neighbours(page, guide),
    }


def emergency_first(html):
    """The box that says when to call 911, where a page opens with one, and the rest of its text."""
    if not html.startswith(OPENINGS["emergency"]):
        return "", html
    depth = 0
    for tag in re.finditer("<(/?)div[^>]*>", html):
        depth += -1 if tag[1] else 1
        if not depth:
            return html[: tag.end()], html[tag.end() :]
    return "", html


@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request, path):
    """Was this page useful? The only page here that sets a cookie: the form's protection."""
    page = page_with_feedback(path)
    form = FeedbackForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            keep(page, **form.cleaned_data, now=timezone.now())
            return redirect("feedback_kept", path)
        except TooMuch:
            form.add_error(
                None, "Many people have told us about this page. Try again in an hour, or call us."
            )
            status = 429
    elif form.is_bound:
        status = 422
    return render(request, "pages/feedback.html", {"page": page, "form": form}, status=status)


@require_safe
def feedback_kept(request, path):
    return render(request, "pages/feedback_kept.html", {"page": page_with_feedback(path)})


def page_with_feedback(path):
    """The public page at an address. The home page leads on, and is not asked about."""
    pages = Page.objects.public().exclude(kind=Page.Kind.HOME).select_related("live")
    return get_object_or_404(pages, path=path)


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
@reads_a_copy
def whole_guide(request, path):
    """All pages of a guide on one page, to read without a phone or to print."""
    hubs = Page.objects.public().filter(kind=Page.Kind.HUB).select_related("live", "parent__live")
    hub = get_object_or_404(hubs, path=path)
    today = timezone.localdate()
    parts, keys = whole.joined(guide_of(hub), today=today)
    context = {
        "hub": hub,
        "crumbs": [*crumbs(hub), hub],
        "parts": parts,
        "sources": cited(keys),
        "is_reviewed": any(part.page.live.is_approved for part in parts),
        "today": today,
    }
    return render(request, "pages/whole_guide.html", context)


def cited(keys):
    """The sources in reading order, so that the first is number 1."""
    found = Source.objects.in_bulk(keys, field_name="key")
    return [found[key] for key in keys if key in found]


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


@require_safe
@cache_control(public=True, max_age=60)
@vary_on_cookie
@reads_a_copy
def site_map(request):
    """Every public page below the one it belongs to."""
    return render(request, "pages/site_map.html", {"branches": branches()})


def branches():
    """The public pages as a tree: pairs of a page and the branches below it."""
    pages = Page.objects.public().select_related("live").order_by("position", "path")
    below = {page.pk: [] for page in pages}
    top = []
    for page in pages:
        # A page whose parent nobody can see stands at the top.
        below.get(page.parent_id, top).append((page, below[page.pk]))
    return top

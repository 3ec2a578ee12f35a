"""What belongs to the site as a whole: the display, the error pages, the style guide, the demo's mail."""

import email
import email.policy
import logging
import re
import sys
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from bookings.admin.home import desk
from clinic_site import attempts, readiness, unavailable
from clinic_site.context import DISPLAYS
from clinic_site.styleguide import demo_forms
from pages.admin.home import due_pages, open_facts

log = logging.getLogger("clinic.database")
OF_THE_ADMIN = re.compile(r"^_|^initial-|_FORMS$")
A_YEAR = 365 * 24 * 60 * 60


@require_safe
def healthz(request):
    """The process is alive: whether a proxy may send it visitors, and whether to start it again."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request):
    """Whether everything works together: for whoever deploys, and for the watch that wakes somebody.

    Not for a proxy: where no worker runs, requests are still taken, and all web servers would be out.
    """
    found = readiness.checks(now=timezone.now())
    is_ready = set(found.values()) == {readiness.OK}
    return JsonResponse(found, status=200 if is_ready else 503)


@require_safe
@cache_control(public=True, max_age=60)
def robots(request):
    """What search engines leave alone: staff, the steps of a request, and searches."""
    start = reverse("start_request")
    closed = [reverse("admin:index"), reverse("request_first_step"), f"{start}*/", reverse("search")]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), ""]
    lines.append(f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
@cache_control(public=True, max_age=60)
def security_txt(request):
    """Whom to tell of a hole (RFC 9116), renewed for as long as the server runs."""
    until = timezone.now() + timedelta(days=30)
    lines = [
        f"Contact: mailto:{settings.CLINIC['mailbox']}",
        f"Expires: {until:%Y-%m-%dT00:00:00Z}",
        f"Canonical: {settings.SITE_URL}{request.path}",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@csrf_exempt  # cached pages carry no token; the Origin is checked instead, and only one cookie is set
@require_POST
def choose_display(request):
    """Remember one of the four displays and go back to the page the reader came from."""
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.get_host():
        return HttpResponseForbidden("This form was sent from another site.")
    back = request.POST.get("back", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}) or not back.startswith("/"):
        back = "/"
    response = HttpResponseRedirect(back, status=303)
    chosen = request.POST.get("theme")
    if chosen in DISPLAYS:
        response.set_cookie(
            "theme",
            chosen,
            max_age=A_YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def bad_request(request, exception):
    """Refused; also what Django says of a session that could not be saved, for whatever reason."""
    if said := unavailable.explained(exception):
        return database_away(request, *said)
    return HttpResponseBadRequest()  # explain_refusals writes the page


def forbidden(request, exception):
    why = "Your role does not include it. If you need it for your work, ask whoever keeps the accounts."
    refused = _refused_at_the_desk(request, "This page is not open to you", why, status=403)
    return refused or HttpResponseForbidden()  # likewise


def not_found(request, exception):
    why = "It may have been taken away, or a letter is missing in the address."
    refused = _refused_at_the_desk(request, "We cannot find this page", why, status=404)
    return refused or render(request, "404.html", status=404)


def _refused_at_the_desk(request, title, why, *, status):
    """For staff on a page of theirs; None for everybody else."""
    if request.path.startswith(reverse("admin:index")) and admin.site.has_permission(request):
        context = {**admin.site.each_context(request), "title": title, "why": why}
        return render(request, "admin/refused.html", context, status=status)


def server_error(request):
    """An error of ours; where the database could not answer, the page that says so (503)."""
    if said := unavailable.explained(sys.exc_info()[1]):
        return database_away(request, *said)
    return render(request, "500.html", status=500)


def database_away(request, title, why, code):
    """What was typed comes back; sending it again is safe, for a submission is taken once."""
    log.error("%s could not be answered: %s", request.path, code)
    context = {
        "title": title,
        "why": why,
        "typed": typed_before(request) if request.method == "POST" else [],
        "is_unsaved": code in unavailable.BUSY_CODES,  # Postgres has taken it all back
    }
    response = render(request, "503.html", context, status=503)
    response.headers["Retry-After"] = unavailable.AGAIN_AFTER
    response._has_been_logged = True  # one line is enough: there may be thousands of these
    return response


def form_expired(request, reason=""):
    """What was typed comes back when a form's token is missing or old, or staff were signed out meanwhile."""
    typed = typed_before(request)
    if typed and request.path.startswith(reverse("admin:index")):
        is_staff = admin.site.has_permission(request)
        title = "This form is too old" if is_staff else "You are signed out"
        context = {**admin.site.each_context(request), "title": title, "typed": typed}
        return render(request, "admin/form_expired.html", context, status=403)
    return render(request, "form_expired.html", {"typed": typed}, status=403)


def typed_before(request):
    """Name, label and value of all that was sent from a page of ours, to be sent again.

    Nothing where another site may have sent it, or where a password is among it. What no person typed
    has no label: the admin's own fields.
    """
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    if origin != request.get_host() or any("password" in name for name in request.POST):
        return []
    return [
        (name, "" if OF_THE_ADMIN.search(name) else name.replace("_", " ").capitalize(), value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]


def staff_home(request):
    """The admin's own index, with what each app has to say above it."""
    now = timezone.now()
    context = {
        "desk": desk(request.user, now=now),
        "due_pages": [*due_pages(request.user, today=timezone.localdate(now)), *open_facts(request.user)],
        "guessing": attempts.guessed_at(request.user, now=now),
    }
    return admin.site.index(request, context)


def styleguide(request):
    """Every component in every state, for those who build the site."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404
    return render(request, "styleguide.html", demo_forms(with_errors="errors" in request.GET))


@staff_member_required
def demo_mail(request):
    """The demo's email, newest first; elsewhere mail goes to a server and this page is not there."""
    if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        raise Http404
    files = sorted(
        settings.EMAIL_FILE_PATH.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True
    )
    context = {**admin.site.each_context(request), "mails": [_read(file) for file in files[:50]]}
    return render(request, "admin/demo_mail.html", context)


def _read(file):
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    text = message.get_body(("plain",))
    return {
        "to": message["To"],
        "subject": message["Subject"],
        "date": message["Date"],
        "text": text.get_content() if text else "",
    }

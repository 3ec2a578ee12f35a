"""Response headers that no package sets, and what is refused at the door."""

import logging
import re
import traceback

from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed
from django.template.loader import render_to_string

PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), usb=()"
)


def response_headers(get_response):
    """Nothing is kept by a browser or a proxy unless its view says so and it looked at nobody."""

    def add(request):
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        rules = response.headers.get("Cache-Control", "")
        if not rules or ("public" in rules and _is_about_somebody(request, response)):
            response.headers["Cache-Control"] = "private, no-store"
        return response

    return add


def _is_about_somebody(request, response):
    """Whether this was made with a session, a message or a cookie in view, whatever its view says."""
    session, messages = getattr(request, "session", None), getattr(request, "_messages", None)
    return bool(
        response.cookies
        or (session is not None and session.accessed)
        or (messages is not None and (messages.used or messages.added_new))
    )


def refuse_unusual(get_response):
    """What no browser sends is refused before it errs: a NUL, which Postgres cannot store, too."""

    def check(request):
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        if len(request.get_full_path()) > LONGEST_ADDRESS:
            return HttpResponse(status=414)
        values = [request.path, *request.GET.values()]
        if request.method == "POST":
            values += [value for values in request.POST.lists() for value in values[1]]
        if any("\0" in value for value in values):
            return HttpResponseBadRequest()
        return get_response(request)

    return check


METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
LONGEST_ADDRESS = 8000  # characters; what RFC 9110 4.1 has every server understand

REFUSALS = {
    400: ("We cannot read this", "Something in the address or in the form is not as we can take it."),
    403: ("You cannot do this here", "This page is not open to you."),
    405: ("This address does not take that", "The page is there, but it cannot be used in this way."),
    414: ("This address is too long", "No page of ours has so long an address."),
    413: ("This is too much", "More was sent than our forms ask for. Write less."),
}


def explain_refusals(get_response):
    """Nobody meets a bare sentence of the machine: what is refused has our look and the phone number.

    A script that asked for JSON gets what was said to it.
    """

    def explain(request):
        response = get_response(request)
        is_for_a_script = response.headers.get("Content-Type") == "application/json"
        if response.status_code not in REFUSALS or response.streaming or is_for_a_script:
            return response
        if b"<html" in response.content:
            return response
        title, why = REFUSALS[response.status_code]
        response.content = render_to_string("refused.html", {"title": title, "why": why}, request)
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        response.headers["Content-Length"] = str(len(response.content))  # the one before was counted inside
        return response

    return explain


class WithoutLinks(logging.Filter):
    """A log line names a page, never the signed link or the key that opens it."""

    LINK = re.compile("(/(?:confirm|manage)/|/staff/reset/[^/\\s]+/)[^/\\s]+")

    def filter(self, record):
        record.msg, record.args = self.LINK.sub(r"\1…", record.getMessage()), ()
        return True


class WithoutWords(logging.Formatter):
    """Where an error happened and of which kind, never its words: those of Postgres hold the whole row."""

    def formatException(self, ei):
        lines, error = traceback.format_tb(ei[2]), ei[1]
        kinds = []
        while error:
            kinds.append(f"{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__ or error.__context__
        return "".join(lines) + ", from ".join(kinds)

"""Response headers that no package sets, and what is refused at the door."""

import logging
import re
import traceback
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.http import parse_header_parameters

from clinic_site.unavailable import chain

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


def headers_that_can_be_read(site):
    """Wrap a WSGI application: what Django errs over before any middleware, or reads for ever, stays out.

    It reads the form in the charset of Content-Type as it makes a request, and Python 3.11 takes quadratic
    time over some cookies. `refuse_unusual` answers then, with our page.
    """

    def answer(environ, start_response):
        kind = environ.get("CONTENT_TYPE", "")
        if len(environ.get("HTTP_COOKIE", "")) > LONGEST_COOKIES or (kind and not _is_content_type(kind)):
            environ["CONTENT_TYPE"] = UNREADABLE
            environ.pop("HTTP_COOKIE", None)
        return site(environ, start_response)

    return answer


def _is_content_type(text):
    """Whether it can be read, and names no other charset than that of our forms."""
    if len(text) > LONGEST_CONTENT_TYPE or not text.isprintable():
        return False
    try:
        _, more = parse_header_parameters(text)
    except NOT_READABLE:
        return False
    return more.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def refuse_unusual(get_response):
    """What no browser sends is refused before anything trips over it."""

    def check(request):
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        if len(request.get_full_path()) > LONGEST_ADDRESS:
            return HttpResponse(status=414)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return HttpResponseBadRequest()
        if len(length) > 10 or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return HttpResponse(status=413)
        if not _is_readable(request):
            return HttpResponseBadRequest()
        response = get_response(request)
        if len(response.headers.get("Location", "")) > LONGEST_REDIRECT:
            return HttpResponse(status=414)
        return response

    return check


def _is_readable(request):
    """Whether headers, address and form can be read, and Postgres can store what they hold: no NUL."""
    if request.content_type == UNREADABLE:
        return False
    try:
        for name in ("Origin", "Referer"):
            urlsplit(request.headers.get(name, ""))
        sent = [*request.GET.lists(), *((name, [value]) for name, value in request.COOKIES.items())]
        if request.method == "POST":
            sent += request.POST.lists()
        request.get_host()
    except NOT_READABLE:
        return False
    return "\0" not in "".join([request.path, *(word for name, values in sent for word in (name, *values))])


# What Django's readers raise, also over the encoding of a part or a name in brackets, and Python's over
# parameters like `a*` beside `a*0*` (RFC 2231). To Django each would be an error with its traceback, and
# strangers would fill the log.
NOT_READABLE = (BadRequest, LookupError, MultiPartParserError, SuspiciousOperation, TypeError, ValueError)
METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
LONGEST_ADDRESS = 8000  # characters; what RFC 9110 4.1 has every server understand
# A redirect repeats what was sent, up to three times as long once it is quoted. Where a proxy has no room for
# our headers (nginx: 4 kB by default), it takes the server for a broken one, and asks it nothing for a while.
LONGEST_REDIRECT = 2000
LONGEST_COOKIES = 8000  # characters; a browser has three of ours, and nginx takes no more
LONGEST_CONTENT_TYPE = 200
UNREADABLE = "application/x-unreadable"

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


# All of C0 and C1 (ESC among them), DEL, the separators that end a line for some, what turns the direction
# of text, and halves of a character.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """The text with each control character as JSON writes it, like \\u000a: one line that hides nothing."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class WithoutLinks(logging.Filter):
    """A log line names a page, never the signed link or the key that opens it, and it stays one line."""

    LINK = re.compile("(/(?:confirm|manage)/|/staff/reset/[^/\\s]+/)[^/\\s]+")

    def filter(self, record):
        if getattr(record, "status_code", 500) < 500:  # Django says it with the answer
            record.exc_info = None  # somebody was refused: nothing of ours is at fault
        record.msg, record.args = escaped(self.LINK.sub(r"\1…", record.getMessage())), ()
        return True


class WithoutWords(logging.Formatter):
    """Where an error happened and of which kind, never its words: those of Postgres hold the whole row."""

    def formatException(self, ei):
        kinds = [f"{type(error).__module__}.{type(error).__qualname__}" for error in chain(ei[1])]
        return "".join(traceback.format_tb(ei[2])) + ", from ".join(kinds)

"""Public pages as finished bytes, before Django: packed once, answered from memory.

What is kept depends on the key alone: host, scheme, path and display. Only a page is kept that its view
has made public, that sets no cookie, and that comes out the same, byte for byte, for somebody of whom
nothing but the key is known. All else is left to Django.

A page leaves memory when the content version is a new one, at midnight, since a page may say that its
review is overdue, and after ten minutes in any case. While the database does not answer it stays, with
an `Age` that says since when nobody knows whether it is still right.
"""

import gzip
import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import brotli
from django.conf import settings
from django.http import HttpResponse, parse_cookie

from clinic_site.content_version import ContentVersion
from clinic_site.context import chosen_display

MOST_BYTES = 64 * 2**20  # in one process: about all pages in all displays three times over
LONGEST = 10 * 60  # seconds
AWAY = 3  # seconds without an answer of the database: three were due
# 10 packs as well as 11 but for one in a hundred, in a third of the time.
PACKED = {
    "br": lambda body: brotli.compress(body, quality=10),
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
    "identity": lambda body: body,
}
VARIES_ON = {"accept-encoding", "cookie"}
A_TOKEN = b"csrfmiddlewaretoken"
SOMEBODY = "192.0.2.1"  # nobody's address (RFC 5737)


class Form(NamedTuple):
    """A page in one encoding; a browser that has it already gets only some of the headers."""

    etag: str
    headers: list[tuple[str, str]]
    not_modified: list[tuple[str, str]]
    body: bytes


class Page:
    """A public page, ready to be sent in any encoding until `until` (seconds since 1970)."""

    def __init__(self, headers: list[tuple[str, str]], body: bytes, until: float):
        self.until = until
        self.forms = {name: _form(headers, name, pack(body), body) for name, pack in PACKED.items()}
        self.size = sum(len(form.body) + 4096 for form in self.forms.values())


def _form(headers, encoding, packed, body):
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}-{encoding}"'
    kept = [(name, value) for name, value in headers if name not in ("Content-Length", "Vary")]
    varies = [value for name, value in headers if name == "Vary"]
    common = [*kept, ("Vary", ", ".join(["Accept-Encoding", *varies])), ("ETag", etag)]
    not_modified = [(name, value) for name, value in common if name != "Content-Type"]
    if encoding != "identity":
        common.append(("Content-Encoding", encoding))
    return Form(etag, [*common, ("Content-Length", str(len(packed)))], not_modified, packed)


class Memory:
    """Pages by key, all of one content version; where they are too many, the longest unasked go first."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self.most_bytes, self.bytes, self.number = most_bytes, 0, None
        self.pages, self.lock = OrderedDict(), threading.Lock()

    def get(self, key, number: int) -> Page | None:
        with self.lock:
            if number != self.number:
                self.pages.clear()
                self.bytes, self.number = 0, number
            if page := self.pages.get(key):
                self.pages.move_to_end(key)
            return page

    def keep(self, key, page: Page, number: int) -> None:
        """Keep a page that was begun under this number; where there is a newer one, it may be old already."""
        with self.lock:
            if number != self.number:
                return
            if old := self.pages.pop(key, None):
                self.bytes -= old.size
            self.pages[key] = page
            self.bytes += page.size
            while self.bytes > self.most_bytes:
                self.bytes -= self.pages.popitem(last=False)[1].size


class Answer:
    """What the site says to a request, before it is sent."""

    def __init__(self, site, environ):
        self.response = site(environ, self.begin)

    def begin(self, line, headers, error=None):
        self.line, self.headers = line, headers

    @property
    def body(self):
        return self.response.content

    def is_an_error(self):
        return self.line >= "500"

    def is_for_everybody(self):
        """Whether the view and all that came after it say so."""
        if not isinstance(self.response, HttpResponse) or self.line != "200 OK":
            return False
        fields = {}
        for name, value in self.headers:
            fields.setdefault(name.lower(), []).append(value)
        rules = _words(fields.get("cache-control", []))
        return (
            "public" in rules
            and not rules & {"private", "no-store", "no-cache"}
            and not fields.keys() & {"set-cookie", "content-encoding"}
            and _words(fields.get("vary", [])) <= VARIES_ON
            and A_TOKEN not in self.body
        )

    def is_the_same(self, other):
        return (self.line, self.headers, self.body) == (other.line, other.headers, other.body)

    def send(self, start_response):
        start_response(self.line, self.headers)
        return self.response


def _words(values):
    return {word.strip().lower() for value in values for word in value.split(",")}


class Key(NamedTuple):
    """All that a kept page may depend on."""

    host: str
    scheme: str
    forwarded: str | None  # what the proxy says of the scheme
    path: str
    display: str


class PageCache:
    """The site as a WSGI application, its public pages from memory."""

    def __init__(
        self,
        site: Callable,
        version: ContentVersion | None = None,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self.site, self.clock = site, clock
        self.version, self.memory = version or ContentVersion(), memory or Memory()
        self.hosts, self.zone = _hosts(), ZoneInfo(settings.TIME_ZONE)
        self.forwarded, self.https = settings.SECURE_PROXY_SSL_HEADER or (None, None)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        key, number = self.key(environ), self.version.number
        if key is None or number is None:
            return self.site(environ, start_response)
        page, now = self.memory.get(key, number), self.clock()
        if page and (now < page.until or self.version.silence > AWAY):
            return self.send(page, environ, start_response)
        if environ["REQUEST_METHOD"] == "HEAD":
            return self.site(environ, start_response)
        answer = Answer(self.site, environ)
        if page and answer.is_an_error():
            answer.response.close()
            return self.send(page, environ, start_response)
        if not answer.is_for_everybody() or not self.is_the_same_for_nobody(answer, key, environ):
            return answer.send(start_response)
        answer.response.close()
        page = Page(answer.headers, answer.body, self.until(now))
        self.memory.keep(key, page, number)
        return self.send(page, environ, start_response)

    def key(self, environ) -> Key | None:
        """Of a request that may be answered from memory; of any other None, and Django decides."""
        path, host = environ["PATH_INFO"], environ.get("HTTP_HOST")
        forwarded = environ.get(self.forwarded) if self.forwarded else None
        if (
            environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or environ.get("QUERY_STRING")
            or environ.get("SCRIPT_NAME")
            or host not in self.hosts
            or forwarded not in (None, self.https)
            or path.startswith(settings.STATIC_URL)
        ):
            return None
        cookies = parse_cookie(environ["HTTP_COOKIE"]) if "HTTP_COOKIE" in environ else {}
        if settings.SESSION_COOKIE_NAME in cookies:
            return None
        return Key(host, environ["wsgi.url_scheme"], forwarded, path, chosen_display(cookies))

    def is_the_same_for_nobody(self, answer, key, environ):
        """Whether it is made from the key alone, and not from anything the reader's browser said."""
        nobody = {name: value for name, value in environ.items() if name.startswith(("wsgi.", "SERVER_"))}
        nobody |= {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": key.path,
            "QUERY_STRING": "",
            "HTTP_HOST": key.host,
            "HTTP_COOKIE": f"theme={key.display}",
            "REMOTE_ADDR": SOMEBODY,
            "wsgi.input": BytesIO(),
        }
        if key.forwarded:
            nobody[self.forwarded] = key.forwarded
        other = Answer(self.site, nobody)
        other.response.close()
        return other.is_for_everybody() and answer.is_the_same(other)

    def until(self, now):
        """When a page that is made now ends: after ten minutes, or sooner at midnight where the site is."""
        day = datetime.fromtimestamp(now, self.zone).date() + timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return min(now + LONGEST, midnight.timestamp())

    def send(self, page, environ, start_response):
        form = page.forms[encoding_of(environ.get("HTTP_ACCEPT_ENCODING", ""))]
        silence = self.version.silence
        age = [("Age", str(int(silence)))] if silence > AWAY else []
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and _knows(known, form.etag):
            start_response("304 Not Modified", form.not_modified + age)
            return []
        start_response("200 OK", form.headers + age)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [form.body]


def _hosts():
    """The ways to write the site's hosts that are answered from memory. Django decides on any other."""
    site = urlsplit(settings.SITE_URL)
    names = {name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))}
    return {site.netloc, *names, *(f"{name}:{site.port}" for name in names if site.port)}


def _knows(known, etag):
    return known.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


@lru_cache(maxsize=256)  # browsers know a handful of ways to say it
def encoding_of(accepted: str) -> str:
    """The smallest of our encodings that this `Accept-Encoding` takes (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        refused = re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
        weights[name.strip()] = not refused
    return next((name for name in ("br", "gzip") if weights.get(name, weights.get("*"))), "identity")

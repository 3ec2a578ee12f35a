import gzip
import time
from datetime import UTC, datetime
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import brotli
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from clinic_site import page_cache
from clinic_site.content_version import ContentVersion
from clinic_site.page_cache import Answer, Memory, PageCache, encoding_of
from pages.models import Page
from tests import make, wrong_views
from tests.pages import make as make_page

UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


class Version:
    """What the database says of the content version, without a thread."""

    def __init__(self):
        self.number, self.silence = 1, 0.0


class Site:
    """Django's own application, and how often it was asked."""

    def __init__(self):
        self.django, self.asked = WSGIHandler(), 0

    def __call__(self, environ, start_response):
        self.asked += 1
        return self.django(environ, start_response)


@pytest.fixture
def site():
    """As Django's test client does: a request does not close the connection of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Site()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def now():
    return datetime(2027, 3, 8, 17, tzinfo=UTC).timestamp()


@pytest.fixture
def cache(site, now):
    cache = PageCache(site, Version(), clock=lambda: cache.now)
    cache.now = now
    return cache


def ask(application, where, method="GET", host="127.0.0.1:8000", cookie=None, **more):
    """Status, headers and body of an answer."""
    address, _, query = where.partition("?")
    headers = {
        "HTTP_HOST": host,
        "HTTP_COOKIE": cookie,
        **{f"HTTP_{name.upper()}": more[name] for name in more},
    }
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": address,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "203.0.113.9",
        "wsgi.input": BytesIO(),
        **{name: value for name, value in headers.items() if value is not None},
    }
    setup_testing_defaults(environ)
    told = []
    response = application(environ, lambda status, headers: told.extend([status, headers]))
    body = b"".join(response)
    getattr(response, "close", bool)()
    return int(told[0][:3]), dict(told[1]), body


def is_kept(cache, site, where, **request):
    """Whether the second of two equal requests was answered without asking the site."""
    first = ask(cache, where, **request)
    asked = site.asked
    return ask(cache, where, **request) == first and site.asked == asked


@pytest.mark.django_db
def test_a_kept_page_has_the_bytes_and_every_header_that_django_gave_it(cache, site):
    make_page.starter()
    status, own, body = ask(site, "/light/")
    assert (status, own["Vary"]) == (200, "Cookie")

    for accepted, encoding in [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("", None)]:
        fresh, kept = (ask(cache, "/light/", accept_encoding=accepted) for _ in range(2))
        assert fresh == kept
        _, headers, packed = kept
        assert UNPACK[encoding](packed) == body
        assert headers.pop("Content-Encoding", None) == encoding
        assert headers.pop("ETag").endswith(f'-{encoding or "identity"}"')
        assert headers == {**own, "Vary": "Accept-Encoding, Cookie", "Content-Length": str(len(packed))}
    assert site.asked == 3  # by the test; then by a reader and by nobody, and for one reader alone


@pytest.mark.django_db
def test_each_display_is_kept_by_itself_and_every_unknown_one_is_the_usual(cache, site):
    make_page.starter()
    for display in ("auto", "light", "dark", "dim"):
        _, _, page = ask(cache, "/light/", cookie=f"theme={display}")
        assert f'data-theme="{display}"'.encode() in page
    asked = site.asked

    for cookie in (None, "theme=pink", "a=b; theme=auto", "csrftoken=x"):
        _, _, page = ask(cache, "/light/", cookie=cookie)
        assert b'data-theme="auto"' in page
    assert b'data-theme="dim"' in ask(cache, "/light/", cookie="csrftoken=x; theme=dim")[2]
    assert site.asked == asked


@pytest.mark.django_db
def test_who_has_the_page_already_is_told_so_and_gets_no_bytes(cache):
    make_page.starter()
    _, headers, _ = ask(cache, "/light/", accept_encoding="br")
    tag = headers["ETag"]

    for known in (tag, f'"other", W/{tag}', "*"):
        status, again, body = ask(cache, "/light/", accept_encoding="br", if_none_match=known)
        assert (status, body, again["ETag"]) == (304, b"", tag)
        dropped = {"Content-Type", "Content-Encoding", "Content-Length"}
        assert again == {name: value for name, value in headers.items() if name not in dropped}
    assert ask(cache, "/light/", accept_encoding="gzip", if_none_match=tag)[0] == 200
    assert ask(cache, "/light/", "HEAD", accept_encoding="br")[1:] == (headers, b"")


@pytest.mark.django_db
def test_what_is_not_for_everybody_goes_to_django(cache, site):
    make_page.starter()
    ask(cache, "/light/")

    asked = site.asked
    elsewhere = [
        ask(cache, "/light/?a=b"),
        ask(cache, "/light/", cookie="theme=dim; sessionid=abcdefgh12345678"),
        ask(cache, "/light/", "POST"),
        ask(cache, "/light/", host="evil.example"),
        ask(cache, "/light/", host="127.0.0.1:9000"),
        ask(cache, "/light"),
    ]

    assert site.asked == asked + len(elsewhere)
    assert [status for status, _, _ in elsewhere] == [200, 200, 403, 400, 200, 301]
    assert b'value="/light/?a=b"' in elsewhere[0][2]
    assert b'value="/light/?a=b"' not in ask(cache, "/light/")[2]


@pytest.mark.django_db
@pytest.mark.urls("tests.wrong_views")
def test_whatever_a_view_does_wrong_nothing_of_a_person_is_kept(cache, site):
    wrong = [f"/{view.__name__}/" for view in wrong_views.WRONG]
    reader = {"cookie": "csrftoken=" + "x" * 32, "user_agent": "Mine", "authorization": "Basic eA=="}

    assert [where for where in wrong if is_kept(cache, site, where, **reader)] == []
    assert cache.memory.bytes == 0 and not cache.memory.pages
    assert is_kept(cache, site, "/right/", **reader)
    # Of whom nothing is known these two say nothing, and that may be kept.
    blank = [where for where in wrong if is_kept(cache, site, where)]
    assert [(where, ask(cache, where)[2]) for where in blank] == [
        ("/tells_the_browser/", b"none"),
        ("/tells_a_cookie/", b"none"),
    ]


@pytest.mark.django_db
def test_nobody_can_poison_what_others_get(cache, site):
    make_page.starter()
    clean = ask(PageCache(site, Version()), "/light/")
    evil = ("x_forwarded_host", "x_forwarded_port", "x_original_url", "x_rewrite_url", "forwarded", "referer")
    evil += ("x_forwarded_for", "x_forwarded_scheme", "x_http_method_override", "accept_language", "range")

    for name in evil:
        ask(cache, "/light/", **{name: "evil.example"})
        assert ask(cache, "/light/") == clean, name
    assert b"evil" not in b"".join(page.forms["identity"].body for page in cache.memory.pages.values())


def test_an_answer_with_a_cookie_or_in_pieces_is_nobody_s_but_the_reader_s():
    def kept(status="200 OK", body="hello", **headers):
        headers = {"Cache-Control": "public", **{name.replace("_", "-"): headers[name] for name in headers}}

        def site(environ, start_response):
            start_response(status, list(headers.items()))
            return HttpResponse(body) if isinstance(body, str) else body

        return Answer(site, {}).is_for_everybody()

    assert kept() and kept(VARY="cookie , Accept-encoding")
    assert not kept(set_cookie="a=b") and not kept(Content_Encoding="gzip") and not kept(Vary="*")
    assert not kept("203 Non-Authoritative Information") and not kept(body=[b"hello"])


@pytest.mark.django_db
def test_a_new_number_empties_the_memory_and_nothing_older_comes_in(cache, site):
    make_page.starter()
    assert is_kept(cache, site, "/light/")
    cache.version.number = 2
    asked = site.asked
    ask(cache, "/light/")
    assert site.asked > asked

    def while_it_changes(environ, start_response):
        cache.version.number = 3
        ask(cache, "/robots.txt")
        return site(environ, start_response)

    slow = PageCache(while_it_changes, cache.version, cache.memory, cache.clock)
    ask(slow, "/light/", cookie="theme=dim")
    assert [key.path for key in cache.memory.pages] == ["/robots.txt"]


@pytest.mark.django_db
def test_a_page_is_made_anew_after_ten_minutes_and_at_midnight(cache, site, now):
    make_page.starter()
    until = {}
    for name, hour in {"noon": 17, "five to midnight": 28 + 55 / 60}.items():
        cache.now = datetime(2027, 3, 8, tzinfo=UTC).timestamp() + hour * 3600
        cache.memory.pages.clear()
        ask(cache, "/light/")
        until[name] = next(iter(cache.memory.pages.values())).until - cache.now

    assert until == {"noon": 600, "five to midnight": 300}
    asked, cache.now = site.asked, cache.now + 301
    ask(cache, "/light/")
    assert site.asked == asked + 2


@pytest.mark.django_db
def test_while_the_database_is_silent_the_last_good_pages_stay_and_say_how_old_they_are(cache, site):
    make_page.starter()
    _, headers, body = ask(cache, "/light/")
    cache.now, cache.version.silence = cache.now + 90_000, 7_200.4
    asked = site.asked

    assert ask(cache, "/light/") == (200, {**headers, "Age": "7200"}, body)
    assert ask(cache, "/light/", if_none_match=headers["ETag"])[1]["Age"] == "7200"
    assert site.asked == asked


def fails(environ, start_response):
    start_response("503 Service Unavailable", [])
    return HttpResponse("away", status=503)


@pytest.mark.django_db
def test_where_the_site_fails_an_old_page_is_better_than_none(cache):
    make_page.starter()
    good = ask(cache, "/light/")
    cache.now += 700
    cache.site = lambda environ, start: (
        start("503 Service Unavailable", []) or HttpResponse("away", status=503)
    )

    assert ask(cache, "/light/") == good
    assert ask(cache, "/robots.txt")[0] == 503


def test_before_the_database_has_answered_django_decides(cache, site):
    cache.version.number = None

    assert ask(cache, "/robots.txt")[0] == 200 and not cache.memory.pages


def test_the_memory_has_an_end_and_what_was_not_asked_for_goes_first():
    pages = [page_cache.Page([], bytes([65 + n]) * 10_000, until=0) for n in range(4)]
    memory = Memory(most_bytes=3 * pages[0].size)
    memory.get("a", 1)
    for name, page in zip("abc", pages, strict=False):
        memory.keep(name, page, 1)
    memory.get("a", 1)

    memory.keep("d", pages[3], 1)
    memory.keep("d", pages[3], 1)

    assert list(memory.pages) == ["c", "a", "d"]
    assert memory.bytes == sum(page.size for page in memory.pages.values())


def test_a_page_comes_in_the_smallest_form_that_a_browser_takes():
    taken = {
        "gzip, deflate, br, zstd": "br",
        "GZIP": "gzip",
        "br;q=0, gzip;q=0.5": "gzip",
        "br; q=0.000, gzip; q=0": "identity",
        "*": "br",
        "*;q=0": "identity",
        "identity": "identity",
        "": "identity",
        "brr, gzipped": "identity",
    }

    assert {accepted: encoding_of(accepted) for accepted in taken} == taken


@pytest.mark.django_db
def test_behind_a_proxy_only_what_came_by_https_is_answered_from_memory(settings, site):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 3600
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://clinic.example", ["clinic.example"]
    site.django = WSGIHandler()
    cache = PageCache(site, Version())
    plain = {"host": "clinic.example"}
    secure = {**plain, "x_forwarded_proto": "https"}

    assert is_kept(cache, site, "/robots.txt", **secure)
    assert ask(cache, "/robots.txt", **secure)[1]["Strict-Transport-Security"]
    asked = site.asked
    answers = [
        ask(cache, "/robots.txt", **plain),
        ask(cache, "/robots.txt", **plain, x_forwarded_proto="http"),
    ]
    assert [status for status, _, _ in answers] == [301, 301] and site.asked == asked + 2


def public_addresses():
    """One of each kind of what everybody may read, and what it takes to make them."""
    home = make_page.page("", "home")
    hub = make_page.page("guide", "hub")
    for page in (home, hub, make_page.page("guide/second", parent=hub), make_page.page("privacy", "plain")):
        make_page.starter(page)
    make_page.approved(make_page.proposed(make_page.page("guide/first", parent=hub)))
    place = make.location(slug="arlington")
    return [
        *("/", "/guide/", "/guide/first/", "/guide/second/", "/guide/all/", "/privacy/", "/site-map/"),
        *("/locations/", place.get_absolute_url(), "/request-an-appointment/"),
        *("/feed.xml", "/sitemap.xml", "/robots.txt", "/.well-known/security.txt"),
    ]


@pytest.mark.django_db
def test_all_that_everybody_may_read_is_kept_and_shows_only_what_raises_the_number(cache, site):
    addresses = public_addresses()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert [where for where in addresses if not is_kept(cache, site, where)] == []

    tables = connection.introspection.table_names()
    read = {table for table in tables for query in queries if f'"{table}"' in query["sql"]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'readers_see_this'")
        watched = {name for (name,) in cursor.fetchall()}
    assert read - watched == set()
    assert {"pages_page", "pages_source", "auth_user", "bookings_openinghours"} <= read


def test_what_was_approved_shows_on_every_process_within_two_seconds(real_commits):
    make_page.starter()
    versions = [ContentVersion(), ContentVersion()]
    processes = [PageCache(WSGIHandler(), version) for version in versions]
    revision = make_page.proposed(Page.objects.get(), title="Twilight")
    deadline = time.monotonic() + 5
    while not all(process.memory.pages for process in processes) and time.monotonic() < deadline:
        assert [b"Twilight" in ask(process, "/light/")[2] for process in processes] == [False, False]
        time.sleep(0.01)

    make_page.approved(revision)
    begin, shown = time.monotonic(), [False, False]
    while not all(shown) and time.monotonic() < begin + 5:
        shown = [b"Twilight" in ask(process, "/light/")[2] for process in processes]
        time.sleep(0.01)

    assert time.monotonic() - begin < 2
    for version in versions:
        version.stop()

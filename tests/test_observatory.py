"""The score of every kind of answer, by the rules of the HTTP Observatory, in the production settings.

The rules and points are those of @mdn/mdn-http-observatory 1.4.8 (src/grader/charts.js, src/analyzer/tests/):
100, and less for what is missing or wrong; what is better than asked counts from 90 points up. Rules
that no header decides (redirects, certificates, foreign scripts) have tests of their own.
"""

import json

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from clinic_site import urls
from tests import make
from tests.test_settings import PRODUCTION, run

pytestmark = pytest.mark.django_db
OF_HEADERS = ("SECURE_", "SESSION_COOKIE", "CSRF_COOKIE", "X_FRAME", "CONTENT_SECURITY", "WHITENOISE_ALLOW")
SIX_MONTHS = 15_552_000
BROAD = {"ftp:", "http:", "https:", "*", "http://*", "https://*", "'unsafe-inline'", "'unsafe-eval'", "data:"}


def by_policy(headers, cookies):
    text = headers.get("Content-Security-Policy", "")
    parts = [part.split() for part in text.split(";") if part.strip()]
    policy = {name: set(sources) for name, *sources in parts}
    if not policy or len(policy) != len(parts):
        return -25
    if any(sources & BROAD for sources in policy.values()):
        return -20
    return 10 if policy.get("default-src") == {"'none'"} else 5


def by_cookies(headers, cookies):
    if not cookies:
        return 0
    if not all(cookie["secure"] and cookie["samesite"] in ("Lax", "Strict") for cookie in cookies.values()):
        return -40
    return 5 if all(cookie["httponly"] for cookie in cookies.values()) else -30


def by_transport(headers, cookies):
    rules = dict(
        part.strip().partition("=")[::2] for part in headers.get("Strict-Transport-Security", "").split(";")
    )
    return 0 if int(rules.get("max-age") or 0) >= SIX_MONTHS else -20


def by_frames(headers, cookies):
    if "frame-ancestors" in headers.get("Content-Security-Policy", ""):
        return 5
    return 0 if headers.get("X-Frame-Options", "").lower() in ("deny", "sameorigin") else -20


POINTS = {
    "content-security-policy": by_policy,
    "cookies": by_cookies,
    "strict-transport-security": by_transport,
    "x-frame-options": by_frames,
    "x-content-type-options": lambda headers, _: (
        0 if headers.get("X-Content-Type-Options") == "nosniff" else -5
    ),
    "referrer-policy": lambda headers, _: (
        5 if headers.get("Referrer-Policy") in ("no-referrer", "same-origin", "strict-origin") else -5
    ),
    "cross-origin-resource-policy": lambda headers, _: (
        10 if headers.get("Cross-Origin-Resource-Policy") in ("same-origin", "same-site") else 0
    ),
    "cross-origin-resource-sharing": lambda headers, _: (
        -50 if "Access-Control-Allow-Origin" in headers else 0
    ),
}


def score(response):
    points = [rule(response.headers, response.cookies) for rule in POINTS.values()]
    least = 100 + sum(point for point in points if point < 0)
    return 100 + sum(points) if least >= 90 else least


def breaks(request):
    raise ValueError


class Routes:
    urlpatterns = [path("breaks/", breaks), path("bare/", lambda request: HttpResponse()), *urls.urlpatterns]
    handler400, handler403 = urls.handler400, urls.handler403
    handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def production(settings):
    return as_in_production(settings)


def as_in_production(settings, **environment):
    """A browser, where headers and cookies are those of production with this environment."""
    code = (
        "import json; from django.conf import settings as s; print(json.dumps({name: getattr(s, name) "
        f"for name in dir(s) if name.startswith({OF_HEADERS})}}))"
    )
    for name, value in json.loads(run("-c", code, **PRODUCTION, **environment).stdout).items():
        setattr(settings, name, value)
    settings.ROOT_URLCONF = Routes
    settings.ALLOWED_HOSTS = ["testserver"]
    return Client(raise_request_exception=False)


def test_every_kind_of_answer_has_the_best_score_that_headers_can_give(production, monkeypatch):
    def look(address, **more):
        return production.get(address, secure=True, **more)

    make.schedule(make.location(slug="arlington"))
    answers = {
        "a page": look("/locations/"),
        "a form": look("/request-an-appointment/who/"),
        "a view of another's": look("/bare/"),
        "the sign-in": look("/staff/login/"),
        "for machines": look("/robots.txt"),
        "a file": look("/static/css/site.css"),
        "no such file": look("/static/nothing/"),
        "a redirect": look("/staff/"),
        "a slash too few": look("/locations"),
        "refused, 400": look("/%00"),
        "another host": look("/", headers={"Host": "evil.example"}),
        "refused, 403": production.post("/display/", secure=True, headers={"Origin": "https://evil.example"}),
        "not found": look("/nowhere/"),
        "refused, 405": production.delete("/", secure=True),
        "refused, 414": look("/" + "x" * 8001),
        "an error of ours": look("/breaks/"),
    }
    with monkeypatch.context() as away:
        away.setattr("bookings.models.Location.objects.filter", busy)
        answers["the database is away"] = look("/locations/")

    found = {name: (answer.status_code, score(answer)) for name, answer in answers.items()}

    answers["a file"].close()
    with_cookie = {name for name, answer in answers.items() if answer.cookies}
    assert with_cookie == {"a form", "the sign-in"}
    assert {name: points for name, (_, points) in found.items()} == {
        name: 135 if name in with_cookie else 130 for name in answers
    }
    assert [status for status, _ in found.values()] == [
        *(200, 200, 200, 200, 200, 200, 404, 302, 301),
        *(400, 400, 403, 404, 405, 414, 500, 503),
    ]
    for name, answer in answers.items():
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp", name
        assert "camera=()" in answer.headers["Permissions-Policy"], name
    to_https = production.get("/locations/")
    assert (to_https.status_code, to_https.headers["Location"]) == (301, "https://testserver/locations/")
    assert to_https.headers["Content-Security-Policy"] == answers["a page"].headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("chosen", "header", "points"),
    [
        ("off", None, 80),
        ("host", "max-age=63072000", 130),
        ("subdomains", "max-age=63072000; includeSubDomains", 130),
        ("preload", "max-age=63072000; includeSubDomains; preload", 130),
    ],
)
def test_a_clinic_chooses_for_which_hosts_browsers_insist_on_https(settings, chosen, header, points):
    answer = as_in_production(settings, HSTS=chosen).get("/locations/", secure=True)

    assert (answer.headers.get("Strict-Transport-Security"), score(answer)) == (header, points)
    words = (settings.BASE_DIR / "deploy" / "README.md").read_text()
    [told] = [line for line in words.splitlines() if line.startswith(f"| `{chosen}`")]
    assert f"({points}" in told or "the same" in told or "5 more" in told


def busy(**conditions):
    raise OperationalError

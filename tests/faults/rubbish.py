"""Rubbish to every address and into every field: `uv run pytest -n0 tests/faults/rubbish.py`.

Each answer must be one that was meant: never an error of ours, and where something is refused, a page
with our look and the phone number (for staff: a page). It takes some minutes, so it is not among the
tests of every day. The strings are of the kinds that the Big List of Naughty Strings collects.
"""

import re
import uuid

import pytest
from django.urls import get_resolver

from bookings import links
from tests import make
from tests import test_naughty as naughty
from tests.bookings.test_roles import routes
from tests.pages import make as make_page

pytestmark = pytest.mark.django_db
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
NAUGHTY = [
    "",
    " ",
    "\t\r\n",
    "null",
    "undefined",
    "-1",
    "0x7f",
    "1e309",
    "NaN",
    "9" * 40,
    "١٢٣",
    "²",
    "1/0",
    "' OR 1=1 --",
    '"><script>alert(1)</script>',
    "{{ 7*7 }}{% debug %}",
    "${7*7}",
    "%s%n%x %(a)s",
    "../../etc/passwd",
    "http://a.example/\r\nSet-Cookie: a=b",
    "a@b@c",
    "Robert'); DROP TABLE bookings_appointment; --",
    "=cmd|' /C calc'!A0",
    "\u202eabc\u2066",
    "\ufeff\u200b",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗",
    "👩‍👩‍👧‍👦🇺🇸",
    "\ud7ff\ue000\uffff",
    "\U0010ffff",
    "\x7f\x1b[31m",
    "2027-02-30",
    "0000-00-00T99:99",
    "10000-01-01T00:00:00+00:00",
    "2027-03-09T14:00:00+25:00",
    "[]{}",
    "x" * 5000,
    "a" + "\u0301" * 500,
    "\0",
]
ESCAPED = ["%00", "%ff", "%F0%9F%92%A9", "a%2F..%2Fb"]
PHONE = "(703) 555-0142"
FIELD = re.compile(r'<(?:input|select|textarea)[^>]* name="([^"]+)"')
ANSWERS = {200, 301, 302, 303, 304, 400, 403, 404, 405, 409, 410, 413, 422, 429}
FILLED = re.compile(r"<(\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def address(route, value):
    """The route with this in place of what varies."""
    return "/" + FILLED.sub(lambda _: value, route).replace("^", "").replace("$", "")


def every_route():
    return sorted({route for route in routes(get_resolver().url_patterns) if "debug" not in route})


def wrong(client, method, path, data=None):
    """What is amiss with the answer, or None."""
    response = client.generic(method, path) if data is None else client.post(path, data)
    if response.status_code not in ANSWERS:
        return method, path, response.status_code
    if not 400 <= response.status_code < 500 or method == "HEAD":
        return None
    if path.startswith("/staff/passkey/") and response.headers["Content-Type"] == "application/json":
        return None
    page = response.content.decode()
    is_ours = "<h1" in page and (PHONE in page or path.startswith("/staff/"))
    return None if is_ours and "Traceback" not in page else (method, path, "not our page")


@pytest.fixture
def clinic():
    """A request, its page, a page to read, and somebody who may do everything."""
    asked = make.accepted()
    page = make_page.starter().page
    return {"asked": asked, "page": page, "boss": make.staff("boss")}


@pytest.fixture(params=[False, True], ids=["a stranger", "who may do everything"])
def visitor(request, client, clinic):
    if request.param:
        client.force_login(clinic["boss"])
    return client


def ends_the_session(route):
    return route.startswith("staff/logout")


def test_no_address_errs_whatever_the_method_and_what_varies_in_it(clinic, visitor):
    token = links.token(clinic["asked"], "manage", now=make.NOW)
    values = [str(clinic["asked"].pk), "9" * 17, str(uuid.uuid4()), "light", token, *ESCAPED]
    tried = [
        (method, address(route, value))
        for route in every_route()
        if not ends_the_session(route)
        for value in (values if FILLED.search(route) else values[:1])
        for method in (METHODS if value == values[0] else ["GET", "POST"])
    ]

    assert [amiss for each in tried if (amiss := wrong(visitor, *each))] == []
    assert len(tried) > 1000


def test_no_form_errs_whatever_is_typed(clinic, visitor):
    keys = {str(clinic[name].pk) for name in ("asked", "page")}
    pages = {address(route, key) for route in every_route() for key in keys if not ends_the_session(route)}
    found, fields = [], 0
    for page in sorted(pages):
        response = visitor.get(page)
        names = set(FIELD.findall(response.content.decode())) if response.status_code == 200 else set()
        names -= {"csrfmiddlewaretoken", "theme", "back"}
        fields += len(names)
        for text in NAUGHTY if names else []:
            found.append(wrong(visitor, "POST", page, dict.fromkeys(names, text)))

    assert [amiss for amiss in found if amiss] == []
    assert fields > 10


def test_no_search_errs_whatever_is_looked_for(clinic, client):
    client.force_login(clinic["boss"])
    for page in ("/search/", "/staff/bookings/appointmentrequest/", "/staff/pages/page/"):
        codes = {client.get(page, {"q": text}).status_code for text in naughty.NAUGHTY}
        assert codes <= {200, 302, 400}, page

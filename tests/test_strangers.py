"""What a stranger sends before anybody knows who it is: bounded in size, depth and time, never a 500."""

import json
import logging
from urllib.parse import urlencode

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from clinic_site import unavailable
from clinic_site.middleware import WithoutWords, headers_that_can_be_read
from tests import make

pytestmark = pytest.mark.django_db
CALL = "/request-an-appointment/call/"
PASSKEYS = [
    f"/staff/passkey/{act}/{part}/"
    for act in ("authentication", "registration")
    for part in ("begin", "complete")
]
DEEP = ["[" * 1200, "[" * 150_000, '{"a":' * 400, '{"id": ' + "[" * 60 + "]" * 60 + "}"]
NO_JSON = ["nul", "{", b"\xff", '{"a": "\\ud800"}', '{"a": "\\u0000"}', '["a"]', "7" * 5000, '"a"']


def raised():
    """Errors in a ring, as `raise error from error` and longer ways make them."""
    first, second, third = ValueError(1), KeyError(2), unavailable.OperationalError(3)
    first.__cause__, second.__cause__, second.__context__ = second, first, third
    third.__context__ = third
    return first


def test_a_ring_of_errors_is_walked_once_and_what_is_beside_it_is_found():
    ring = raised()

    assert [type(error).__name__ for error in unavailable.chain(ring)] == [
        "ValueError",
        "KeyError",
        "OperationalError",
    ]
    assert list(unavailable.chain(None)) == []
    assert unavailable.explained(ring)[2] == "OperationalError"
    told = WithoutWords().formatException((type(ring), ring, None))
    assert told == "builtins.ValueError, from builtins.KeyError, from django.db.utils.OperationalError"


@pytest.mark.parametrize("path", PASSKEYS)
def test_a_stranger_is_told_to_sign_in_before_what_they_sent_is_read(client, path, monkeypatch):
    monkeypatch.setattr(json, "loads", None)

    for body in (*DEEP, *NO_JSON):
        answer = client.generic("POST", path, body, content_type="application/json")
        assert answer.status_code == 403 and answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PASSKEYS)
def test_what_staff_send_as_a_passkey_is_small_json_or_refused(client, path):
    client.force_login(make.staff())
    for body in (*DEEP, *NO_JSON, json.dumps({"id": "x" * 40_000})):
        answer = client.generic("POST", path, body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), body[:60]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://[::1"},
        {"referer": "https://[v1.x"},
        {"origin": "http://a]b"},
        {"cookie": 'sessionid="\\000aaaaaaaa"'},
        {"cookie": 'messages="\\000"'},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/display/"), ("POST", CALL), ("GET", "/staff/?a=1")])
def test_a_header_that_cannot_be_read_is_refused_with_our_page(client, headers, method, path):
    answer = client.generic(method, path, headers=headers)

    assert answer.status_code == 400 and "(703) 555-0142" in answer.text


def ask(method="GET", path="/healthz", **headers):
    """The status and the page that the outermost application answers with."""
    environ = RequestFactory().generic(method, path, b"--b--").environ | headers
    said = []
    page = headers_that_can_be_read(get_wsgi_application())(environ, lambda status, rest: said.append(status))
    words = b"".join(page).decode()
    page.close()
    return said[0], words


CHARSETS = ["undefined", "hex", "idna", "rot13", "utf-7", "utf-16", "nonsense", "latin-1", "\u20ac"]


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_charset_that_no_browser_names_is_refused_with_our_page(charset):
    for method, path in (("GET", "/search/?q=light"), ("POST", CALL), ("GET", "/staff/login/?next=a")):
        for kind in ("multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/plain"):
            status, words = ask(method, path, CONTENT_TYPE=f"{kind}; charset={charset}")
            assert status == "400 Bad Request" and "(703) 555-0142" in words, (method, path, kind)
    for same in ("utf-8", "UTF-8", '"utf8"'):
        kind = f"application/x-www-form-urlencoded; charset={same}"
        assert ask(path="/healthz?q=light", CONTENT_TYPE=kind)[0] == "200 OK"


@pytest.mark.parametrize(
    "part",
    [
        "form-data; name*0*=utf-8''a; name*=utf-8''b",
        "form-data; name*=undefined''a",
        "form-data; name*=hex''a",
        "form-data; name*=x''%00",
        'form-data; name="a\0b"',
    ],
)
def test_a_part_of_a_form_that_cannot_be_read_is_refused(client, part):
    body = f"--b\r\nContent-Disposition: {part}\r\n\r\nme\r\n--b--\r\n"

    answer = client.generic("POST", CALL, body, content_type="multipart/form-data; boundary=b")

    assert answer.status_code in (400, 422) and "(703) 555-0142" in answer.text


@pytest.mark.parametrize("address", ["/search/?%00=a", "/search/?q=%00&q=a", "/%00/", "/staff/?a%00=b"])
def test_a_nul_is_found_in_names_too_and_in_values_that_another_follows(client, address):
    assert client.get(address).status_code == 400


@pytest.mark.parametrize("field", ["a\0", "patient_name"])
def test_a_nul_in_a_form_is_found_in_names_too_and_before_another_value(client, field):
    assert client.post(CALL, {field: ["a\0", "b"]}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"CONTENT_TYPE": "text/plain; charset*=nonsense''x"},
        {"CONTENT_TYPE": "text/plain; a*=b; a*0*=c"},
        {"CONTENT_TYPE": "multipart/form-data; boundary*1*=x; boundary*=y; boundary=b"},
        {"CONTENT_TYPE": "text/plain; charset=\0"},
        {"CONTENT_TYPE": "multipart/form-data; boundary=" + "b" * 300},
        {"CONTENT_LENGTH": "x"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "²"},
        {"HTTP_COOKIE": 'a="' + "\\" * 60_000 + '"'},
    ],
)
def test_what_django_itself_cannot_read_never_reaches_it(headers):
    status, words = ask(**headers)

    assert status == "400 Bad Request" and "(703) 555-0142" in words
    assert ask()[0] == "200 OK"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/staff/" + "a" * 5000),
        ("GET", "/staff/?a=" + "%25" * 1000),
        ("GET", "/staff/bookings/?" + "%" * 7900),
        ("GET", "/migraine?" + "a" * 5000),
        ("GET", "/staff/second-factor/?next=/" + "a" * 5000),
        ("POST", "/display/"),
    ],
)
def test_no_answer_has_headers_that_a_proxy_has_no_room_for(client, method, address):
    """4 kB is what nginx has by default; where it is less, the proxy holds the server for a broken one."""
    form = urlencode({"back": "/" + "é" * 1500})
    answer = client.generic(method, address, form, content_type="application/x-www-form-urlencoded")

    assert sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) < 3072
    assert answer.status_code in (302, 400, 414)


class Unread:
    def read(self, *size):
        raise AssertionError("it was read")

    readline = read


def test_more_than_our_forms_ask_for_is_refused_before_it_is_read(client):
    for length in ("262145", "9" * 30, "9" * 5000):
        request = {"CONTENT_LENGTH": length, "wsgi.input": Unread(), "CONTENT_TYPE": "multipart/form-data"}
        assert client.post(CALL, **request).status_code == 413


def test_what_a_passkey_is_said_to_be_is_the_browsers_fault_and_told_without_its_words(
    client, monkeypatch, caplog
):
    client.force_login(make.staff())
    client.post("/staff/passkey/authentication/begin/")
    sent = {"id": "a", "rawId": "a", "type": "public-key", "response": {}}
    ways = [
        {},
        {"response": 7},
        {"rawId": "é"},
        {"response": dict.fromkeys(["clientDataJSON", "authenticatorData", "signature"], "a")},
        {"response": dict.fromkeys(["clientDataJSON", "authenticatorData", "signature"], "W1tb" * 2000)},
    ]
    with caplog.at_level(logging.WARNING):
        for way in ways:
            client.post("/staff/passkey/authentication/begin/")
            body = json.dumps({**sent, **way})
            answer = client.generic(
                "POST", "/staff/passkey/authentication/complete/", body, content_type="application/json"
            )
            assert answer.status_code in (404, 422), (way, answer.status_code)
    assert "W1tb" not in caplog.text

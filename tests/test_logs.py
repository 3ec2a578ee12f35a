import io
import json
import logging
import re

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.urls import reverse

from bookings import links
from clinic_site import logs
from clinic_site.middleware import WithoutLinks, WithoutWords
from tests import make
from tests.test_settings import PRODUCTION, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(monkeypatch):
    """What is written for machines, as JSON reads it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.AsJson())
    handler.addFilter(WithoutLinks())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(logs.access, "level", logging.INFO)
    monkeypatch.setattr(logs.access, "_cache", {})
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_request_stands_in_the_log_with_its_route_and_nothing_of_the_person(client, log):
    canary = "canary"
    asked = make.submitted(patient_name=canary)
    token = links.token(asked, "manage_request", now=make.NOW)
    client.get(
        f"/manage/{token}/?q={canary}", headers={"user-agent": canary, "x-forwarded-for": "203.0.113.7"}
    )
    client.generic(canary.upper(), "/")
    client.get(f"/no-such-page/{canary}")

    lines = [line for line in log() if line["logger"] == "clinic.access"]
    assert [(line["method"], line["status"]) for line in lines] == [
        ("GET", 200),
        ("other", 405),
        ("GET", 301),
    ]
    assert (lines[0]["route"], lines[2]["route"]) == ("manage_request", "")
    assert all(0 < line["ms"] < 10_000 and line["message"] == "request" for line in lines)
    words = json.dumps(lines)
    assert token not in words and canary not in words and "203.0.113.7" not in words


def test_an_error_stands_in_the_log_with_its_place_and_kinds_and_none_of_its_words(log):
    canary = "".join(["can", "ary"])  # the lines of the program stand in the log
    asked = make.confirmed(note=canary)
    address = reverse("manage_request", args=[links.token(asked, "manage_request", now=make.NOW)])
    with pytest.raises(IntegrityError, match=canary) as broken, transaction.atomic():
        type(asked).objects.filter(pk=asked.pk).update(status="accepted")
    logging.getLogger("clinic").error("it broke at %s", address, exc_info=broken.value)

    [line] = log()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "clinic", "it broke at /manage/…/")
    assert line["errors"] == ["django.db.utils.IntegrityError", "psycopg.errors.CheckViolation"]
    assert "test_logs.py" in line["where"] and canary not in json.dumps(line)


def test_the_setting_chooses_between_lines_and_json():
    code = "import django, logging; django.setup(); logging.getLogger('clinic.access').warning('a b')"

    assert json.loads(run("-c", code, **PRODUCTION, LOG_FORMAT="json").stderr)["message"] == "a b"
    wrong = run("-c", "import clinic_site.settings", **PRODUCTION, LOG_FORMAT="xml").stderr
    assert wrong.splitlines()[-1].endswith("LOG_FORMAT cannot be read: it is line or json.")
    assert settings.LOG_FORMAT == "line"


FAKES = [
    "\n2026-11-28 10:00:00,000 ERROR clinic.shield FAKE",
    "\r\nFAKE",
    "\x1b[2J\x1b[31mFAKE",
    "\x85FAKE",
    "\u2028FAKE",
    "\u2029FAKE",
    "\u202eEKAF",
    "\x7f\x9b31m\x00",
    "\ud800",
]


@pytest.mark.parametrize("fake", FAKES)
@pytest.mark.parametrize("formatter", [WithoutWords("{asctime} {message}", style="{"), logs.AsJson()])
def test_nothing_that_is_sent_makes_a_log_line_of_its_own_or_hides_one(fake, formatter):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    handler.addFilter(WithoutLinks())
    record = logging.LogRecord("clinic.a", 40, "", 1, "%s could not be answered", (f"/reset/x{fake}/",), None)

    handler.handle(record)

    [line] = written.getvalue().splitlines()
    line.encode()
    assert line.isprintable() and "could not be answered" in line
    assert f"x\\u{ord(fake[0]):04x}" in line.replace("\\\\", "\\")


def test_an_address_with_a_line_in_it_is_one_line_of_the_log(client, log, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("django.contrib.auth.views.PasswordResetConfirmView.dispatch", away)
    client.raise_request_exception = False
    client.get("/staff/reset/MQ/x%0a2026-11-28%20ERROR%20clinic.shield%20FAKE/")

    [line] = [line for line in log() if line["logger"] == "clinic.database"]
    assert line["message"].startswith("/staff/reset/MQ/…\\u000a2026-11-28 ERROR clinic.shield FAKE/")


def test_the_log_never_holds_a_link_for_a_new_password():
    masked = WithoutLinks.LINK.sub(r"\1…", "Not Found: /staff/reset/MQ/c8x-0123456789abcdef/")

    assert masked == "Not Found: /staff/reset/MQ/…/"

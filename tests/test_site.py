import io
import logging
import re
from datetime import time, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from tests import make

DISPLAY = "/display/"


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "dim"])
def test_a_chosen_display_is_remembered_and_the_server_draws_it(client, theme):
    response = client.post(DISPLAY, {"theme": theme, "back": "/request-an-appointment/"})

    assert (response.status_code, response.headers["Location"]) == (303, "/request-an-appointment/")
    assert response.cookies["theme"].value == theme
    page = client.get("/request-an-appointment/").content.decode()
    assert f'data-theme="{theme}"' in page


@pytest.mark.parametrize("theme", ["", "pink", "dark; Path=/", '"><script>'])
def test_an_unknown_display_is_not_kept(client, theme):
    response = client.post(DISPLAY, {"theme": theme})

    assert response.cookies == {} and response.headers["Location"] == "/"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil", ""]
)
def test_choosing_a_display_leads_back_to_this_site_only(client, back):
    assert client.post(DISPLAY, {"theme": "dark", "back": back}).headers["Location"] == "/"


@pytest.mark.django_db
def test_the_form_of_the_displays_leads_back_to_the_very_page_with_its_question(client):
    page = client.get("/search/?q=light+%26+noise").content.decode()

    assert 'name="back" value="/search/?q=light+%26+noise"' in page


def test_who_finds_a_hole_is_told_whom_to_tell(client, settings, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    settings.CLINIC = {**settings.CLINIC, "email": "desk@clinic.example"}
    settings.SITE_URL = "https://clinic.example"

    response = client.get("/.well-known/security.txt")

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text.splitlines() == [
        "Contact: mailto:desk@clinic.example",
        "Expires: 2027-04-07T00:00:00Z",
        "Canonical: https://clinic.example/.well-known/security.txt",
        "Preferred-Languages: en",
    ]


def test_another_site_cannot_choose_the_display(client):
    response = client.post(DISPLAY, {"theme": "dark"}, headers={"origin": "https://evil.example"})

    assert response.status_code == 403 and response.cookies == {}


def test_looking_at_the_display_address_changes_nothing(client):
    assert client.get(DISPLAY, {"theme": "dark"}).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["/", "/request-an-appointment/", "/locations/", "/staff/login/", "/no-such-page/"]
)
def test_every_answer_has_the_strict_headers(client, url):
    headers = client.get(url).headers

    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_what_no_view_has_made_public_is_never_kept(client):
    for url in ("/staff/login/", "/no-such-page/", "/request-an-appointment/who/"):
        rules = client.get(url).headers["Cache-Control"].split(", ")
        assert "private" in rules and "no-store" in rules


@pytest.mark.django_db
def test_a_page_that_is_not_there_has_our_look_and_the_phone_number(client):
    response = client.get("/no-such-page/")

    assert response.status_code == 404
    assert "(703) 555-0142" in response.content.decode() and "site-header" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_nul_is_refused_and_no_error(client, method):
    assert getattr(client, method)("/request-an-appointment/who/", {"who": "a\0b"}).status_code == 400


@pytest.mark.django_db
def test_the_log_says_where_an_error_was_and_none_of_its_words():
    handler = next(handler for handler in logging.getLogger().handlers if handler.name == "stderr")
    before = handler.setStream(io.StringIO())
    canary = "".join(["can", "ary"])  # the lines of the program stand in the log
    asked = make.confirmed(note=canary)
    with pytest.raises(IntegrityError, match=canary) as broken, transaction.atomic():
        type(asked).objects.filter(pk=asked.pk).update(status="accepted")
    logging.getLogger("clinic").error("it broke", exc_info=broken.value)

    written = handler.setStream(before).getvalue()
    assert canary not in written and "it broke" in written and "test_site.py" in written
    kinds = "django.db.utils.IntegrityError, from psycopg.errors.CheckViolation"
    assert written.splitlines()[-1] == kinds


@pytest.mark.django_db
def test_what_is_refused_has_our_look_and_the_phone_number(client):
    answers = [
        client.post("/"),
        client.get("/request-an-appointment/who/?a=%00"),
        client.get(DISPLAY),
        client.post(DISPLAY, {"theme": "dark"}, headers={"origin": "https://evil.example"}),
        client.post("/request-an-appointment/who/", {"who": "x" * 300_000}),
        client.trace("/request-an-appointment/call/"),
        client.get("/" + "x" * 8000),
    ]

    assert [answer.status_code for answer in answers] == [405, 400, 405, 403, 413, 405, 414]
    assert [
        answer for answer in answers if "(703) 555-0142" not in answer.text or "<h1" not in answer.text
    ] == []
    assert answers[0].headers["Allow"] == "GET, HEAD" and "script-src" in str(answers[0].headers)
    # A browser reads no further than the answer says it is long.
    counted = [one for one in answers if "Content-Length" in one.headers]
    assert [int(one.headers["Content-Length"]) for one in counted] == [len(one.content) for one in counted]


@pytest.mark.django_db
def test_staff_who_are_refused_stay_at_the_desk_and_others_do_not_see_it(client):
    client.force_login(User.objects.create_user("lee", is_staff=True))
    for address, status in {"/staff/reports/": 403, "/staff/nothing/": 404, "/nothing/": 404}.items():
        refused = client.get(address)
        is_of_the_desk = "To the first page of the front desk" in refused.text
        assert (refused.status_code, is_of_the_desk) == (status, address.startswith("/staff/"))


@pytest.mark.django_db
def test_a_script_that_asks_for_a_passkey_is_refused_in_its_own_language(client):
    client.force_login(make.staff())

    refused = client.post("/staff/passkey/authentication/complete/")

    assert (refused.status_code, list(refused.json())) == (400, ["detail", "code"])


@pytest.mark.django_db
@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 404)])
def test_the_style_guide_is_for_those_who_build_the_site(client, staff, status):
    if staff:
        client.force_login(make.staff())

    assert client.get(reverse("styleguide")).status_code == status


@pytest.mark.django_db
def test_staff_can_read_the_mail_of_the_demo(client, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    mail.send_mail("Your request", "We have it: http://127.0.0.1/", None, ["anh@example.com"])
    client.force_login(make.staff())

    page = client.get("/staff/mail/").content.decode()

    assert "Your request" in page and "anh@example.com" in page
    assert '<a href="http://127.0.0.1/"' in page


@pytest.mark.django_db
def test_the_mail_of_the_demo_is_not_for_patients(client, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    client.force_login(User.objects.create_user("patient"))

    assert client.get("/staff/mail/").status_code == 302


@pytest.mark.django_db
def test_a_clinic_with_a_mail_server_has_no_page_of_mail(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    client.force_login(make.staff())

    assert client.get("/staff/mail/").status_code == 404


def test_the_process_says_that_it_is_alive(client):
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_the_sitemap_names_each_place_that_patients_can_see(client):
    make.location(slug="arlington")
    make.location(slug="closed", is_listed=False)

    words = client.get("/sitemap.xml").content.decode()

    assert "/locations/arlington/" in words and "closed" not in words


@pytest.mark.django_db
def test_a_place_shows_the_hours_of_today_not_those_that_are_over_or_to_come(client):
    place = make.location(slug="arlington", weekdays=[0])
    yesterday, today, tomorrow = (timezone.localdate() + timedelta(days=days) for days in (-1, 0, 1))
    for hour, valid in enumerate(
        [{"valid_until": yesterday}, {"valid_from": today, "valid_until": today}, {"valid_from": tomorrow}], 1
    ):
        place.opening_hours.create(weekday=0, opens=time(hour), closes=time(hour, 30), **valid)

    page = client.get("/locations/arlington/").text

    assert re.findall(r"\d+:\d\d am to", page) == ["2:00 am to", "9:00 am to"]


@pytest.mark.django_db
@pytest.mark.urls("tests.wrong_views")
def test_no_proxy_is_told_to_keep_what_was_made_for_somebody(client):
    looked = ["sets_a_cookie", "carries_a_token", "reads_the_session", "names_the_reader"]
    looked += ["says_a_message", "shows_a_message", "shows_the_messages"]

    rules = {view: client.get(f"/{view}/").headers["Cache-Control"] for view in looked}

    assert rules == dict.fromkeys(looked, "private, no-store")
    assert client.get("/right/").headers["Cache-Control"] == "public, max-age=60"

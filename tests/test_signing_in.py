"""Who gets in, with what, and for how long."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from bookings.models import AccountEvent, StaffSession
from clinic_site import attempts, door, sessions, tasks
from tests import make
from tests.bookings.test_races import at_once
from tests.bookings.test_roles import MATRIX, address, one_of_each
from tests.test_form_expired import OURS

pytestmark = pytest.mark.django_db
LOGIN, CODE, SET_UP = "/staff/login/", "/staff/second-factor/", "/staff/second-factor/new/"
LOCKED = (
    "Too many failed attempts. Wait 15 minutes, then try again. "
    "Or choose a new password below, and sign in on this device right away."
)
RIGHT, WRONG = "a long password", "a wrong password"
CLINIC, ELSEWHERE = "93.184.216.34", "8.8.4.4"


def give_password(client, name="robin", password=RIGHT, at=CLINIC, **more):
    return client.post(
        LOGIN, {"username": name, "password": password, "next": "/staff/"}, REMOTE_ADDR=at, **more
    )


def is_in(client):
    return client.get("/staff/").status_code == 200


def said(response):
    return re.findall(r'class="errornote">\s*(.*?)\s*</p>', response.content.decode(), re.S)


def events():
    return list(AccountEvent.objects.order_by("pk").values_list("user__username", "kind"))


# The password


def test_a_password_is_long_and_not_common_and_nothing_else_is_asked_of_it():
    for bad in ("fourteen chars", "manchesterunited", "111111111111111"):
        with pytest.raises(ValidationError):
            validate_password(bad)
    validate_password("only small letters")


def test_five_wrong_tries_lock_a_name_at_an_address_and_nobody_else(client):
    make.staff(), make.staff("kim")
    words = {
        name: [said(give_password(client, name, WRONG)) for _ in range(6)] for name in ("robin", "nobody")
    }

    assert words["robin"] == words["nobody"]
    assert words["robin"][4:] == [words["robin"][0], [LOCKED]]
    assert said(give_password(client)) == [LOCKED]
    assert give_password(Client(), at=ELSEWHERE).status_code == 302
    assert give_password(Client(), "kim").status_code == 302
    assert events() == [
        *[("robin", "refused")] * 5,
        ("robin", "locked"),
        *[(None, "refused")] * 5,
        (None, "locked"),
        ("robin", "password"),
        ("kim", "password"),
    ]


def test_of_sixty_wrong_tries_at_once_five_reach_the_password_and_a_colleague_gets_in(
    real_commits, monkeypatch
):
    make.staff(), make.staff("kim")
    checked = spy_on_hashing(monkeypatch)

    results = at_once(*[lambda: said(give_password(Client(), password=WRONG))] * 60)

    assert (len(checked), results.count([LOCKED])) == (5, 55)
    assert give_password(Client(), "kim").status_code == 302


def spy_on_hashing(monkeypatch):
    """A list that grows by one with each password that is really hashed."""
    hashed, encode = [], hashers.MD5PasswordHasher.encode

    def spy(self, password, salt):
        hashed.append(self)
        return encode(self, password, salt)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", spy)
    return hashed


def test_a_name_that_nobody_has_costs_the_same_work(client, monkeypatch):
    make.staff()
    work = []
    for name in ("robin", "nobody"):
        hashed = spy_on_hashing(monkeypatch)
        with connection.execute_wrapper(lambda run, *args, seen=hashed: (seen.append(0), run(*args))[1]):
            give_password(client, name, WRONG)
        work.append(len(hashed))

    assert work[0] == work[1]


def test_right_tries_are_not_counted_and_a_quarter_of_an_hour_is_enough(rf):
    make.staff()
    request = rf.get("/", REMOTE_ADDR=CLINIC)
    for _ in range(30):
        attempts.at_the_password(request, "robin", now=make.NOW).forgive()

    def allowed(name="robin", **delta):
        return attempts.at_the_password(request, name, now=make.later(**delta)).is_allowed

    assert [allowed() for _ in range(6)] == [True] * 5 + [False]
    assert not allowed(minutes=14, seconds=59)
    assert allowed(minutes=15)
    assert sum(allowed(f"name {number}") for number in range(60)) == 44  # and 6 of robin: 50 from one address


# The second factor


def test_with_the_password_alone_no_page_of_the_staff_opens(client, strict, settings):
    things = one_of_each(settings)
    make.sign_in(client, make.staff())
    steps = {CODE, SET_UP}

    for route in MATRIX:
        path = address(route, things)
        for ask in (client.get, client.post):
            response = ask(path)
            if path in steps:
                continue
            assert (path, response.status_code) == (path, 302)
            assert response["Location"].startswith(f"{CODE}?next="), path
    assert client.get("/styleguide/").status_code == 404
    assert client.post("/staff/passkey/registration/begin/").status_code == 302


def test_the_first_sign_in_sets_up_an_app_and_shows_ten_codes_once(client, strict, clock):
    robin = make.staff()
    give_password(client)
    page = client.get("/staff/reports/", follow=True)

    assert page.redirect_chain[-1][0] == f"{SET_UP}?next=%2Fstaff%2Freports%2F"
    device = TOTPDevice.objects.get(user=robin)
    shown = page.content.decode()
    assert "<svg" in shown and "style=" not in re.search(r"<svg.*?</svg>", shown, re.S)[0]
    wrong = client.post(page.request["PATH_INFO"], {"code": "000 000"}).content.decode()
    assert "That is not the code of this moment" in wrong and not is_in(client)

    old_key = client.session.session_key
    done = client.post(f"{SET_UP}?next=%2Fstaff%2Freports%2F", {"code": clock.code(device)})

    codes = re.findall(r"<code>(.*?)</code>", done.content.decode())
    assert len(set(codes)) == 10 and 'href="/staff/reports/"' in done.content.decode()
    assert is_in(client) and client.session.session_key != old_key
    assert events() == [("robin", "password"), ("robin", "added"), ("robin", "confirmed")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM otp_static_statictoken")
        kept = {token for (token,) in cursor.fetchall()}
    assert not kept & {code.replace("-", "")[:16] for code in codes} and len(kept) == 10


def test_a_code_counts_once_and_so_does_a_recovery_code(client, strict, clock):
    robin = make.staff()
    make.sign_in(client, robin)
    client.get(SET_UP)
    device = TOTPDevice.objects.get()
    used = clock.code(device)
    codes = re.findall("<code>(.*?)</code>", client.post(SET_UP, {"code": used}).content.decode())

    def gets_in(code):
        browser = Client()
        give_password(browser)
        browser.post(CODE, {"code": code})
        return is_in(browser)

    assert not gets_in(used)
    clock.now += 30
    assert gets_in(clock.code(device))
    clock.now += 300
    assert gets_in(f" {clock.code(device)[:3]} {clock.code(device)[3:]} ")
    assert [gets_in(code) for code in (codes[0].upper(), codes[0], codes[1].replace("-", " "))] == [
        True,
        False,
        True,
    ]
    assert not gets_in("")


def test_five_wrong_codes_lock_the_second_factor_for_a_while(client, strict, clock):
    robin = make.staff()
    device = make.app_of(robin)
    make.sign_in(client, robin)

    for _ in range(5):
        assert "That is not the code" in client.post(CODE, {"code": "123"}).content.decode()

    locked = client.post(CODE, {"code": clock.code(device)})
    assert "Too many failed attempts. Wait 15 minutes" in locked.text and not is_in(client)
    assert events() == [
        ("robin", "password"),
        *[("robin", "wrong_code")] * 5,
        ("robin", "locked"),
        ("robin", "guessing"),
    ]


def test_who_has_an_app_needs_it_to_set_up_another(client, strict):
    robin = make.staff()
    make.app_of(robin)
    make.sign_in(client, robin)

    assert client.get(SET_UP)["Location"] == CODE
    assert client.post(SET_UP, {"code": "123456"})["Location"] == CODE
    assert TOTPDevice.objects.count() == 1


def test_the_demo_offers_the_second_factor_and_asks_who_has_it(client):
    robin = make.staff()
    give_password(client)
    assert is_in(client) and "Set up a second factor" in client.get("/staff/account/").content.decode()

    make.app_of(robin)
    other = Client()
    give_password(other)
    assert not is_in(other)


def test_nothing_but_the_demo_starts_without_a_second_factor(settings):
    settings.DEMO = False

    with pytest.raises(ImproperlyConfigured):
        door.guard(lambda request: None)


# For how long


@pytest.fixture
def used(client, rf):
    """Use a session of robin's at instants after noon; each is told whether it went on."""
    robin = make.staff()
    client.force_login(robin)
    request = rf.get("/")
    request.session = client.session
    sessions.begin(request, robin, now=make.NOW)
    return lambda *instants: [sessions.goes_on(request, robin, now=make.later(**at)) for at in instants]


def test_a_session_ends_after_fifteen_idle_minutes(used):
    assert used({"seconds": 899}, {"seconds": 899 + 899}) == [True, True]
    assert used({"seconds": 899 + 899 + 900}) == [False]


def test_a_session_ends_after_twelve_hours_however_busy(used):
    busy = [{"minutes": minute} for minute in range(10, 12 * 60, 10)]

    assert used(*busy, {"hours": 11, "minutes": 59, "seconds": 59}) == [True] * len(busy) + [True]
    assert used({"hours": 12}) == [False]


def test_rows_of_sessions_that_are_over_are_deleted(used):
    robin = StaffSession.objects.get().user
    for began, idle in ((0, 14), (0, 15), (11, 1), (12, 1)):
        used_at = make.NOW - timedelta(minutes=idle)
        StaffSession.objects.create(
            user=robin, device=f"{began} {idle}", began_at=make.NOW - timedelta(hours=began), used_at=used_at
        )

    assert (sessions.forget(now=make.NOW), sessions.forget(now=make.NOW)) == (2, 0)
    assert {row.device for row in StaffSession.objects.all()} >= {"0 14", "11 1"}


def test_what_was_typed_survives_the_end_of_the_session(client):
    make.staff()
    give_password(client)
    assert is_in(client)
    StaffSession.objects.update(used_at=timezone.now() - timedelta(minutes=15))

    path, typed = "/staff/bookings/appointmentrequest/1/note/", {"text": "Typed for long."}
    first, again = (client.post(path, typed, headers=OURS) for _ in range(2))

    for kept in (first, again):
        assert kept.status_code == 403
        assert "Typed for long.</textarea>" in kept.content.decode()
        assert "sign in on another tab" in kept.content.decode()
    assert not is_in(client)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("act", ["register", "auth"])
def test_the_words_of_a_passkey_button_are_there_before_it_is_drawn(act):
    scripts = re.findall("<script[^>]*>", render_to_string(f"django_otp_webauthn/{act}_scripts.html"))

    assert [" defer " in scripts[1], "async" in scripts[1]] == [True, False]
    assert f"otp_webauthn_{act}.js" in scripts[2]


def test_who_is_given_a_new_password_by_a_superuser_is_told_and_signed_out(client, mailbox):
    root, lee = make.staff("root"), make.staff("lee", email="lee@example.com")
    make.sign_in(client, root, device=make.app_of(root))
    phone = Client()
    make.sign_in(phone, lee, device=make.app_of(lee))
    address, new = f"/staff/auth/user/{lee.pk}/password/", "chosen by somebody else"

    client.post(address, {"password1": new, "password2": "another"})
    assert not ProcrastinateJob.objects.exists() and is_in(phone)
    client.post(address, {"password1": new, "password2": new})

    event = AccountEvent.objects.first()  # the newest
    assert (event.kind, event.user, event.by) == ("changed", lee, root)
    job = ProcrastinateJob.objects.get()
    getattr(tasks, job.task_name)(**job.args)
    told = mailbox.messages[0]
    assert told["To"] == "lee@example.com" and new not in told.get_content()
    assert "Somebody who keeps the accounts has changed your account" in told.get_content()
    assert not is_in(phone) and is_in(client)

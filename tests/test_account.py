"""One's own account: sessions, second factors, a new password; and a manager's help."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from bookings import shield
from bookings.models import AccountEvent, StaffSession
from clinic_site import attempts, second_factor, sessions, tasks
from tests import make
from tests.bookings.conftest import words
from tests.test_signing_in import RIGHT, events, give_password, is_in

pytestmark = pytest.mark.django_db
ACCOUNT, RESET = "/staff/account/", "/staff/reset/"
PASSWORD, NEW = {"password": RIGHT}, "some other long one"
UNKNOWN = "on a device we do not know"


@pytest.fixture
def robin():
    return make.staff(email="robin@example.com")


@pytest.fixture
def app(robin, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    return make.app_of(robin)


@pytest.fixture
def desk(client, robin, app):
    """Signed in with both factors."""
    make.sign_in(client, robin, device=app)
    return client


def another_browser(robin, app, agent=""):
    browser = Client(headers={"User-Agent": agent})
    make.sign_in(browser, robin, device=app)
    assert is_in(browser)
    return browser


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.4 Safari/605.1.15",
            "Safari on Mac",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/123.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/123.0.0.0 Safari/537.36 Edg/123.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.0.0 "
            "Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8", f"A browser {UNKNOWN}"),
        ("", f"A browser {UNKNOWN}"),
    ],
)
def test_a_device_is_said_in_words(agent, device):
    assert sessions.in_words(agent) == device


def test_sessions_are_listed_and_ended_one_by_one_or_all_others(desk, robin, app):
    phone = another_browser(robin, app, "Mozilla/5.0 (iPhone) Safari/604.1")
    laptop = another_browser(robin, app, "Mozilla/5.0 (Windows) Firefox/130.0")
    stranger = Client()
    stranger.force_login(make.staff("kim"))
    stranger.get("/staff/account/")
    foreign = StaffSession.objects.exclude(user=robin).get()

    shown = words(desk.get(ACCOUNT))
    assert [
        re.sub(r".*(A browser|Firefox|Safari)", r"\1", one)
        for one in re.findall("[^,]+(?=, since [^,]+, [^,]+, last)", shown)
    ] == [f"A browser {UNKNOWN}", "Firefox on Windows", "Safari on iPhone"]
    assert shown.count("(this one)") == 1
    desk.post("/staff/account/sessions/", {"session": StaffSession.objects.get(device__contains="iPhone").pk})
    assert [is_in(browser) for browser in (desk, phone, laptop)] == [True, False, True]

    another_browser(robin, app)
    desk.post("/staff/account/sessions/", {"session": foreign.pk})
    assert desk.post("/staff/account/sessions/", {"session": "x"}).status_code == 404
    assert StaffSession.objects.count() == 4
    desk.post("/staff/account/sessions/", {})
    assert [is_in(browser) for browser in (desk, laptop)] == [True, False]
    desk.post("/staff/logout/")
    assert not StaffSession.objects.filter(user=robin).exists()
    assert StaffSession.objects.filter(pk=foreign.pk).exists()


def test_new_recovery_codes_ask_for_the_password_end_the_old_ones_and_are_told_of(desk, robin, mailbox):
    old = second_factor.make_codes(robin)[0].replace("-", "")

    refused = words(desk.post("/staff/account/codes/", {"password": "wrong"}))
    shown = desk.post("/staff/account/codes/", PASSWORD).content.decode()
    new = re.findall("<code>(.*?)</code>", shown)

    assert "That is not your password" in refused
    assert f'href="{ACCOUNT}">I have kept them' in shown
    assert second_factor.matching(robin, old) is None
    assert second_factor.matching(robin, new[9].replace("-", "")).name == "Recovery codes"
    assert "Recovery codes left: 9." in words(desk.get(ACCOUNT))
    assert events() == [("robin", "password"), ("robin", "new_codes")]
    ((name, job),) = jobs()
    getattr(tasks, name)(**job)
    told = mailbox.messages[0]
    assert (told["To"], "New recovery codes were made" in told.get_content()) == ("robin@example.com", True)
    assert not set(new) & set(told.get_content().split())


def test_an_app_is_removed_with_the_password_and_a_new_one_is_asked_for_at_once(desk, app):
    path = f"/staff/account/remove/{app.persistent_id}/"
    for _ in range(5):
        assert "That is not your password" in words(desk.post(path, {"password": "wrong"}))
    assert "Too many failed attempts" in words(desk.post(path, PASSWORD))
    make_room()

    assert desk.post(path, PASSWORD).status_code == 302

    assert not TOTPDevice.objects.exists()
    assert desk.get("/staff/", follow=True).request["PATH_INFO"] == "/staff/second-factor/new/"
    assert events() == [("robin", "password"), ("robin", "locked"), ("robin", "removed")]


def test_after_five_wrong_tries_at_one_s_own_password_the_right_one_is_refused_on_each_page(desk, app):
    for _ in range(5):
        assert "That is not your password" in words(desk.post("/staff/account/codes/", {"password": "wrong"}))

    typed = {**PASSWORD, "old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    for path in ("account/codes/", f"account/remove/{app.persistent_id}/", "password_change/"):
        assert "Too many failed attempts. Wait 15 minutes" in words(desk.post(f"/staff/{path}", typed)), path


def test_who_came_in_by_a_recovery_code_and_has_no_app_sets_up_a_new_one(client, robin, app):
    app.delete()
    second_factor.make_codes(robin)
    make.sign_in(client, robin, device=StaticDevice.objects.get())

    assert client.get("/staff/")["Location"] == "/staff/second-factor/new/?next=%2Fstaff%2F"
    assert client.get("/staff/second-factor/new/").status_code == 200


def make_room():
    """As if a quarter of an hour had gone by since what was counted."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bookings_tally SET ends_at = ends_at - interval '15 minutes'")


def test_a_device_of_another_and_one_that_is_not_there_cannot_be_removed(desk):
    other = make.app_of(make.staff("kim"))

    for device in (other.persistent_id, "otp_totp.totpdevice/0", "nothing"):
        assert desk.post(f"/staff/account/remove/{device}/", PASSWORD).status_code == 404
    assert TOTPDevice.objects.count() == 2


def test_in_the_demo_as_well_the_password_alone_weakens_nothing(client, robin):
    client.force_login(robin)
    assert is_in(client)
    assert client.post("/staff/passkey/registration/begin/").status_code == 403
    app = make.app_of(robin)

    for path in ("codes/", f"remove/{app.persistent_id}/"):
        assert client.post(ACCOUNT + path, PASSWORD).status_code == 403
    assert client.post("/staff/passkey/registration/begin/").status_code == 403


# A new password


def jobs():
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "args"))


def test_asking_for_a_new_password_says_and_does_the_same_for_every_address(client, robin):
    asked = [client.post(RESET, {"email": email}) for email in (robin.email, "nobody@example.com")]

    assert [(answer.status_code, answer["Location"]) for answer in asked] == [(302, f"{RESET}sent/")] * 2
    assert jobs() == [("owe_reset_links", {"user_ids": ids}) for ids in ([robin.pk], [])]


def test_one_place_asks_for_few_links(client, robin):
    for number in range(12):
        client.post(RESET, {"email": f"{number}@example.com"}, REMOTE_ADDR="93.184.216.34")

    assert len(jobs()) == 10


def test_links_for_a_new_password_leave_room_for_a_confirmation_and_what_is_not_sent_is_recorded_once(robin):
    for _ in range(40):
        tasks.owe_reset_links(user_ids=[robin.pk])

    assert jobs() == [("send_reset_link", {"user_ids": [robin.pk]})]
    assert AccountEvent.objects.filter(kind="locked", user=robin).count() == 1
    assert [shield.may_write_to(robin.email, f"n{n}", now=timezone.now()) for n in range(3)] == [True] * 3


def test_strangers_who_ask_for_a_new_password_use_up_no_email_of_a_patient(client):
    for number in range(14):
        client.post(RESET, {"email": "anh@example.com"}, REMOTE_ADDR=f"93.184.{number}.34")
    for _, args in jobs():
        tasks.owe_reset_links(**args)

    now = timezone.now()
    mails = [make.submitted(now=now, starts_at=None, asks_for="waitlist").messages.get() for _ in range(3)]
    assert [one.status for one in mails] == ["queued"] * 3


def sent_link(mailbox):
    return re.search(r"http://\S+(/staff/reset/\S+)", mailbox.messages[-1].get_content())[1]


def choose(browser, link, password=NEW):
    """Open the link and send its form; what the last page says."""
    form = browser.get(link, follow=True)
    typed = {"new_password1": password, "new_password2": password}
    return words(browser.post(form.request["PATH_INFO"], typed, follow=True))


def test_a_link_for_a_new_password_works_once_and_the_second_factor_is_asked_all_the_same(
    mailbox, desk, robin, app
):
    tasks.send_reset_link(user_ids=[robin.pk])
    link = sent_link(mailbox)
    browser = Client()

    assert "at least 15 characters" in choose(browser, link, "short")
    assert "Your new password is kept" in choose(browser, link)
    assert "This link does not work any more" in choose(Client(), link, "a third long password")

    assert not is_in(desk)  # everybody who was signed in is out
    give_password(browser, password=NEW)
    assert browser.get("/staff/")["Location"].startswith("/staff/second-factor/")
    assert (mailbox.messages[0]["To"], len(mailbox.messages)) == (robin.email, 1)


def test_a_link_for_a_new_password_ends_after_half_an_hour(client, robin, monkeypatch):
    made_at = timezone.localtime().replace(tzinfo=None)
    token = PasswordResetTokenGenerator().make_token(robin)

    def is_good(**later):
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: made_at + timedelta(**later))
        return PasswordResetTokenGenerator().check_token(robin, token)

    assert [is_good(minutes=29), is_good(minutes=31)] == [True, False]


def test_who_chose_a_new_password_by_a_link_is_in_though_strangers_filled_every_count(
    mailbox, client, robin, app
):
    for _ in range(6):
        give_password(Client(), password="wrong")
    assert give_password(client).status_code == 200  # this address is full
    tasks.send_reset_link(user_ids=[robin.pk])

    choose(client, sent_link(mailbox))

    assert give_password(client, password=NEW).status_code == 302
    assert give_password(Client(), password=NEW).status_code == 200
    assert [kind for _, kind in events() if kind == "changed"] == ["changed"]
    assert ("tell_changed", {"user_id": robin.pk, "kind": "changed"}) in jobs()


def test_who_reads_the_owner_s_mail_gets_no_more_tries_at_the_code_with_each_link(mailbox, robin, app):
    wrong = []
    for number in range(5):
        tasks.send_reset_link(user_ids=[robin.pk])
        browser, password = Client(), f"a long password no. {number}"
        choose(browser, sent_link(mailbox), password)
        give_password(browser, password=password)
        wrong += [browser.post("/staff/second-factor/", {"code": "123"}).text for _ in range(4)]

    assert sum("That is not the code" in page for page in wrong) == 5 + 5  # of links, and of all other places


def test_after_ten_wrong_tries_a_day_the_right_old_password_changes_nothing(desk, robin):
    typed = {"new_password1": NEW, "new_password2": NEW}
    path = "/staff/password_change/"
    pages = []
    for number in range(12):
        pages.append(words(desk.post(path, {"old_password": f"guess {number}", **typed})))
        if number == 5:
            make_room()
    refused = ["Too many failed attempts" in page for page in pages]
    assert refused == [False] * 5 + [True] + [False] * 5 + [True]
    make_room()
    assert "Wait a day" in words(desk.post(path, {"old_password": RIGHT, **typed}))
    robin.refresh_from_db()
    assert robin.check_password(RIGHT)


def test_a_changed_password_is_told_of_and_this_device_alone_stays_known(desk, robin, app):
    other = another_browser(robin, app)
    for browser in (desk, other):
        browser.cookies[attempts.KNOWN] = known_cookie(robin)
    typed = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}

    assert "Your new password is kept" in words(desk.post("/staff/password_change/", typed, follow=True))

    assert is_in(desk) and not is_in(other)
    assert jobs() == [("tell_changed", {"user_id": robin.pk, "kind": "changed"})]
    for _ in range(6):
        give_password(Client(), password="wrong")
    assert [give_password(browser, password=NEW).status_code for browser in (desk, other)] == [302, 200]


def known_cookie(user):
    response = HttpResponse()
    attempts.know(response, user)
    return response.cookies[attempts.KNOWN].value


# A manager's help


def manager(client):
    boss = get_user_model().objects.create_user("boss", None, RIGHT, is_staff=True)
    boss.groups.add(Group.objects.get(name="Manager"))
    make.sign_in(client, boss, device=make.app_of(boss))
    return boss


def test_a_manager_resets_a_colleague_who_is_told_and_signed_out(client, mailbox, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    boss = manager(client)
    lee = get_user_model().objects.create_user("lee", "lee@example.com", RIGHT, is_staff=True)
    second_factor.make_codes(lee)
    phone = another_browser(lee, make.app_of(lee))
    root = make.staff("root")
    path = f"/staff/colleagues/{lee.pk}/"

    assert re.findall(r"/staff/colleagues/(\d+)/", client.get("/staff/colleagues/").text) == [str(lee.pk)]
    assert "make sure that it is really them" in words(client.get(path))
    assert list(devices_for_user(lee))
    assert client.post(path).status_code == 302

    assert list(devices_for_user(lee)) == [] and not is_in(phone)
    assert not StaffSession.objects.filter(user=lee).exists()
    event = AccountEvent.objects.first()  # the newest
    assert (event.kind, event.user, event.by) == ("recovered", lee, boss)
    ((name, job),) = jobs()
    getattr(tasks, name)(**job)
    assert mailbox.messages[0]["To"] == "lee@example.com"
    for other in (boss, root):
        assert client.post(f"/staff/colleagues/{other.pk}/").status_code == 403
    assert client.post("/staff/colleagues/0/").status_code == 404
    assert jobs() == [(name, job)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bookings_accountevent SET kind = 'password'",
        "DELETE FROM bookings_accountevent",
        "TRUNCATE bookings_accountevent",
    ],
)
def test_what_happened_to_an_account_is_never_changed_or_removed(robin, change):
    AccountEvent.objects.create(kind="refused", user=robin, at=make.NOW)

    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
        connection.cursor().execute(f"SET CONSTRAINTS ALL IMMEDIATE; {change}")
    assert events() == [("robin", "refused")]

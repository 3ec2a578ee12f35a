"""Strangers who guess: how often, who hears of it, and that they keep nobody out."""

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from bookings import shield
from bookings.models import Tally
from clinic_site import attempts, second_factor, tasks
from tests import make
from tests.test_signing_in import (
    CLINIC,
    CODE,
    ELSEWHERE,
    LOCKED,
    LOGIN,
    RIGHT,
    WRONG,
    events,
    give_password,
    is_in,
    said,
    spy_on_hashing,
)

pytestmark = pytest.mark.django_db


def test_one_name_has_ten_wrong_tries_a_day_from_one_address(rf):
    make.staff()
    request = rf.get("/", REMOTE_ADDR=CLINIC)

    def allowed(**delta):
        return attempts.at_the_password(request, "robin", now=make.later(**delta)).is_allowed

    tries = [allowed(minutes=minutes) for minutes in range(0, 24 * 60, 15) for _ in range(6)]

    assert sum(tries) == 10
    assert attempts.at_the_password(request, "robin", now=make.NOW).refusal.startswith(
        "Too many failed attempts. Wait a day"
    )
    assert allowed(days=1)


def test_a_network_with_65536_addresses_has_a_hundred_guesses_a_day_at_one_name(rf):
    make.staff()

    def allowed(name, at):
        return attempts.at_the_password(rf.get("/", REMOTE_ADDR=at), name, now=make.NOW).is_allowed

    tries = [allowed("robin", f"2600:1f18:0:{number:x}::7") for number in range(30) for _ in range(5)]

    assert sum(tries) == 100
    assert allowed("kim", "2600:1f18:0:1::7") and allowed("robin", "2600:1f18:1::7")


def test_a_network_with_65536_addresses_leaves_few_counts_however_many_names_it_makes_up(rf, monkeypatch):
    monkeypatch.setattr(
        attempts, "A_SITE_FOR_ALL_NAMES", attempts.Cap(20, attempts.A_SITE_FOR_ALL_NAMES.window)
    )
    tries = [
        attempts.at_the_password(
            rf.get("/", REMOTE_ADDR=f"2600:1f18:0:{number:x}::7"), f"name {number}", now=make.NOW
        )
        for number in range(100)
    ]

    assert sum(one.is_allowed for one in tries) == 20
    assert Tally.objects.count() < 20 * 4 + 100 + 10  # one for each address, four for each try


def test_however_many_strangers_guess_the_owner_gets_in_from_a_new_address(
    client, clock, strict, monkeypatch
):
    robin = make.staff(email="robin@example.com")
    device = make.app_of(robin)
    checked = spy_on_hashing(monkeypatch)
    strangers = [f"8.{number}.4.4" for number in range(50)]
    words = [said(give_password(Client(), password=WRONG, at=at)) for at in strangers for _ in range(7)]

    assert len(checked) == 50 * 5  # each address has its own tries, and no more
    assert words.count([LOCKED]) == 50 * 2
    assert give_password(client, at="9.9.9.9").status_code == 302
    client.post(CODE, {"code": clock.code(device)}, REMOTE_ADDR="9.9.9.9")
    assert is_in(client)
    assert said(give_password(Client(), at=strangers[0])) == [LOCKED]  # the right one does not help there


def test_many_wrong_tries_leave_few_rows_and_warn_the_owner_once_a_day(client, mailbox):
    robin = make.staff(email="robin@example.com")
    for number in range(30):
        give_password(Client(), password=WRONG, at=f"8.8.{number}.4")
        give_password(Client(), f"made up {number}", WRONG, at=f"8.9.{number}.4")

    kept = events()
    assert {name: [kind for whose, kind in kept if whose == name] for name in ("robin", None)} == {
        name: ["refused"] * 20 + ["guessing"] for name in ("robin", None)
    }
    [job] = ProcrastinateJob.objects.filter(task_name="tell_guessing")
    tasks.tell_guessing(**job.args)
    told = mailbox.messages[0]
    assert told["To"] == robin.email and "you can still sign in" in told.get_content()
    give_password(client)
    home = client.get("/staff/").text
    assert "Many failed sign-ins as <bdi>robin</bdi>" in home and "sign-ins with unknown names" in home


def test_names_that_are_made_up_leave_no_more_rows_than_an_address_has_tries():
    for number in range(70):
        give_password(Client(), f"made up {number}", WRONG)

    assert Tally.objects.count() <= 2 * 50 + 10


def know_a_device(client, clock, device):
    """Sign in with both factors and out again."""
    give_password(client)
    client.post(CODE, {"code": clock.code(device)})
    assert is_in(client)
    client.post("/staff/logout/")
    clock.now += 60


def test_a_known_device_is_counted_by_itself_and_for_its_owner_alone(client, clock, strict):
    device = make.app_of(make.staff())
    know_a_device(client, clock, device)
    for _ in range(6):
        give_password(Client(), password=WRONG)

    assert said(give_password(Client())) == [LOCKED]
    assert give_password(client).status_code == 302
    make.staff("kim")
    for _ in range(5):
        give_password(Client(), "kim", WRONG)
    assert said(give_password(client, "kim")) == [LOCKED]


def test_who_steals_the_cookie_of_a_device_locks_nobody_out(client, clock, strict):
    device = make.app_of(make.staff())
    know_a_device(client, clock, device)
    thief = Client()
    thief.cookies[attempts.KNOWN] = client.cookies[attempts.KNOWN].value

    words = [said(give_password(thief, password=WRONG, at=ELSEWHERE)) for _ in range(11)]

    assert words.count([LOCKED]) == 1  # five of the device, five of the address
    assert give_password(client).status_code == 302


def new_password(browser, robin):
    robin.set_password(RIGHT)  # the same one, hashed anew
    robin.save()


def new_app(browser, robin):
    TOTPDevice.objects.filter(user=robin).delete()
    make.app_of(robin)


@pytest.mark.parametrize("change", [new_password, new_app])
def test_a_device_is_known_no_more_once_the_password_or_the_second_factor_is_another(
    client, clock, strict, change
):
    robin = make.staff()
    know_a_device(client, clock, make.app_of(robin))
    for _ in range(5):
        give_password(Client(), password=WRONG)

    change(client, robin)

    assert said(give_password(client)) == [LOCKED]


def test_new_recovery_codes_leave_a_device_known(client, clock, strict):
    robin = make.staff()
    know_a_device(client, clock, make.app_of(robin))
    second_factor.make_codes(robin)
    for _ in range(5):
        give_password(Client(), password=WRONG)

    assert give_password(client).status_code == 302


@pytest.mark.parametrize("length", [1_000, 1_001, 200_000])
def test_a_password_longer_than_anybody_types_is_never_hashed(client, monkeypatch, length):
    make.staff()
    checked = spy_on_hashing(monkeypatch)

    page = give_password(client, password="x" * length).text

    assert (len(checked), "A password has at most 1,000 characters" in page) == (
        (1, False) if length == 1_000 else (0, True)
    )


# The second factor


def test_who_does_not_know_the_password_is_asked_for_no_code(client, strict):
    robin = make.staff()
    make.app_of(robin)
    give_password(client, password=WRONG)

    for _ in range(6):
        assert client.post(CODE, {"code": "123456"})["Location"].startswith(LOGIN)
    assert "wrong_code" not in {kind for _, kind in events()}


def guess_codes():
    """Somebody who knows the password uses up all tries at the code."""
    stranger = Client()
    give_password(stranger, at=ELSEWHERE)
    for _ in range(6):
        page = stranger.post(CODE, {"code": "123"}, REMOTE_ADDR=ELSEWHERE)
    assert "Too many failed attempts" in page.text


def test_who_knows_the_password_does_not_keep_the_owner_from_a_known_device_or_a_recovery_code(
    client, clock, strict, mailbox
):
    robin = make.staff(email="robin@example.com")
    device = make.app_of(robin)
    know_a_device(client, clock, device)
    code = second_factor.make_codes(robin)[0]
    guess_codes()

    give_password(client)
    client.post(CODE, {"code": clock.code(device)})
    assert is_in(client)
    other = Client()
    give_password(other, at="9.9.9.9")
    assert "use a recovery code" in other.post(CODE, {"code": clock.code(device)}).text
    other.post(CODE, {"code": code}, REMOTE_ADDR="9.9.9.9")
    assert is_in(other)
    [job] = ProcrastinateJob.objects.filter(task_name="tell_guessing")
    tasks.tell_guessing(**job.args)
    assert "Somebody who knows your password" in mailbox.messages[0].get_content()


def test_recovery_codes_are_not_guessed_without_an_end(client, strict):
    robin = make.staff()
    make.app_of(robin)
    right = second_factor.make_codes(robin)[0]
    give_password(client)
    for _ in range(5):
        assert "That is not the code" in client.post(CODE, {"code": "a" * 16}).text

    assert "Too many failed attempts" in client.post(CODE, {"code": right}).text


def jobs():
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "args"))


def test_who_shares_the_address_of_a_stranger_is_still_sent_a_link(client):
    robin = make.staff(email="robin@example.com")
    for number in range(12):
        client.post("/staff/reset/", {"email": f"{number}@example.com"}, REMOTE_ADDR="93.184.216.34")
    for _ in range(3):
        client.post("/staff/reset/", {"email": robin.email}, REMOTE_ADDR="93.184.216.34")

    assert jobs()[10:] == [("owe_reset_links", {"user_ids": [robin.pk]})]


def test_strangers_who_type_the_address_of_a_colleague_keep_no_link_from_them(client):
    robin = make.staff(email="robin@example.com")
    for number in range(4):
        shield.may_write_to(robin.email, f"n{number}", now=timezone.now())
    for _ in range(2):
        client.post("/staff/reset/", {"email": robin.email})
    for _, args in jobs():
        tasks.owe_reset_links(**args)

    assert jobs()[2:] == [("send_reset_link", {"user_ids": [robin.pk]})]  # the first one still opens

"""A first day at work, on a phone: an app, recovery codes, a passkey; and what axe-core says of each page."""

import time

import pytest
from django_otp import oath
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from bookings.models import AccountEvent, StaffSession
from tests import make
from tests.browser.test_first_walk import sign_in

# What a phone with a fingerprint reader does, asked for by the browser's own protocol.
PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.mark.parametrize("display", ["light", "dim"])
def test_signing_in_with_an_app_and_then_with_a_passkey(visit, violations, live_server, settings, display):
    settings.SECOND_FACTOR_REQUIRED = True
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = [live_server.url]
    make.staff("robin")
    page = visit("/staff/reports/", display=display, width=320)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE})
    found = {}

    def look(name):
        page.wait_for_load_state()
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[name] = violations(page) + ["wider than the screen"] * (too_wide > 0)

    def give_password():
        page.get_by_label("Username").fill("robin")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Sign in").click()

    look("sign in")
    page.get_by_role("link", name="Forgotten your password").click()
    look("reset")
    page.get_by_label("Email address").fill("robin@example.com")
    page.get_by_role("button", name="Send me the link").click()
    look("reset sent")
    page.goto("/staff/reports/")
    give_password()
    page.get_by_text("I cannot scan the picture").click()
    look("set up")
    page.get_by_role("button", name="Set it up").click()
    look("set up, mistake")
    page.get_by_label("Code").fill(code_of(TOTPDevice.objects.get()))
    page.get_by_role("button", name="Set it up").click()
    look("codes")
    page.get_by_role("link", name="I have kept them").click()
    assert page.url.endswith("/staff/reports/")

    page.get_by_role("link", name="Your account").click()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("link", name="Remove Passkey").wait_for()
    look("account")
    page.get_by_role("link", name="Make new codes").click()
    look("password again")
    page.get_by_role("link", name="Back", exact=True).click()
    page.get_by_role("link", name="Reset a colleague").click()
    look("colleagues")
    page.get_by_role("button", name="Sign out").click()

    page.goto("/staff/reports/")
    give_password()
    look("asked")
    page.get_by_role("button", name="Confirm").click()
    look("asked, mistake")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/staff/reports/")

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert WebAuthnCredential.objects.get().last_used_at
    assert list(AccountEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        *("password", "added", "confirmed", "added", "password", "confirmed")
    ]


def code_of(device):
    totp = oath.TOTP(device.bin_key)
    totp.time = time.time()
    return f"{totp.token():06d}"


def test_a_screen_that_is_left_alone_is_covered_and_keeps_what_was_typed(visit, violations):
    page = visit("/", display="dim", width=320)
    page.clock.install()
    sign_in(page)
    page.goto("/staff/password_change/")
    page.get_by_label("Old password").fill("half typed")
    page.clock.fast_forward("14:00")
    assert page.get_by_label("Old password").is_visible()
    page.clock.fast_forward("01:10")

    show = page.get_by_role("button", name="Show it again")
    assert show.is_visible() and not page.locator("#container").is_visible()
    assert page.evaluate("document.activeElement.textContent.trim()") == "Show it again"
    assert violations(page) == []
    StaffSession.objects.all().delete()
    show.click()
    page.get_by_text("You are signed out.").wait_for()
    assert not page.locator("#container").is_visible()

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new window").click()
    other = opened.value
    other.get_by_label("Username").fill("robin")
    other.get_by_label("Password").fill("a long password")
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("heading", name="Front desk").wait_for()
    page.get_by_label("Old password").wait_for()
    assert page.get_by_label("Old password").input_value() == "half typed"

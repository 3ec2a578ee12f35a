"""axe-core finds nothing in forms and staff pages, in all four displays; nothing moves.

The public pages have a test of their own: test_every_page.py.
"""

import pytest

from bookings.models import AppointmentRequest
from tests.browser.conftest import DISPLAYS
from tests.browser.test_first_walk import EVIDENCE, ask_for_an_appointment, sign_in

PAGES = ["/", EVIDENCE, "/locations/", "/locations/arlington/", "/request-an-appointment/", "/nowhere/"]


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_form_and_its_mistakes_and_the_confirmation_have_no_violation(visit, violations, display):
    page = visit("/request-an-appointment/who/", display=display, width=320, scheme="dark")
    found = {}

    def look(name):
        page.wait_for_load_state()  # before the style sheet is there, everything is too wide
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[name] = violations(page) + ["wider than the screen"] * (too_wide > 0)

    def go_on(name, button="Continue"):
        page.get_by_role("button", name=button).click()
        look(name)

    go_on("mistake")
    for name, answer in [("visit", "Me"), ("where", "First consultation"), ("when", "Norfolk")]:
        page.get_by_label(answer).first.check()
        go_on(name)
    address = page.url
    for name in ["days", "waiting-list", "call"]:
        page.goto(f"{address}{name}/")
        look(name)
    page.goto(f"{address}days/")
    page.get_by_label("First choice", exact=True).fill("February 30")
    go_on("bad date")
    page.goto(address)
    page.get_by_role("group").get_by_role("radio").first.check()
    go_on("you")
    page.get_by_label("Full name").fill("Ada")
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address").fill("ada@gmial.com")
    go_on("slip")
    page.get_by_label("ada@gmail.com", exact=True).check()
    go_on("day")
    go_on("check")
    go_on("sent", "Send request")
    page.get_by_role("link", name="Change your email address").click()
    look("contact")
    page.goto("/request-an-appointment/call/")
    look("call me")
    page.goto("/request-an-appointment/?visit=follow-up&location=norfolk&start=soon")
    look("linked")

    assert AppointmentRequest.objects.count() == 1
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_staff_pages_have_no_violation(visit, violations, settings, tmp_path, display):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    page = visit("/", display=display, scheme="dark")
    ask_for_an_appointment(page)
    asked = AppointmentRequest.objects.get()
    page.goto("/staff/")
    found = {"login": violations(page)}
    sign_in(page)
    paths = [
        "/staff/",
        "/staff/mail/",
        "/staff/bookings/appointmentrequest/",
        f"/staff/bookings/appointmentrequest/{asked.pk}/change/",
        f"/staff/bookings/appointmentrequest/{asked.pk}/accept/",
        f"/staff/bookings/appointmentrequest/{asked.pk}/decline/",
        f"/staff/bookings/appointmentrequest/{asked.pk}/person/",
        "/staff/bookings/location/",
        f"/staff/bookings/location/{asked.location_id}/change/",
        "/staff/bookings/closure/add/",
        "/staff/pages/page/",
        "/styleguide/",
    ]

    for path in paths:
        page.goto(path)
        found[path] = violations(page)

    assert found == {key: [] for key in ["login", *paths]}


@pytest.mark.parametrize("path", PAGES)
def test_wide_text_spacing_loses_nothing(visit, path):
    """WCAG 1.4.12: the reader's own spacing, at 320 px."""
    page = visit(path, width=320)
    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
            sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
            document.adoptedStyleSheets = [sheet]; }"""
    )

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("path", PAGES)
def test_nothing_moves(visit, path):
    page = visit(path)

    moving = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(element => {
            const style = getComputedStyle(element);
            return style.transitionDuration !== '0s' || style.animationName !== 'none'
                || style.position === 'sticky' || style.position === 'fixed';
        }).map(element => element.outerHTML.slice(0, 80))"""
    )

    assert page.evaluate("document.getAnimations().length") == 0
    assert moving == []


@pytest.mark.parametrize("path", ["/", EVIDENCE, "/request-an-appointment/who/"])
def test_every_control_is_large_enough_to_hit(visit, path):
    """44 px, save links inside a sentence (WCAG 2.5.5)."""
    page = visit(path, width=320)

    small = page.evaluate(
        """() => [...document.querySelectorAll('button, nav a, .button, .choice, input:not([type=hidden])')]
            .filter(control => { const box = (control.closest('.choice') || control).getBoundingClientRect();
                return box.height > 0 && box.height < 44; }).map(control => control.outerHTML)"""
    )

    assert small == []


@pytest.mark.parametrize(("display", "scheme", "dark"), [
    ("auto", "light", False), ("auto", "dark", True), ("light", "dark", False), ("dim", "light", True),
])  # fmt: skip
def test_a_display_draws_what_it_says(visit, display, scheme, dark):
    page = visit("/", display=display, scheme=scheme)

    red, green, blue = page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )

    assert (red + green + blue < 3 * 128) is dark


def test_the_display_is_chosen_with_a_plain_form(visit):
    page = visit("/locations/", javascript=False)

    page.get_by_role("button", name="Low light").click()

    assert page.url.endswith("/locations/")
    assert page.locator("html").get_attribute("data-theme") == "dim"
    assert page.get_by_role("button", name="Low light").get_attribute("aria-pressed") == "true"

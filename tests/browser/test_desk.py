"""The front desk at eight on Monday, in a real browser."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from bookings import availability, lifecycle
from bookings.models import AppointmentRequest, Location, VisitType
from tests.browser.conftest import DISPLAYS
from tests.browser.test_first_walk import sign_in

LIST = "/staff/bookings/appointmentrequest/"


@pytest.fixture
def asked(clinic):
    """A request at the demo clinic that waits for an answer, for a time some days ahead."""
    return asked_for("anh@example.com")


def asked_for(email, slot=0):
    now = timezone.now()
    visit, place = VisitType.objects.get(slug="first-consultation"), Location.objects.get(slug="arlington")
    day = place.local(now).date() + timedelta(days=3)
    start = availability.free_slots(visit, place, day, 14, now=now)[slot].starts_at
    request = lifecycle.submit(
        submission=uuid.uuid4(),
        visit_type=visit,
        location=place,
        starts_at=start,
        patient_name="Nguyễn Thị Ánh",
        contact_by="email",
        email=email,
        phone="(703) 555-0142",
        needs=["dim_room"],
        note="Room for a wheelchair",
        now=now,
    )
    return lifecycle.verify(request, now=now)


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_pages_of_the_desk_have_no_violation_and_fit_a_phone(visit, violations, asked, display):
    AppointmentRequest.objects.update(patient_name="W" * 120)
    page = visit("/", display=display, scheme="dark", width=320)
    sign_in(page)
    found, wide = {}, {}

    def look(name):
        page.wait_for_load_state()
        found[name] = violations(page)
        wide[name] = page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0

    for name, path in {
        "empty list": f"{LIST}?list=today",
        "request": f"{LIST}{asked.pk}/change/",
        "phoned": f"{LIST}{asked.pk}/phoned/",
        "offer": f"{LIST}{asked.pk}/offer/",
    }.items():
        page.goto(path)
        look(name)
    page.get_by_role("button", name="Look at the message first").click()
    look("mistake")
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Look at the message first").click()
    look("looked at")
    page.goto(LIST)
    page.locator("input[name=_selected_action]").check()
    page.locator("select[name=action]").select_option("decline_each")
    page.get_by_role("button", name="Go").click()
    look("many")

    assert found == {name: [] for name in found}
    assert wide == dict.fromkeys(wide, False)


def test_the_desk_is_worked_with_the_keyboard_alone(visit, asked):
    page = visit("/")
    sign_in(page)
    page.goto(LIST)

    def press_until(selector):
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                outline = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
                assert outline >= 2, "the focused element cannot be seen"
                return
        raise AssertionError(f"the keyboard never reaches {selector}")

    def go(selector):
        press_until(selector)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    press_until("#searchbar")
    page.keyboard.type("703 5550142")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    go(f"a[href*='/{asked.pk}/change/']")
    go("a[href*='/accept/']")
    go("input[name=_do]")
    assert "Accepted. The patient will be told by email." in page.locator(".messagelist").inner_text()
    go("a[href*='#r']")

    assert page.url.endswith(f"#r{asked.pk}") and "q=703" in page.url
    assert page.locator(f"#r{asked.pk}").is_visible()
    assert AppointmentRequest.objects.get().status == "accepted"


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_another_time_is_offered_after_its_message_was_read(visit, asked, javascript):
    page = visit("/", javascript=javascript)
    sign_in(page)
    page.goto(f"{LIST}{asked.pk}/change/")

    page.locator("section", has_text="Nearest free times").get_by_role("link").first.click()
    page.get_by_role("button", name="Look at the message first").click()
    page.get_by_role("heading", name="The patient will get this email").wait_for()
    assert AppointmentRequest.objects.get().status == "pending"
    page.get_by_role("button", name="Offer another time").click()

    assert "Offered. The time is held" in page.locator(".messagelist").inner_text()
    assert AppointmentRequest.objects.get().status == "offered"


def test_who_comes_back_from_a_request_that_left_the_list_stands_where_it_stood(visit, asked):
    for name in ("bo", "chi"):
        asked_for(f"{name}@example.com", slot=4)
    page = visit("/")
    sign_in(page)
    page.goto(LIST)
    rows = page.locator("#result_list tbody th a").all_inner_texts()
    assert len(rows) == 3

    page.get_by_role("link", name=rows[1]).click()
    page.get_by_role("link", name="Accept").click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Back to the list").click()

    page.wait_for_url("**#r*")
    assert page.evaluate("document.activeElement.innerText") == rows[2]

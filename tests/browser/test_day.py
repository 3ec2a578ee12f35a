"""The day at the desk, in a real browser: with a mouse, on a phone, on paper, in every display."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings import availability
from tests import make
from tests.browser.test_every_page import AXE, SET_DISPLAY
from tests.browser.test_first_walk import sign_in


@pytest.fixture
def booked(real_commits):
    """A booked visit at 9 or later, some days ahead, with free time after it."""
    room, now = make.schedule(), timezone.now()
    visit_type, place = room.visit_types.get(), room.location
    first_day = place.local(now).date() + timedelta(days=3)
    slot = availability.free_slots(visit_type, place, first_day, 5, now=now)[0]
    return make.accepted(room, starts_at=slot.starts_at, now=now)


def address_of(asked, view=""):
    place, at = asked.location, asked.appointments.get().starts_at
    return f"/staff/bookings/appointment/{view}?location={place.slug}&date={place.local(at).date()}"


def test_the_pages_of_the_day_have_no_violation_and_fit_a_phone(visit, violations, booked):
    page = visit("/staff/", width=320, scheme="dark")
    sign_in(page)
    appointment = booked.appointments.get()
    day = booked.location.local(appointment.starts_at).date()
    found, beyond = {}, {}

    def look(name):
        found[name] = violations(page)
        for display in ("light", "dim"):
            page.evaluate(SET_DISPLAY, display)
            found[name] += page.evaluate(AXE, ["color-contrast"])
        beyond[name] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    for view in ("", "week/", "phone/"):
        page.goto(address_of(booked, view))
        look(view)
    page.get_by_role("button", name="Save").click()
    look("mistakes of a call")
    page.goto(f"/staff/bookings/appointment/{appointment.pk}/move/")
    page.get_by_label("Time", exact=True).fill("03:00")
    page.get_by_role("button", name="Move").click()
    look("a reason is asked for")
    page.goto("/staff/bookings/closure/add/")
    page.get_by_label("Location").select_option(str(booked.location_id))
    page.get_by_label("First day").fill(day.isoformat())
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Close all the same").wait_for()
    look("a closure that hits a visit")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address_of(booked))
    look("wide")

    assert found == {key: [] for key in found}
    assert beyond == dict.fromkeys(beyond, 0)


def test_a_visit_dragged_to_a_free_time_is_moved_by_the_same_form(visit, booked):
    page = visit("/staff/")
    sign_in(page)
    page.goto(address_of(booked))
    before = booked.appointments.get().starts_at

    page.locator("[data-move]").drag_to(page.locator("[data-start]").nth(1))
    page.get_by_role("heading", name=f"Move {booked.reference}").wait_for()
    assert booked.appointments.get().starts_at == before  # nothing moves before somebody says so
    page.get_by_role("button", name="Move").click()

    to = booked.location.time_in_words(before + timedelta(hours=1, minutes=30))
    assert f"{booked.reference}: moved to {to}." in page.locator(".messagelist").inner_text()
    assert booked.appointments.get().starts_at == before + timedelta(hours=1, minutes=30)


def test_on_paper_there_are_initials_and_no_name(visit, booked):
    page = visit("/staff/", javascript=False)
    sign_in(page)
    page.goto(address_of(booked))

    page.emulate_media(media="print")
    paper = page.locator("body").inner_text()

    assert f"N. T. Á. {booked.reference}, 1 hour" in paper
    assert "Nguyễn" not in paper and "Consultation" not in paper
    assert page.locator(".visit").evaluate("visit => getComputedStyle(visit).breakInside") == "avoid"

"""The numbers of the desk in a real browser: in every display, on a phone, and saved to a file."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from bookings import availability, lifecycle, trail
from bookings.admin.trail import ViewingAdmin
from bookings.models import Location, Viewing, VisitType
from tests.browser.conftest import DISPLAYS
from tests.browser.test_first_walk import sign_in

PAGES = ["/staff/", "/staff/reports/", "/staff/export/?list=all", "/staff/bookings/viewing/"]


@pytest.fixture
def asked(clinic):
    """A request at the demo clinic that waits for an answer, for a time some days ahead."""
    now = timezone.now()
    visit, place = VisitType.objects.get(slug="first-consultation"), Location.objects.get(slug="arlington")
    day = place.local(now).date() + timedelta(days=3)
    start = availability.free_slots(visit, place, day, 9, now=now)[0].starts_at
    request = lifecycle.submit(
        submission=uuid.uuid4(),
        visit_type=visit,
        location=place,
        starts_at=start,
        patient_name="Ada",
        contact_by="email",
        email="ada@example.com",
        now=now,
    )
    return lifecycle.verify(request, now=now)


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_pages_of_numbers_have_no_violation_and_fit_a_phone(
    visit, violations, asked, display, monkeypatch
):
    monkeypatch.setattr(ViewingAdmin, "list_per_page", 1)
    page = visit("/", display=display, scheme="dark", width=320)
    sign_in(page)
    for _ in range(3):
        trail.viewed(get_user_model().objects.get(), [asked], kind=trail.Kind.LIST, now=timezone.now())
    found = {}
    for path in PAGES:
        page.goto(path)
        if path == "/staff/":
            page.get_by_text("as a table").first.click()
            assert page.get_by_role("columnheader", name="Asked").is_visible()
            assert page.get_by_role("img").count() == 1 + Location.objects.count()
            page.emulate_media(forced_colors="active")  # here of the device: black, whatever the display
            colors = page.locator(".plot-mark--a, .plot-text").evaluate_all(
                "marks => [...new Set(marks.map(mark => getComputedStyle(mark).fill))]"
            )
            assert colors == ["rgb(255, 255, 255)"]
            page.emulate_media(forced_colors="none")
        if path == PAGES[-1]:
            page.get_by_role("link", name="Next page").click()
            page.get_by_role("link", name="First page").wait_for()
            page.wait_for_load_state()
            names = page.get_by_role("navigation", name="Pages of this list").get_by_role("link")
            assert names.all_inner_texts() == ["First page", "Previous page", "Next page"]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0
        found[path] = violations(page) + (["wider than the screen"] if wide else [])

    assert found == {path: [] for path in PAGES}


def test_a_number_on_the_home_leads_to_its_list_and_the_list_to_a_file(visit, asked):
    page = visit("/")
    sign_in(page)
    page.goto("/staff/")
    page.get_by_role("link", name="Needs reply: 1").click()
    page.get_by_role("link", name="Export this list").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save 1 as a file (CSV)").click()

    lines = saved.value.path().read_text("utf-8-sig").splitlines()

    assert [line.split(",")[0] for line in lines] == ['"Reference"', f'"{asked.reference}"']
    assert sorted(Viewing.objects.values_list("kind", flat=True)) == ["export", "list"]

"""Everything that can be clicked is what a mouse meets where it stands: nothing lies over it."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Location, VisitType
from tests import make
from tests.browser.test_desk import asked_for
from tests.browser.test_first_walk import sign_in

WIDTHS = [1280, 390, 320]
# What is seen and can be clicked, but is not met at the middle of its first line.
COVERED = r"""() => {
    const controls = 'a[href], button, summary, select, textarea, input:not([type=hidden])';
    const shown = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
    // Words for who listens are cut away, and a link to skip to the content appears under the keyboard.
    const cut = element => element?.parentElement
        && (getComputedStyle(element).clipPath !== 'none' || cut(element.parentElement));
    const name = element => element ? element.outerHTML.replace(/\s+/g, ' ').slice(0, 90) : 'nothing';
    const covered = [];
    for (const folded of document.querySelectorAll('details')) folded.open = true;
    for (const element of document.querySelectorAll(controls)) {
        if (!shown(element) || cut(element) || element.matches('[class^=skip]')) continue;
        element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
        const box = element.getClientRects()[0];
        const met = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        if (![element, ...element.labels || []].some(one => one.contains(met)))
            covered.push(`${name(element)} lies under ${name(met)}`);
    }
    return covered;
}"""
LINKS = """[...document.links].filter(link => link.origin === location.origin)
    .map(link => link.pathname + link.search)"""
NO_PAGE = re.compile("/save/|/staff/r/|/staff/mail/|[.]")  # files, pages of the public, mail that is kept


@pytest.fixture
def worked(clinic):
    """The demo clinic at work: requests in several states, and staff who have saved a change or two."""
    asked = [asked_for(f"{name}@example.com", slot=slot) for slot, name in enumerate(["anh", "bo", "chi"])]
    now, kim = timezone.now(), make.staff("kim")
    lifecycle.accept(asked[0], by=kim, now=now)
    lifecycle.decline(asked[1], by=kim, reason="no_time", now=now)
    return asked


def save_changes(page):
    """As somebody does who sets the clinic up; the home then lists what they did last."""
    for path in [
        f"/staff/bookings/visittype/{VisitType.objects.first().pk}/change/",
        f"/staff/bookings/location/{Location.objects.first().pk}/change/",
    ]:
        page.goto(path)
        page.get_by_role("button", name="Save and continue editing").click()
        page.locator(".messagelist").wait_for()


def kind_of(address):
    """Addresses that differ in their numbers, names and filters alone show pages of one kind."""
    return re.sub(r"(?<=/)[^/]*\d[^/]*(?=/)", "*", address.partition("?")[0])


def covered_at_every_width(page):
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"at {width} px {fault}" for fault in page.evaluate(COVERED)]
    return found


def walk(page, start):
    """Open `start`, and of every kind of page below it that links lead to one; gives their addresses."""
    known, ahead = {kind_of(start)}, [start]
    while ahead:
        page.goto(ahead[0])
        yield ahead.pop(0)
        for path in page.evaluate(LINKS):
            is_ours = path.startswith(start) and ("/staff/" in path) == ("/staff/" in start)
            if is_ours and not NO_PAGE.search(path) and kind_of(path) not in known:
                known.add(kind_of(path))
                ahead.append(path)


def test_a_link_of_the_home_opens_with_the_mouse_after_a_change_was_saved(visit, clinic):
    page = visit("/")
    sign_in(page)
    save_changes(page)
    assert LogEntry.objects.count() == 2
    page.goto("/staff/")

    link = page.locator("#content-main").get_by_role("link", name="Closures")
    link.scroll_into_view_if_needed()
    box = link.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.wait_for_url("**/staff/bookings/closure/")


def test_nothing_lies_over_what_staff_can_click(visit, worked):
    page = visit("/")
    sign_in(page)
    save_changes(page)

    faults = {address: covered_at_every_width(page) for address in walk(page, "/staff/")}

    assert len(faults) > 70
    assert not any(faults.values()), faults


def test_nothing_lies_over_what_patients_can_click(visit, clinic):
    page = visit("/")

    faults = {address: covered_at_every_width(page) for address in walk(page, "/")}
    page.goto("/request-an-appointment/who/")
    for choice in ["Me", "First consultation", "Arlington"]:
        page.get_by_role("radio", name=re.compile(f"^{choice}")).check()
        page.get_by_role("button", name="Continue").click()
        faults[page.url] = covered_at_every_width(page)

    assert len(faults) > 70
    assert not any(faults.values()), faults

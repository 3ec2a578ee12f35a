"""The patient's own page: the whole way from the first email to a cancelled visit."""

import re
from contextlib import nullcontext

from django.utils import timezone

from bookings import lifecycle, links, outbox
from tests import make
from tests.bookings.test_manage import free


def url(asked, purpose):
    """The path of a link for the request as it is now."""
    asked.refresh_from_db()
    return "/" + links.url(asked, purpose, now=timezone.now()).split("/", 3)[3]


def press(page, selector, key="Enter"):
    """Tab on until the focused element matches, and press `key` on it; each stop shows where it is."""
    for _ in range(60):
        page.keyboard.press("Tab")
        matches, outline, is_in_view = page.evaluate(
            """selector => { const at = document.activeElement, box = at.getBoundingClientRect();
                return [at.matches(selector), parseFloat(getComputedStyle(at).outlineWidth),
                    box.bottom > 0 && box.top < innerHeight]; }""",
            selector,
        )
        assert outline >= 2 and is_in_view, "a focused element cannot be seen"
        if matches:
            with page.expect_navigation() if key == "Enter" else nullcontext():
                page.keyboard.press(key)
            return
    raise AssertionError(f"the keyboard never reaches {selector}")


def test_a_patient_confirms_accepts_moves_and_cancels_with_the_keyboard_alone(visit, violations, mailbox):
    """Without JavaScript; beside it each page is looked at with axe-core, in one display after another."""
    room = make.schedule(make.location(slug="harbor", name="Harbor", weekdays=range(7)))
    asked = make.submitted(room, starts_at=free(room), now=timezone.now())
    page = visit(url(asked, "confirm_request"), javascript=False, width=320)
    others = [visit(display=display, width=width) for display, width in
              [("light", 320), ("dim", 1280), ("dark", 320)]]  # fmt: skip
    found = {}

    def look():
        heading = page.get_by_role("heading", level=1).inner_text()
        other = others[len(found) % len(others)]
        other.goto(page.url)
        found[heading] = violations(other)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        return page.get_by_role("main").inner_text()

    look()
    press(page, "main button")
    assert "Your email address is confirmed." in look()

    asked.refresh_from_db()
    choice = lifecycle.Choice(asked.visit_type, asked.location, free(room, days=5))
    lifecycle.offer(asked, choice, by=make.staff(), now=timezone.now())
    page.reload()
    assert "This link is old" in look()
    press(page, "main button")
    assert "A new link is on its way" in look()
    outbox.deliver_due(now=timezone.now())
    mail = next(mail for mail in mailbox.messages if "link" in mail["Subject"])
    page.goto(re.search(r"/manage/\S+/", mail.get_body("plain").get_content())[0])

    assert "Can you come at this time instead?" in look()
    press(page, "form[action*='/accept/'] button")
    assert "You have accepted this time." in look()

    press(page, "main a[href*='/time/']")
    look()
    press(page, "input[name=start]", key="Space")
    press(page, "#times button")
    assert "You have moved your visit." in page.get_by_role("main").inner_text()

    press(page, "main a[href*='/contact/']")
    look()
    press(page, "#id_phone", key="5")
    press(page, "main form button")
    assert "There is a problem" in page.get_by_role("main").inner_text()
    page.go_back()

    press(page, ".back-link")
    press(page, "main a[href*='/cancel/']")
    look()
    press(page, "main form button")
    assert "You have canceled your visit." in look()

    assert asked.appointments.order_by("pk").last().status == "cancelled"
    headings = [
        "Confirm your email address",
        "We have your request",
        "This link is old",
        "A new link is on its way",
        "Can you come at this time instead?",
        "Your visit is booked",
        "Move your visit",
        "How can we reach you?",
        "Cancel this visit?",
        "This visit is canceled",
    ]
    assert found == {heading: [] for heading in headings}


def test_a_booked_visit_is_printed_on_one_sheet_by_a_button_that_needs_javascript(visit):
    room = make.schedule(make.location(slug="harbor", name="Harbor", weekdays=range(7)))
    asked = make.accepted(room, starts_at=free(room), now=timezone.now())
    page = visit(url(asked, "manage_request"))
    button = page.get_by_role("button", name="Print this page")
    page.evaluate("window.print = () => { document.title = 'printed' }")

    button.click()

    assert page.title() == "printed"
    margin = dict.fromkeys(["top", "right", "bottom", "left"], "0.5in")
    sheet = page.pdf(format="Letter", margin=margin)
    assert re.findall(rb"/Count (\d+)", sheet) == [b"1"]
    plain = visit(url(asked, "manage_request"), javascript=False)
    assert plain.get_by_role("button", name="Print this page").count() == 0

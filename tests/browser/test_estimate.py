"""The written estimate: sent from the desk, read and printed by the patient."""

import re
from datetime import timedelta

from django.utils import timezone

from bookings.models import Estimate, VisitType
from tests import make
from tests.bookings.test_manage import free
from tests.browser.test_first_walk import sign_in
from tests.browser.test_manage import url

LIST = "/staff/bookings/appointmentrequest/"


def test_the_estimate_fits_every_display_a_phone_and_one_sheet_of_paper(visit, violations):
    place = make.location(slug="harbor", name="Harbor", weekdays=range(7))
    summary = "We talk about your migraine and what could help. You get no treatment at this visit."
    first = make.visit_type(name="First consultation", price=1250)
    VisitType.objects.update(summary=summary)
    first.refresh_from_db()
    room = make.schedule(place, first)
    start, now = free(room, days=14), timezone.now()
    long = {"patient_name": "Ada " + 20 * "W"}  # one word, wider than a phone
    asked = make.accepted(room, starts_at=start, now=now - timedelta(hours=1), pays_self=True, **long)
    staff = visit()
    sign_in(staff)
    session = [cookie for cookie in staff.context.cookies() if cookie["name"] != "theme"]
    found = {}

    def look(page, name):
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0
        found[name] = [*violations(page), *["too wide"] * wide]

    desks = {}
    for display, width in [("light", 320), ("dark", 1280), ("dim", 320)]:
        desks[display] = desk = visit(display=display, width=width)
        desk.context.add_cookies(session)
        for name in ("payment", "estimate", "estimate/print", "send_estimate"):
            desk.goto(f"{LIST}{asked.pk}/{name}/")
            look(desk, f"{name} {display}")
    assert "$1,250.00" in desk.get_by_role("main").inner_text()
    desk.get_by_role("button", name="Send the estimate by email").click()
    assert "stands on the patient’s page" in desk.locator(".messagelist").inner_text()

    for display, width in [("light", 1280), ("dark", 320), ("dim", 320)]:
        desks[display].goto(f"{LIST}{asked.pk}/change/")
        look(desks[display], f"request {display}")
        page = visit(url(asked, "manage_request"), display=display, width=width)
        look(page, f"own page {display}")
        page.get_by_role("button", name="See your estimate").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Good-faith estimate"
        look(page, f"own estimate {display}")

    margin = dict.fromkeys(["top", "right", "bottom", "left"], "0.5in")
    desk.goto(f"{LIST}{asked.pk}/estimate/print/")
    for sheet in (page, desk):
        assert re.findall(rb"/Count (\d+)", sheet.pdf(format="Letter", margin=margin)) == [b"1"]
    assert found == {name: [] for name in found}
    assert Estimate.objects.get().opened_at is not None

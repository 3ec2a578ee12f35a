"""From a page to an appointment, as a patient and then the front desk would walk it."""

import re

import pytest
from django.utils import timezone

from bookings import messages, outbox
from bookings.models import AppointmentRequest
from tests import make

EVIDENCE = "/ketamine-for-migraine/does-it-work/"


def ask_for_an_appointment(page):
    """From any page through the whole journey; gives the reference that the patient is told."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Request an appointment").click()
    page.get_by_role("link", name="Start now").click()
    page.get_by_label("Me", exact=True).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("First consultation").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Norfolk").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("group").get_by_role("radio").first.check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_timeout(2000)  # nobody types their name sooner, and who does is taken for a robot
    page.get_by_label("Full name").fill("Nguyễn Thị Ánh")
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address").fill("anh@example.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()  # what would help on the day: nothing
    page.get_by_role("button", name="Send request").dblclick()  # as many people do
    page.get_by_role("heading", name="We have your request").wait_for()
    return page.locator(".reference").inner_text()


def confirm_the_address(page, mailbox):
    """Follow the link in the email that was just sent, and press the button there."""
    outbox.deliver_due(now=timezone.now())
    text = mailbox.messages[-1].get_body(("plain",)).get_content()
    page.goto(re.search(r"/confirm/\S+", text)[0])
    page.get_by_role("main").get_by_role("button").first.click()


def sign_in(page):
    make.staff("robin")
    page.goto("/staff/")
    page.get_by_label("Username").fill("robin")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_reader_asks_and_the_front_desk_accepts(visit, mailbox, javascript):
    patient = visit(EVIDENCE, javascript=javascript, width=320)
    reference = ask_for_an_appointment(patient)
    assert "It is not an appointment yet." in patient.get_by_role("main").inner_text()
    confirm_the_address(patient, mailbox)

    desk = visit("/staff/", javascript=javascript)
    sign_in(desk)
    desk.get_by_role("link", name="Appointment requests").first.click()
    desk.get_by_role("link", name=reference).click()
    desk.get_by_role("link", name="Accept").click()
    desk.get_by_role("button", name="Accept").click()
    assert "The patient will be told by email." in desk.locator(".messagelist").inner_text()

    asked = AppointmentRequest.objects.get(reference=reference)
    assert (asked.status, asked.patient_name) == ("accepted", "Nguyễn Thị Ánh")
    outbox.deliver_due(now=timezone.now() + messages.GRACE)
    patients = [mail["Subject"] for mail in mailbox.messages if mail["To"] == "anh@example.com"]
    assert patients == ["Please confirm your request to Example Clinic", "Your appointment at Example Clinic"]


def test_the_journey_can_be_walked_with_the_keyboard_alone(visit):
    page = visit("/request-an-appointment/")

    def press_until(selector):
        """Tab on until the focused element matches; every stop on the way shows where it is."""
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                """selector => {
                    const at = document.activeElement, style = getComputedStyle(at);
                    const box = at.getBoundingClientRect();
                    return [at.matches(selector), parseFloat(style.outlineWidth), box.bottom > 0
                        && box.top < innerHeight];
                }""",
                selector,
            )
            assert focused[1] >= 2 and focused[2], "a focused element cannot be seen"
            if focused[0]:
                return
        raise AssertionError(f"the keyboard never reaches {selector}")

    def go_on(selector="main button"):
        press_until(selector)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    go_on("main a.button")
    for name in ["who", "visit", "where", "start"]:
        press_until(f"input[name={name}]")
        page.keyboard.press("Space")
        go_on()
    press_until("#id_patient_name")
    page.keyboard.type("Ada")
    press_until("input[name=contact_by]")
    page.keyboard.press("Space")
    press_until("#id_email")
    page.keyboard.type("ada@example.com")
    for _ in ["you", "day", "check"]:
        go_on()

    assert page.get_by_role("heading", level=1).inner_text() == "We have your request"
    assert AppointmentRequest.objects.get().patient_name == "Ada"
    go_on("form[action$='undo/'] button")
    assert AppointmentRequest.objects.get().status == "withdrawn"


def test_a_mistake_is_named_at_the_top_and_its_link_leads_to_the_question(visit):
    page = visit("/request-an-appointment/who/")

    page.get_by_role("button", name="Continue").click()

    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    page.get_by_role("link", name="Select who the visit is for").click()
    assert page.evaluate("document.activeElement.id") == "id_who_0"


def test_going_back_after_sending_shows_the_same_request_again(visit):
    page = visit("/")
    reference = ask_for_an_appointment(page)

    page.go_back()

    assert page.locator(".reference").inner_text() == reference
    assert AppointmentRequest.objects.count() == 1

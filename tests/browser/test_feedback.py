"""Was this page useful? As a reader without scripts walks it, in every display."""

import pytest

from pages.models import Feedback
from tests.browser.conftest import DISPLAYS
from tests.browser.test_first_walk import EVIDENCE


def test_a_reader_tells_us_without_javascript(visit):
    page = visit(EVIDENCE, width=320, javascript=False)

    page.get_by_role("link", name="Was this page useful?").click()
    page.get_by_label("No", exact=True).check()
    page.get_by_label("What should we change? (optional)").fill("Too long.")
    page.get_by_role("button", name="Send").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Thank you"
    assert list(Feedback.objects.values_list("useful", "comment")) == [(False, "Too long.")]
    page.get_by_role("main").get_by_role("link").click()
    assert page.url.endswith(EVIDENCE)


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_question_its_mistake_and_the_thanks_have_no_violation(visit, violations, display):
    page = visit(f"/feedback{EVIDENCE}", display=display, scheme="dark", width=320)
    found = [violations(page)]
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    found.append(violations(page))
    page.get_by_label("Yes", exact=True).check()
    page.get_by_role("button", name="Send").click()
    found.append(violations(page))

    assert page.get_by_role("heading", level=1).inner_text() == "Thank you"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert found == [[]] * 3

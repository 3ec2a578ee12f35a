"""The diary and the card fit on one sheet of Letter paper each, as Chromium prints them."""

import re

import pytest

FILLED = {
    "What to take first": "A" * 120,
    "When you may take it again (optional)": "B b " * 30,
    "What to take if that does not help (optional)": "C c " * 30,
    "Most days a month with this medicine (optional)": "9",
    "What else helps, or what others should do (optional)": "D d " * 40,
    "Whom to call (optional)": "E e " * 30,
}


def sheets(page):
    """How many pages a PDF has that the browser prints as the style sheet says."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


@pytest.mark.parametrize("display", ["light", "dim"])
def test_the_diary_fits_on_one_sheet(visit, display):
    page = visit("/tools/headache-diary/", display=display, javascript=False)

    assert sheets(page) == 1


def test_a_card_with_as_much_as_it_takes_fits_on_one_sheet(visit):
    page = visit("/tools/attack-card/", javascript=False)
    for label, words in FILLED.items():
        page.get_by_label(label).fill(words)
    page.get_by_role("button", name="Make the card").click()

    assert page.get_by_role("heading", name="Migraine attack").is_visible()
    assert sheets(page) == 1


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("path", ["/tools/headache-diary/", "/tools/attack-card/"])
def test_the_tools_are_no_wider_than_a_phone_and_have_no_barrier(visit, violations, path, width):
    page = visit(path, width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []

"""Writing and approving a page, as an editor and then a reviewer walk it."""

import pytest

from pages.models import Page
from tests import make
from tests.browser.conftest import DISPLAYS
from tests.pages import make as make_page

LIGHT = "migraine/light-sensitivity"


def sign_in(page, name):
    make.staff(name)
    page.goto("/staff/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Sign out").or_(page.get_by_role("button", name="Sign out")).wait_for()


def propose(page, pk):
    page.goto(f"/staff/pages/page/{pk}/change/")
    page.get_by_role("link", name="Propose a change").click()
    page.wait_for_load_state()  # what is typed before the script is there goes unnoticed
    page.get_by_label("Title").fill("Light, by day")
    page.get_by_label("Change note").fill("A clearer title")


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_pages_for_editing_have_no_violation(visit, violations, display):
    page = visit("/", display=display, scheme="dark", width=320)
    sign_in(page, "robin")
    pk = Page.objects.get(path=LIGHT).pk
    propose(page, pk)
    page.get_by_label("Body").fill("## Light\n\nIt hurts [@nobody-1900].")
    page.get_by_role("button", name="Keep these words").click()
    page.get_by_role("heading", name="What keeps these words from the public").wait_for()
    found = {"faulty": violations(page)}
    revision = page.url.rpartition("=")[2]
    propose(page, pk)
    make_page.proposed(Page.objects.get(pk=pk), change_note="Meanwhile")
    page.get_by_role("button", name="Keep these words").click()
    page.get_by_role("heading", name="Other words came in while you were writing").wait_for()
    found["overtaken"] = violations(page)
    paths = [
        f"/staff/pages/page/{pk}/withdraw/",
        *(f"/staff/pages/revision/{revision}/{act}/" for act in ["change", "approve", "again"]),
        f"/preview/{revision}/",
        "/staff/pages/page/?due=60",
    ]

    for path in paths:
        page.goto(path)
        found[path] = violations(page)

    assert found == {key: [] for key in ["faulty", "overtaken", *paths]}


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_an_editor_proposes_and_a_reviewer_approves(visit, javascript):
    editor = visit("/staff/", javascript=javascript)
    sign_in(editor, "robin")
    propose(editor, Page.objects.get(path=LIGHT).pk)
    editor.get_by_role("button", name="Keep these words").click()
    editor.get_by_role("link", name="Preview").click()
    editor.get_by_role("button", name="Low light").click()
    assert editor.get_by_role("heading", level=1).inner_text().endswith("Light, by day")
    assert editor.locator("html").get_attribute("data-theme") == "dim"
    editor.get_by_role("link", name="Back to these words in the admin").click()

    reviewer = visit("/staff/", javascript=javascript)
    sign_in(reviewer, "kim")
    reviewer.goto(editor.url)
    assert "Light, by day" in reviewer.locator("ins").first.inner_text()
    reviewer.get_by_role("link", name="Approve").click()
    reviewer.get_by_role("button", name="Approve").click()

    reviewer.goto(f"/{LIGHT}/")
    assert reviewer.get_by_role("heading", level=1).inner_text().endswith("Light, by day")
    assert "No clinician" not in reviewer.get_by_role("main").inner_text()


def test_leaving_words_that_were_not_kept_is_asked_about(visit):
    page = visit("/")
    sign_in(page, "robin")
    propose(page, Page.objects.get(path=LIGHT).pk)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.get_by_role("button", name="Low light").click(no_wait_after=True)
    page.get_by_label("Title").click()
    typed = page.get_by_label("Title").input_value()
    page.get_by_role("button", name="Keep these words").click()

    assert (asked, typed) == (["beforeunload"], "Light, by day")


@pytest.mark.parametrize("display", ["light", "dim"])
def test_words_survive_signing_in_anew_on_another_tab(visit, violations, display):
    page = visit("/", display=display, scheme="dark", width=320)
    sign_in(page, "robin")
    propose(page, Page.objects.get(path=LIGHT).pk)
    tab = page.context.new_page()
    tab.goto("/staff/")
    tab.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Keep these words").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    found = [violations(page)]
    tab.goto("/staff/")
    tab.get_by_label("Username").fill("robin")
    tab.get_by_label("Password").fill("a long password")
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="Sign out").wait_for()

    page.get_by_role("button", name="Send it again").click()
    page.get_by_role("heading", name="This form is too old").wait_for()
    found.append(violations(page))
    page.get_by_role("button", name="Send it again").click()

    page.get_by_text("Your words are kept.").wait_for()
    assert Page.objects.get(path=LIGHT).revisions.first().title == "Light, by day"
    assert found == [[], []]

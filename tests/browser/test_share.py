"""Sharing goes from the reader's own device."""

from tests.browser.test_first_walk import EVIDENCE


def test_a_link_is_copied_and_the_page_says_so(visit):
    page = visit(EVIDENCE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy link").click()

    told = page.get_by_role("complementary", name="Share this page").get_by_role("status")
    told.get_by_text("Link copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator('link[rel="canonical"]').get_attribute("href")


def test_a_link_is_handed_to_the_device_where_it_can_share(visit):
    page = visit("/")
    page.add_init_script("navigator.share = (what) => { window.shared = what; return Promise.reject(); }")
    page.goto(EVIDENCE)

    page.get_by_role("button", name="More ways to share").click()

    assert page.evaluate("window.shared") == {
        "url": page.locator('link[rel="canonical"]').get_attribute("href"),
        "title": "Does ketamine work for migraine?",
    }


def test_a_device_that_cannot_share_is_not_offered_it(visit):
    page = visit("/")
    page.add_init_script("delete Navigator.prototype.share")
    page.goto(EVIDENCE)

    page.get_by_role("button", name="Copy link").wait_for()
    assert page.get_by_role("button", name="More ways to share").count() == 0


def test_without_javascript_mail_and_text_message_are_left(visit):
    share = visit(EVIDENCE, javascript=False).get_by_role("complementary", name="Share this page")

    assert share.get_by_role("listitem").all_inner_texts() == ["Email", "Text message"]

"""All public pages in a real browser: fit for everybody, in every display, on a phone and on a wall.

One load for each page and width. In it axe runs with all its rules as a light device shows the page, and
then in the dark and the low light display with its rule on contrast, the only one whose answer hangs on
colors: links are underlined in all. Light and dark are the very colors that a device asks for by itself. A
display is nothing but `data-theme` on the root element, where the server writes it from the cookie, so
setting it is choosing it; the form that sets the cookie has a test of its own.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.test import Client
from playwright.sync_api import sync_playwright

from pages.models import Page
from tests.browser.conftest import launched

# Forms set a cookie for their protection, and may.
SHEET = {"width": 700, "height": 900}  # of letter size, less its margins
FORMS = [
    "/request-an-appointment/who/",
    "/feedback/ketamine-for-migraine/does-it-work/",
    "/tools/attack-card/",
]
# What is in no sitemap. Feedback is one form, with the title of its page above it: one of them is here.
OTHERS = [
    *("/search/", "/search/?q=ketamine", "/search/?q=zzzzzz", "/nowhere/"),
    *("/feedback-received/migraine/", *FORMS[:2]),
]
# Its preloading adds a style element, which our policy refuses and the console reports.
AXE = """async rules => {
    const options = {preload: false, resultTypes: ['violations'], ...(rules && {runOnly: rules})};
    const found = await axe.run(document, options);
    return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)}`));
}"""
SET_DISPLAY = "display => { document.documentElement.dataset.theme = display }"
COLORS = """() => [...document.querySelectorAll('*')].map(element => {
    const {color, backgroundColor, backgroundImage, fill, borderTopColor} = getComputedStyle(element);
    return [color, backgroundColor, backgroundImage, fill, borderTopColor].join();
}).join('|')"""
# The words as they were served, and what the script made of them. It may show what was hidden.
SAME_WITHOUT_SCRIPT = r"""served => {
    const plain = new DOMParser().parseFromString(served, 'text/html');
    const words = page => page.body.textContent.replace(/\s+/g, ' ');
    const hidden = page => page.querySelectorAll('[hidden]').length;
    return words(plain) === words(document) && hidden(plain) >= hidden(document);
}"""
# No table is cut off, unless it says so: on a phone a wide one is shown as cards.
SHAPE = """() => ({
    h1: document.querySelectorAll('h1').length,
    titles: document.head.querySelectorAll('title').length,
    cut: [...document.querySelectorAll('.table-wrap')].filter(e => e.scrollWidth > e.clientWidth
        && !e.previousElementSibling?.matches('.table-hint')).length,
    beyond: document.documentElement.scrollWidth - innerWidth,
})"""
# On paper: nothing that can only be clicked (a hub's list of pages can be read), every address in full,
# nothing folded or cut off.
WRONG_ON_PAPER = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const seen = element => element.getBoundingClientRect().height > 0;
    const cut = element => element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1
        && getComputedStyle(element).overflowX !== 'visible';
    return [
        ...all('nav:not([aria-labelledby=guide]), form, .footer-links, .share').filter(seen),
        ...all('.sources a').filter(link => !getComputedStyle(link, '::after').content.includes('http')),
        ...all('main details > *').filter(words => !seen(words)),
        ...all('main div, main pre, main figure').filter(cut),
    ].map(element => 'on paper: ' + element.outerHTML.slice(0, 120));
}"""


@pytest.fixture
def addresses(clinic):
    """The sitemap, and what it leaves out."""
    sitemap = re.findall(r"<loc>https?://[^/]+(.*?)</loc>", Client().get("/sitemap.xml").text)
    hubs = Page.objects.public().filter(kind=Page.Kind.HUB)
    return [*sitemap, *(f"{hub.get_absolute_url()}all/" for hub in hubs), *OTHERS]


def all_faults(site, width, addresses):
    """Sentences on what is wrong with which page of the site at this width."""
    seen = []

    def note(message):
        # Of a page that is not there the browser itself complains.
        if message.type in ("error", "warning") and not message.location["url"].endswith("/nowhere/"):
            seen.append(message.text)

    def note_stranger(request):
        if not request.url.startswith(site):
            seen.append(f"asks {request.url}")

    with sync_playwright() as playwright, launched(playwright) as browser:
        size = {"width": width, "height": 900}
        context = browser.new_context(base_url=site, viewport=size, color_scheme="light")
        context.add_init_script(AXE_SCRIPT)
        page = context.new_page()
        page.on("request", note_stranger)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("console", note)
        found = []
        for address in addresses:
            seen.clear()
            wrong = [*faults(page, address), *seen]
            if width > 1000:
                wrong += faults_on_paper(page, size)
            found += [f"{address} at {width} px: {fault}" for fault in wrong]
        return found


def faults(page, address):
    served = page.goto(address).text()
    shape = page.evaluate(SHAPE)
    if shape != {"h1": 1, "titles": 1, "cut": 0, "beyond": 0}:
        yield str(shape)
    if not page.evaluate(SAME_WITHOUT_SCRIPT, served):
        yield "not the same without JavaScript"
    if address not in FORMS and page.context.cookies():
        yield f"sets {page.context.cookies()}"
    page.context.clear_cookies()
    yield from page.evaluate(AXE, None)
    for scheme in ["dark", "light"]:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SET_DISPLAY, "auto")
        colors = page.evaluate(COLORS)
        page.evaluate(SET_DISPLAY, scheme)
        if page.evaluate(COLORS) != colors:
            yield f"{scheme} is not what a {scheme} device shows by itself"
    for display in ["dark", "dim"]:
        page.evaluate(SET_DISPLAY, display)
        yield from (f"{display}: {fault}" for fault in page.evaluate(AXE, ["color-contrast"]))


def faults_on_paper(page, size):
    page.emulate_media(media="print")
    page.set_viewport_size(SHEET)
    yield from page.evaluate(WRONG_ON_PAPER)
    page.emulate_media(media="screen")
    page.set_viewport_size(size)


@pytest.mark.timeout(900)
def test_every_page_is_fit_for_everybody(chromium, live_server, addresses, capsys):
    """Two browsers at a time, one for each width; `chromium` skips where there is none."""
    began = time.monotonic()
    with ThreadPoolExecutor() as threads:
        narrow = threads.submit(all_faults, live_server.url, 320, addresses)
        wide = threads.submit(all_faults, live_server.url, 1280, addresses)

    with capsys.disabled():
        print(f"\n{len(addresses)} pages at 2 widths in {time.monotonic() - began:.0f} s")  # noqa: T201
    found = narrow.result() + wide.result()
    assert not found, "\n".join(found)


def test_the_checklist_for_a_clinic_is_printed_on_one_sheet(visit):
    page = visit("/ketamine-for-migraine/when-a-ketamine-clinic-is-a-bad-idea/", width=SHEET["width"])
    page.emulate_media(media="print")
    table = page.locator(".table-wrap")

    assert table.evaluate("element => getComputedStyle(element).breakInside") == "avoid"
    assert table.bounding_box()["height"] < SHEET["height"]

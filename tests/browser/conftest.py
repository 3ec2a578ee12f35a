"""A real Chromium. Where there is none, these tests are skipped; with CI=true that is a failure."""

import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from playwright.sync_api import Error, sync_playwright

DISPLAYS = ["auto", "light", "dark", "dim"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


def find_browser():
    """CHROMIUM, then what is installed, then Playwright's own (None)."""
    names = [os.environ.get("CHROMIUM"), "chromium", "google-chrome", "chromium-browser"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


def launched(playwright):
    return playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        try:
            browser = launched(playwright)
        except Error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip("There is no Chromium here: install one, or set CHROMIUM to its path.")
        yield browser
        browser.close()


@pytest.fixture
def clinic(real_commits):
    """The demo clinic and the starter pages, as runclinic brings them in."""
    call_command("load_clinic", verbosity=0)
    call_command("load_pages", verbosity=0)


@pytest.fixture
def visit(chromium, live_server, clinic):
    """Open pages of the running site: `visit(path, display=, width=, javascript=)` gives the page.

    What the site must never do (a request to another host, a script error, a breach of the content
    policy) fails the test at its end.
    """
    contexts, wrongs = [], []

    def open_page(path="/", *, display="auto", width=1280, javascript=True, scheme="light"):
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            color_scheme=scheme,
        )
        context.add_cookies([{"name": "theme", "value": display, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: note_foreign(request.url))
        page.on("console", lambda message: note_policy(message.text))
        page.on("pageerror", lambda error: wrongs.append(str(error)))
        page.goto(path)
        return page

    def note_foreign(url):
        if not url.startswith(live_server.url):
            wrongs.append(f"a request left the site: {url}")

    def note_policy(text):
        if "Content Security Policy" in text or "Error with" in text:
            wrongs.append(text)

    yield open_page
    for context in contexts:
        context.close()
    assert wrongs == []


@pytest.fixture
def violations():
    """What axe-core finds wrong with a page: rule and element, in a list that should be empty."""
    axe = Axe()

    def find(page):
        # Its preloading adds a style element, which our policy refuses and the console reports.
        found = axe.run(page, options={"preload": False}).response["violations"]
        return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]

    return find

"""The style guide shows what exists, and what it shows holds together."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from clinic_site import views

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.ids, self.pointed_at, self.classes, self.levels = [], set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.classes |= set((attrs.get("class") or "").split())
        self.levels += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.pointed_at |= set((attrs.get(name) or "").split())
        if attrs.get("href", "").startswith("#"):
            self.pointed_at.add(attrs["href"][1:])


@pytest.fixture
def seen(client):
    """What somebody of the staff sees at an address."""
    client.force_login(get_user_model().objects.create_user("robin", is_staff=True))

    def look(address):
        response = client.get(address)
        assert response.status_code == 200
        return response.content.decode()

    return look


@pytest.mark.parametrize("address", ["/styleguide/", "/styleguide/?errors"])
def test_every_label_hint_error_and_link_on_the_page_leads_to_something(seen, address):
    page = Page(seen(address))

    assert sorted(page.ids) == sorted(set(page.ids))
    assert page.pointed_at - set(page.ids) == set()


@pytest.mark.parametrize("address", ["/styleguide/", "/styleguide/?errors"])
def test_there_is_nothing_inline_that_the_security_policy_would_refuse(seen, address):
    assert re.findall(r"<style|style=|<script(?! src)|\son\w+=|data:", seen(address)) == []


def test_every_class_of_the_stylesheet_is_shown(seen):
    css = (Path(settings.BASE_DIR) / "static/css/site.css").read_text()
    layout = {"sheet", "wide", "figure--wide", "measure", "question--single"}  # not things to see
    named = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/|url\(.*?\)", "", css, flags=re.DOTALL)))

    assert named - layout - Page(seen("/styleguide/") + seen("/styleguide/?errors")).classes == set()


def test_the_levels_of_headings_are_not_skipped(seen):
    levels = Page(seen("/styleguide/")).levels

    assert levels.count(1) == 1
    assert [two for one, two in pairwise(levels) if two > one + 1] == []


def test_with_errors_the_summary_comes_before_the_title(seen):
    html = seen("/styleguide/?errors")

    assert html.index('id="error-summary"') < html.index("<h1")
    assert html.count("<title>Error: Style guide") == 1


def test_a_visitor_does_not_find_the_style_guide(client):
    assert client.get("/styleguide/").status_code == 404


def test_a_page_that_is_not_there_still_offers_help(rf):
    response = views.not_found(rf.get("/nothing-like-this/"), None)
    html = response.content.decode()

    assert response.status_code == 404
    assert html.count("We can't find this page") == 1
    assert html.count('href="tel:988"') == 1


def test_the_page_for_our_own_failure_needs_no_database(rf, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = views.server_error(rf.get("/"))

    assert response.status_code == 500
    assert response.content.decode().count(settings.CLINIC["phone"]) == 2


def test_an_old_form_is_told_how_to_go_on(rf):
    response = views.form_expired(rf.post("/"))

    assert response.status_code == 403
    assert response.content.decode().count("Most browsers keep what you typed") == 1


@pytest.mark.parametrize("chosen", ["auto", "light", "dark", "dim"])
def test_the_display_is_set_by_the_server_and_its_button_is_pressed(client, chosen):
    client.cookies["theme"] = chosen
    for address in ("/request-an-appointment/", "/staff/login/"):
        html = client.get(address).content.decode()

        assert re.findall(r'data-theme="(\w+)"', html) == [chosen]
        assert re.findall(r'value="(\w+)"\s+aria-pressed="true"', html) == [chosen]


def test_the_staff_pages_carry_no_script_that_chooses_a_display(client):
    assert client.get("/staff/login/").content.decode().count("theme.js") == 0

import re
import xml.etree.ElementTree as ET

import pytest

from tests.pages import make

pytestmark = pytest.mark.django_db
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def listed(client):
    """Addresses of the sitemap and the days beside them."""
    response = client.get("/sitemap.xml", headers={"host": "localhost"})
    assert response.headers["Cache-Control"] == "public, max-age=60"
    return {
        url.findtext(f"{SITEMAP}loc"): url.findtext(f"{SITEMAP}lastmod")
        for url in ET.fromstring(response.content)  # noqa: S314, our own words
    }


def test_the_sitemap_lists_what_is_public_with_the_day_it_changed(client, settings):
    settings.SITE_URL = "https://clinic.example"
    make.starter()
    make.proposed(make.page("hidden"))

    assert listed(client) == {
        "https://clinic.example/light/": "2027-03-08",
        "https://clinic.example/request-an-appointment/": None,
        "https://clinic.example/locations/": None,
        "https://clinic.example/site-map/": None,
        "https://clinic.example/tools/headache-diary/": None,
        "https://clinic.example/tools/attack-card/": None,
    }


def test_an_approval_later_than_the_words_is_the_day_it_changed(client, settings):
    settings.SITE_URL = "https://clinic.example"
    make.approved(now=make.NOW.replace(day=20))

    assert listed(client)["https://clinic.example/light/"] == "2027-03-20"


def test_robots_leave_staff_steps_and_searches_alone(client, settings):
    settings.SITE_URL = "https://clinic.example"

    response = client.get("/robots.txt")

    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.content.decode().splitlines() == [
        "User-agent: *",
        "Disallow: /staff/",
        "Disallow: /request-an-appointment/who/",
        "Disallow: /request-an-appointment/*/",
        "Disallow: /search/",
        "",
        "Sitemap: https://clinic.example/sitemap.xml",
    ]


def test_the_site_map_shows_the_tree_of_public_pages(client):
    hub = make.page("migraine", kind="hub")
    make.starter(hub, title="Migraine")
    make.starter(make.page("migraine/b", parent=hub, position=1), title="B")
    make.starter(make.page("migraine/a", parent=hub, position=2), title="A")
    make.page("migraine/hidden", parent=hub)
    make.starter(make.page("orphan", parent=make.page("unseen")), title="Orphan")

    response = client.get("/site-map/")
    shown = "".join(re.search(r"<h1>.*?<h2>", response.content.decode(), re.DOTALL)[0].split())

    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Vary"] == "Cookie"
    assert shown == (
        '<h1>Sitemap</h1><ul><li><ahref="/migraine/">Migraine</a>'
        '<ul><li><ahref="/migraine/b/">B</a></li><li><ahref="/migraine/a/">A</a></li></ul></li>'
        '<li><ahref="/orphan/">Orphan</a></li></ul><h2>'
    )

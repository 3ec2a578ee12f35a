import re

import pytest

from pages import publishing
from pages.models import Page
from tests.pages import make

pytestmark = pytest.mark.django_db
TABLE = "::: table People in 2 trials\n| Who | How many |\n|---|---|\n| All | 3 |\n:::"


@pytest.fixture
def guide():
    """A hub with two pages that share a heading and a table, and cite two sources in another order."""
    make.source("brown-2018", authors="Brown B")
    hub = make.page("guide", kind="hub")
    make.starter(hub, title="The guide", body="Read [@brown-2018].")
    for name, keys in {"a": "[@schwenk-2018] [@brown-2018]", "b": "[@brown-2018] [@schwenk-2018]"}.items():
        body = (
            f'## Light\n\nHurts {keys}. See [here](#light), [home](/guide/). It says id="light".\n\n{TABLE}'
        )
        make.starter(make.page(f"guide/{name}", parent=hub), title=name.upper(), body=body)
    return hub


def main(client, path="/guide/all/"):
    return " ".join(re.search("<main.*</main>", client.get(path).content.decode(), re.DOTALL)[0].split())


def test_the_whole_guide_stands_on_one_page(client, guide):
    response = client.get("/guide/all/")

    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Vary"] == "Cookie"
    assert re.findall("<(h[1-6]).*?>(.*?)</h", main(client))[1:] == [
        ("h2", "Pages in this guide"),
        ("h2", "The guide"),
        ("h3", "The short version"),
        ("h2", "A"),
        ("h3", "The short version"),
        ("h3", "Light"),
        ("h2", "B"),
        ("h3", "The short version"),
        ("h3", "Light"),
        ("h2", "Sources"),
    ]


def test_sources_are_numbered_through_the_guide(client, guide):
    shown = main(client)

    assert re.findall(r'href="#source-(\d)" aria-label="Source (\d): (\w+) 2018">(\d)<', shown) == [
        ("1", "1", "Brown", "1"),
        ("2", "2", "Schwenk", "2"),
        ("1", "1", "Brown", "1"),
        ("1", "1", "Brown", "1"),
        ("2", "2", "Schwenk", "2"),
    ]
    assert re.findall(r'<li id="source-(\d)">\s*(\w+)', shown) == [("1", "Brown"), ("2", "Schwenk")]


def test_names_within_a_part_are_its_own_and_its_words_stay(client, guide):
    shown = main(client)

    assert re.findall(r'<h3 id="(.*?)">', shown) == ["part-2-light", "part-3-light"]
    assert re.findall('<a href="([^"]*)">here', shown) == ["#part-2-light", "#part-3-light"]
    assert shown.count('<a href="/guide/">home') == 2
    assert shown.count('It says id="light".') == 2


def test_a_guide_nobody_reviewed_says_so_once(client, guide):
    assert main(client).count("No clinician of this clinic has reviewed") == 1


def test_a_guide_reviewed_in_part_says_which_pages_are_not(client, guide):
    make.approved(make.proposed(Page.objects.get(path="guide/b")))

    assert main(client).count("No clinician of this clinic has reviewed this page yet.") == 2


def test_only_a_public_hub_has_a_whole_guide(client, guide):
    make.starter()
    make.page("hidden", kind="hub")

    paths = ["/light/all/", "/hidden/all/", "/nowhere/all/"]
    assert [client.get(path).status_code for path in paths] == [404, 404, 404]
    assert [publishing.leads_somewhere(path) for path in ["/guide/all/", "/hidden/all/"]] == [True, False]


def test_a_hub_leads_to_its_whole_guide(client, guide):
    assert '<a href="/guide/all/">' in main(client, "/guide/")

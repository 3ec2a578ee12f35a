import re
from collections import Counter
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import allowed, markdown

SOURCES = {
    "etchison-2018": SimpleNamespace(short_name="Etchison 2018"),
    "zitek-2018": SimpleNamespace(short_name='Zitek "2018"'),
}
PICTURES = {"bay": '<svg viewBox="0 0 1 1"></svg>'}


def render(text, **options):
    return markdown.render(text, SOURCES, picture=PICTURES.get, **options)


def problems(text, **options):
    return [str(problem) for problem in render(text, **options).problems]


def test_plain_markdown():
    rendered = render("A **bold** word.\n\n- one\n- two")

    assert rendered.html == "<p>A <strong>bold</strong> word.</p>\n<ul><li>one</li><li>two</li></ul>"
    assert rendered.problems == []
    assert rendered.prose == ["A bold word.", "one", "two"]


def test_signs_are_shown_and_never_become_tags():
    assert render('5 &lt; 6 & &lt;b&gt; &lt;slot name="0"&gt;').html == (
        '<p>5 &lt; 6 &amp; &lt;b&gt; &lt;slot name="0"&gt;</p>'
    )


def test_citations_are_numbered_in_reading_order():
    rendered = render("B [@zitek-2018]. A [@etchison-2018]. B [@zitek-2018].")

    assert rendered.citations == ["zitek-2018", "etchison-2018"]
    assert re.findall(r">(\d)</a></sup>", rendered.html) == ["1", "2", "1"]


def test_a_citation_says_what_it_leads_to():
    assert render("So it is [@etchison-2018].").html == (
        '<p>So it is<sup class="cite">'
        '<a href="#source-1" aria-label="Source 1: Etchison 2018">1</a></sup>.</p>'
    )


def test_headings_have_ids_and_make_the_contents():
    rendered = render("## Side effects\n\n### Rare ones\n\n## Side effects\n\n## Sources\n\n## Source 1")

    assert rendered.headings == [
        ("side-effects", "Side effects"),
        ("side-effects-2", "Side effects"),
        ("sources-2", "Sources"),
        ("part-source-1", "Source 1"),
    ]
    assert '<h3 id="rare-ones">Rare ones</h3>' in rendered.html


@pytest.mark.parametrize(
    ("name", "opening", "prefix"),
    [
        ("emergency", '<div class="care-card care-card--emergency">', "Emergency: "),
        ("call", '<div class="care-card care-card--call">', "Call us: "),
        ("callout", '<div class="callout">', "Important: "),
    ],
)
def test_cards_say_aloud_what_they_are(name, opening, prefix):
    rendered = render(f"::: {name} You faint\nCall [911](tel:911).\n:::")

    assert rendered.html == (
        f'{opening}<h2 id="you-faint"><span class="vh">{prefix}</span>You faint</h2>\n'
        '<p>Call <a href="tel:911">911</a>.</p>\n</div>'
    )
    assert rendered.problems == []


def test_the_heading_of_a_box_fits_the_headings_around_it():
    html = render("## Part\n\n::: do At home\n- rest\n:::\n\n### Small\n\n::: callout Note\nHm.\n:::").html

    assert re.findall(r"<(h\d)", html) == ["h2", "h3", "h3", "h3"]


def test_do_and_dont_lists():
    assert render("::: dont On the way home\n- do not drive\n:::").html == (
        '<div class="dont-list"><h2 id="on-the-way-home">On the way home</h2>\n'
        "<ul><li>do not drive</li></ul></div>"
    )


def test_a_table_has_a_caption_a_region_and_row_headers():
    assert render("::: table People\n| Trial | People |\n|---|--:|\n| A | 34 |\n:::").html == (
        '<div class="table-wrap" role="region" tabindex="0" aria-labelledby="table-people">'
        '<table><caption id="table-people">People</caption>'
        '<thead><tr><th scope="col">Trial</th><th scope="col">People</th></tr></thead>'
        '<tbody><tr><th scope="row">A</th><td>34</td></tr></tbody></table></div>'
    )


def test_a_table_wider_than_a_phone_names_its_columns_in_every_cell_and_stays_a_table():
    narrow, wide = (f"::: table A\n{'|a & b' * n}|\n{'|--' * n}|\n{'|b' * n}|\n:::" for n in (2, 4))

    assert "table-wrap--cards" not in render(narrow).html
    assert '<td data-head="a &amp; b" role="cell">b</td>' in render(wide).html
    assert Counter(re.findall(r'role="(\w+)"', render(wide).html)) == {
        **{"region": 1, "table": 1, "rowgroup": 2, "row": 2, "columnheader": 4, "rowheader": 1, "cell": 3}
    }


def test_a_picture_has_words_for_those_who_cannot_see_it():
    assert render('::: figure bay A still bay\nA "house" at night.\n:::').html == (
        '<figure class="figure"><div role="img" aria-label="A &quot;house&quot; at night.">'
        '<svg viewBox="0 0 1 1"></svg></div><figcaption>A still bay</figcaption></figure>'
    )


PLOT = "::: plot One and Two from 0 to 100: Relief\n| Trial | One | Two |\n|---|---|---|\n{}\n:::"


def test_a_plot_and_its_table_are_one_fact():
    html = render(PLOT.format("| Etchison 2018 [@etchison-2018] | 10 | 20 |")).html

    assert "<desc" in html
    assert "Etchison 2018: One 10, Two 20." in html
    assert html.index("<svg") < html.index("<table")
    assert re.search(">10</td><td[^>]*>20</td>", html)


def test_people_are_counted_in_a_picture_and_told_in_words():
    rendered = render("::: people 4 of 10 About 4 in 10 people\nThey were 61 [@etchison-2018].\n:::")
    html = rendered.html

    assert html.startswith('<figure class="figure"><figcaption>About 4 in 10 people</figcaption><svg')
    assert html.endswith('aria-label="Source 1: Etchison 2018">1</a></sup>.</p>')
    assert '<title id="people-title">About 4 in 10 people</title>' in html
    assert (rendered.citations, rendered.problems) == (["etchison-2018"], [])


def test_a_timeline_stays_a_list():
    assert render("::: timeline The day\n1. Come.\n2. Go.\n:::").html == (
        '<figure class="figure timeline"><figcaption>The day</figcaption>'
        "<ol><li>Come.</li><li>Go.</li></ol></figure>"
    )


def test_links_to_others_are_kept_apart_from_us():
    html = render("[FDA](https://www.fda.gov/) [us](/about/)").html

    assert html == ('<p><a href="https://www.fda.gov/" rel="noopener">FDA</a> <a href="/about/">us</a></p>')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Fine.\n\nNo [@nobody-1900].", "Line 3: There is no source [@nobody-1900]."),
        (
            "One\ntwo\nthree [@nobody-1900].",
            "Line 3: There is no source [@nobody-1900].",
        ),
        ("# Title", "Line 1: The title is the only heading of level 1; begin with ##."),
        ("### Deep", "Line 1: The heading skips a level: ### cannot follow #."),
        ("## A\n\n#### B", "Line 3: The heading skips a level: #### cannot follow ##."),
        ("##", "Line 1: The heading is empty."),
        ("a\n\n::: wat\nb\n:::", "Line 3: There is no ::: wat."),
        ("::: callout Hm\nb", "Line 1: ::: callout is never closed."),
        ("a\n\n:::", "Line 3: This ::: closes nothing and opens nothing."),
        ("::: callout\nb\n:::", "Line 1: ::: callout needs a heading: ::: callout Heading"),
        ("::: do A\nb\n:::", "Line 1: ::: do holds a list."),
        ("::: dont A\n- drive\n:::", 'Line 2: Every item of ::: dont starts with "do not".'),
        ("::: figure moon A\nb\n:::", 'Line 1: There is no picture "moon".'),
        (
            "::: figure bay A\n:::",
            "Line 1: The picture needs words for those who cannot see it, between the ::: lines.",
        ),
        ("::: figure bay\nb\n:::", "Line 1: The picture needs a caption: ::: figure bay Caption"),
        ("![x](y.png)", "Line 1: A picture stands between ::: figure name Caption and :::."),
        ("a *b*", "Line 1: There are no italics here; write **bold**, or plain words."),
        ("a <b>c</b>", "Line 1: HTML is not allowed; write Markdown instead of <b>."),
        ("<script>x", "Line 1: HTML is not allowed; write Markdown instead of <script>x."),
        ("[a](javascript:b)", "Line 1: The address javascript:b is not allowed here."),
        ("[a](data:b)", "Line 1: The address data:b is not allowed here."),
        ("[a](b)", "Line 1: The address b starts with / for a page of ours, or https:// for others."),
        (
            "[a](//b.c/)",
            "Line 1: The address //b.c/ starts with / for a page of ours, or https:// for others.",
        ),
        ("| a |\n|---|\n| b |", "Line 1: A table stands between ::: table Caption and :::."),
        ("::: table A\nb\n:::", "Line 1: ::: table holds one table and nothing else."),
        (
            "::: table\n| a |\n|---|\n| b |\n:::",
            "Line 1: The table needs a caption: ::: table Caption",
        ),
        (
            "::: emergency A\n[x](/y/)\n:::",
            "Line 2: An emergency card has no links but phone numbers.",
        ),
        (
            PLOT.format("| A | many | 2 |"),
            'Line 4: The second and third cell are numbers, not "many" and "2".',
        ),
        (PLOT.format("| A | 101 | 2 |"), "Line 4: The axis goes from 0 to 100; 101 or 2 is outside."),
        (
            PLOT.format(f"| {'A' * 35} | 1 | 2 |"),
            "Line 4: The first cell has 1 to 34 letters, to fit a phone.",
        ),
        (
            "::: plot Relief\n| A | B | C |\n|---|---|---|\n| a | 1 | 2 |\n:::",
            "Line 1: Write ::: plot One and Other from 0 to 100: Caption",
        ),
        ("::: people four of ten\nb\n:::", "Line 1: Write ::: people 4 of 10 Caption"),
        ("a\n\n::: people 4 of 10\nb\n:::", "Line 3: Write ::: people 4 of 10 Caption"),
        ("::: people 4 of 21 A\nb\n:::", "Line 1: The picture has 2 to 20 people, not 21."),
        ("::: people 11 of 10 A\nb\n:::", "Line 1: 11 of 10 people cannot be."),
        ("::: people 4 of 10 A\n:::", "Line 1: Say between the ::: lines who was counted."),
        ("::: timeline\n1. a\n:::", "Line 1: The timeline needs a caption: ::: timeline Caption"),
        ("::: timeline A\n- a\n:::", "Line 1: ::: timeline holds one numbered list and nothing else."),
        (
            "::: timeline A\n1. a\n\nb\n:::",
            "Line 1: ::: timeline holds one numbered list and nothing else.",
        ),
        ("::: timeline A\n:::", "Line 1: ::: timeline holds one numbered list and nothing else."),
    ],
    ids=lambda value: value[:30] if value.startswith("Line") else "",
)
def test_every_mistake_is_a_sentence_with_its_line(text, problem):
    assert problem in problems(text)


def test_a_page_without_mistakes_has_no_problems():
    assert problems(PLOT.format("| A | 1 | 2 |")) == []


def test_at_most_one_card_of_a_kind():
    card = "::: call If\n- a\n:::\n\n"

    assert problems(card * 2) == ["Line 5: A page has at most 1 of ::: call; readers skip the rest."]


def test_links_to_pages_that_are_not_there_are_problems():
    assert problems("[a](/here/) [b](/gone/#part)", leads_somewhere=lambda path: path == "/here/") == [
        "Line 1: Readers find nothing at /gone/."
    ]


class Seen(HTMLParser):
    """Every tag and attribute a browser would see."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.addresses = set(), set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value for name, value in attrs if name in ("href", "src")}


PIECES = [
    *("# ", "## ", "#### ", "::: plot A and B from 0 to 9: C\n", "::: table T\n", "::: dont D\n", ":::\n"),
    *("::: people 4 of 10 <b>\n", "::: timeline T\n"),
    *("::: figure bay C\n", "::: emergency <b>\n", "|a|b|c|\n", "|---|---|---|\n", "|x|1|2|\n", "\n", "\n\n"),
    *("[@etchison-2018]", "[@zitek-2018]", "[@", "]", "- ", "1. ", "> ", "    ", "```\n", "**", "*", "`"),
    *(
        "<script>alert(1)</script>",
        "<b onclick=x>",
        '<slot name="0"></slot>',
        "&lt;script&gt;",
        "&#60;img&#62;",
    ),
    *(
        "[x](javascript:alert(1))",
        '[x](/ "title\'>")',
        "![x](data:x)",
        '" onmouseover="x',
        "[x]: <java\tscript:1>",
    ),
    *("\0", "\r\n", "\t", "\u2028", "é", "&#xE000;", "style=x", "[x](http://[::1)", "[x]"),
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_whatever_is_written_the_html_is_harmless(text):
    rendered = render(text, leads_somewhere=lambda path: False)
    seen = Seen(rendered.html)

    # <svg> and what is in it we drew ourselves; everything else is on the list.
    assert seen.tags <= allowed.TAGS - {"slot"} | {
        "svg",
        "title",
        "desc",
        "circle",
        "rect",
        "line",
        "text",
        "path",
    }
    assert not {name for name in seen.attributes if name.startswith("on") or name in ("style", "src")}
    assert all(re.match(r"(https?|mailto|tel):|/(?!/)|#", address) for address in seen.addresses)
    assert all(1 <= problem.line <= text.count("\n") + text.count("\r") + 1 for problem in rendered.problems)

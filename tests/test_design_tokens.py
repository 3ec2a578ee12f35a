"""The promises of the stylesheets: contrast, weight, stillness. All of it is read from the files."""

import gzip
import re
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.template.loader import render_to_string

STATIC = Path(settings.BASE_DIR) / "static"
TOKENS = (STATIC / "css/tokens.css").read_text()
SITE = (STATIC / "css/site.css").read_text()
ADMIN = (STATIC / "css/admin.css").read_text() + (STATIC / "css/day.css").read_text()
BLOCK = re.compile(r'(:root(?:\[data-theme(?:="\w+")?\])?) \{(.*?)\}', re.DOTALL)
COLOUR = re.compile(r"--([\w-]+): (#[0-9a-f]{3,6});")


def declared(block):
    return dict(COLOUR.findall(block))


BLOCKS = [(selector, declared(body)) for selector, body in BLOCK.findall(TOKENS)]
LIGHT = BLOCKS[0][1]
AUTO_DARK, DARK, DIM = (
    next(colours for selector, colours in BLOCKS if f'"{word}"' in selector)
    for word in ("auto", "dark", "dim")
)
PAPER = BLOCKS[-1][1]

# experience.md 4.5: what is read, what it is read on, and the least contrast we allow.
FLOORS = [
    ("text", "bg", 7),
    ("text", "surface", 7),
    ("text", "warn-bg", 7),
    ("text", "danger-bg", 7),
    ("text", "success-bg", 7),
    ("text", "info-bg", 7),
    ("emerg-text", "emerg-bg", 7),
    ("muted", "bg", 4.5),
    ("muted", "surface", 4.5),
    ("link", "bg", 4.5),
    ("link", "surface", 4.5),
    ("link", "info-bg", 4.5),
    ("link", "warn-bg", 4.5),
    ("link", "danger-bg", 4.5),
    ("link", "success-bg", 4.5),
    ("visited", "bg", 4.5),
    ("visited", "surface", 4.5),
    ("hover", "bg", 4.5),
    ("btn-text", "btn", 4.5),
    ("btn-text", "hover", 4.5),
    ("danger", "bg", 4.5),
    ("danger", "surface", 4.5),
    ("danger", "danger-bg", 4.5),
    ("bg", "danger", 4.5),
    ("success", "success-bg", 4.5),
    ("warn", "warn-bg", 4.5),
    ("info", "info-bg", 4.5),
    ("text", "sky", 7),
    ("link", "sky", 4.5),
    ("btn", "bg", 3),
    ("control", "bg", 3),
    ("control", "surface", 3),
    ("focus", "bg", 3),
    ("focus", "surface", 3),
    ("danger", "bg", 3),
]


def luminance(colour):
    """Relative luminance of WCAG 2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rules(css):
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def test_contrast_is_what_the_wcag_formula_says():
    assert (contrast("#ffffff", "#000000"), round(contrast("#767676", "#ffffff"), 2)) == (21, 4.54)


@pytest.mark.parametrize("colours", [LIGHT, DARK, DIM], ids=["light", "dark", "low light"])
@pytest.mark.parametrize(("front", "back", "floor"), FLOORS)
def test_what_is_read_stands_out_from_what_it_is_read_on(colours, front, back, floor):
    assert contrast(colours[front], colours[back]) >= floor


@pytest.mark.parametrize(
    ("colours", "most"), [(LIGHT, 14.1), (DARK, 12.2), (DIM, 8.9)], ids=["light", "dark", "low light"]
)
def test_text_never_glares(colours, most):
    assert contrast(colours["text"], colours["bg"]) <= most
    assert contrast(colours["text"], colours["surface"]) <= most


@pytest.mark.parametrize("colours", [LIGHT, DARK, DIM], ids=["light", "dark", "low light"])
def test_the_large_shapes_of_a_picture_stay_close_to_each_other(colours):
    far_to_near = [colours[name] for name in ("bg", "sky", "hill-far", "hill", "hill-near")]

    assert max(contrast(one, next_) for one, next_ in pairwise(far_to_near)) < 1.6


def test_the_darkness_of_the_device_is_the_darkness_one_can_choose():
    assert AUTO_DARK == DARK


def test_every_display_and_paper_set_every_colour():
    own_in_light = {"night", "ember"}  # the look of two displays on their buttons, the same everywhere

    assert set(LIGHT) - own_in_light == set(DARK) == set(DIM) == set(PAPER)


def test_no_screen_is_pure_black_or_pure_white():
    on_screen = {*LIGHT.values(), *DARK.values(), *DIM.values()}

    assert on_screen & {"#000", "#000000", "#fff", "#ffffff"} == set()


@pytest.mark.parametrize("display", ["auto", "light", "dark", "dim"])
def test_the_browser_bar_has_the_colour_of_the_page(display):
    expected = {
        "auto": [LIGHT["bg"], DARK["bg"]],
        "light": [LIGHT["bg"]],
        "dark": [DARK["bg"]],
        "dim": [DIM["bg"]],
    }
    html = render_to_string("components/display_meta.html", {"display": display})

    assert re.findall(r"#[0-9a-f]{6}", html) == expected[display]


@pytest.mark.parametrize("css", [SITE, ADMIN], ids=["site", "admin"])
def test_only_the_token_file_knows_a_colour(css):
    assert re.findall(r"#[0-9a-f]{3,8}\b(?![\w-]*\s*\{)|\b(?:rgb|hsl)a?\(", rules(css)) == []


@pytest.mark.parametrize("css", [TOKENS, SITE, ADMIN], ids=["tokens", "site", "admin"])
def test_every_token_that_is_used_exists(css):
    used = set(re.findall(r"var\(--([\w-]+)\)", css))
    known = set(re.findall(r"--([\w-]+):", TOKENS + ADMIN))

    assert used - known == set()


@pytest.mark.parametrize("css", [TOKENS, SITE, ADMIN], ids=["tokens", "site", "admin"])
def test_nothing_moves_sticks_or_hides_in_the_stylesheet(css):
    moving = r"transition(?!: none)|animation(?!: none)|sticky|scroll-behavior: smooth|url\(data:|@keyframes"

    assert re.findall(moving, rules(css)) == []


def test_the_style_of_a_public_page_weighs_less_than_10_kb():
    assert len(gzip.compress((TOKENS + SITE).encode(), 9)) <= 10_000


def test_the_script_of_a_public_page_weighs_less_than_1_kb():
    assert len(gzip.compress((STATIC / "js/site.js").read_bytes(), 9)) <= 1_000


def test_the_picture_for_sharing_weighs_less_than_40_kb():
    assert (STATIC / "img/share.png").stat().st_size <= 40_000


@pytest.mark.parametrize(
    "picture",
    sorted((Path(settings.BASE_DIR) / "templates/pictures").glob("*.svg")),
    ids=lambda path: path.stem,
)
def test_a_picture_takes_all_its_colours_from_the_display(picture):
    svg = picture.read_text()

    assert re.findall(r'style=|(?:fill|stroke|stop-color)="(?!url\(#)|<script|href=', svg) == []
    assert svg.count('aria-hidden="true"') == 1


def test_the_staff_pages_keep_every_block_of_djangos_own_base_page():
    theirs = Path(admin.__file__).parent / "templates/admin/base.html"
    ours = Path(settings.BASE_DIR) / "templates/admin/base.html"
    # What a right-to-left language and Django's own account links need; we have neither.
    left_out = {"stylesheet_rtl", "welcome-msg", "userlinks"}
    blocks = [set(re.findall(r"{% block ([\w-]+)", file.read_text())) for file in (theirs, ours)]

    assert blocks[0] - left_out == blocks[1]

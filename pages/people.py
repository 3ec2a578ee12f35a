"""So many of so many people, drawn as rows of quiet figures.

A filled figure is broad and stands on a line; an open one is narrow and has none. So the two are told
apart by shape as well, in every display and on paper. Ten to a row: the row fits a phone, and a
reader can count it.
"""

import re
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

HEADER = re.compile(r"(?P<some>\d{1,3}) of (?P<all>\d{1,3}) (?P<caption>\S.*)", re.ASCII)
MOST = 20
IN_A_ROW = 10
WIDTH, HEIGHT = 32, 54  # of the place of one figure
# From the upper left corner of that place: a head, shoulders, and for the filled ones a line to stand on.
FILLED = "m16 4a7 7 0 1 0 .01 0zm-12 30a12 13 0 0 1 24 0v8h-24zm0 11h24v3h-24z"
OPEN = "m16 8a5 5 0 1 0 .01 0zm-7 34v-7a7 9 0 0 1 14 0v7"


@dataclass(frozen=True)
class People:
    """What is drawn: `some` of `all` figures are filled."""

    some: int
    all: int
    caption: str


def read(header: str) -> tuple[People | None, str]:
    """The people that a header like "4 of 10 Caption" asks for.

    Returns None where there is nothing to draw, and a sentence about what is wrong, or "".
    """
    match = HEADER.fullmatch(header)
    if not match:
        return None, "Write ::: people 4 of 10 Caption"
    people = People(int(match["some"]), int(match["all"]), match["caption"])
    if not 2 <= people.all <= MOST:
        return None, f"The picture has 2 to {MOST} people, not {people.all}."
    if people.some > people.all:
        return None, f"{people.some} of {people.all} people cannot be."
    return people, ""


def draw(people: People, id: str) -> SafeString:
    """The people as an SVG element whose title and description have ids that begin with `id`."""
    return format_html(
        '<svg class="people" role="img" aria-labelledby="{id}-title {id}-desc" '
        'viewBox="0 0 {width} {height}">'
        '<title id="{id}-title">{caption}</title>'
        '<desc id="{id}-desc">{some} of {all} figures are filled.</desc>{some_figures}{other_figures}</svg>',
        id=id,
        width=WIDTH * IN_A_ROW,
        height=HEIGHT * (1 + (people.all - 1) // IN_A_ROW),
        caption=people.caption,
        some=people.some,
        all=people.all,
        some_figures=_figures("some", FILLED, range(people.some)),
        other_figures=_figures("other", OPEN, range(people.some, people.all)),
    )


def _figures(kind, shape, places):
    """All figures of a kind as one path: the same strokes again and again weigh almost nothing."""
    if not places:
        return ""
    corners = (divmod(place, IN_A_ROW) for place in places)
    strokes = "".join(f"M{column * WIDTH} {row * HEIGHT}{shape}" for row, column in corners)
    return format_html('<path class="people--{}" d="{}"/>', kind, strokes)

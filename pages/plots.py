"""A dumbbell plot drawn from a table: one row for each trial, two marks joined by a line.

Across, everything is measured in percent of the width, and down in rem. So the letters keep their
size on a phone and on a wall, and follow the reader's own text size. Filled circle and open square
are told apart without colour.
"""

import re
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEADER = re.compile(
    r"(?P<a>\S.*?) and (?P<b>\S.*?) from (?P<low>-?\d+(?:\.\d+)?) to (?P<high>-?\d+(?:\.\d+)?)"
    r": (?P<caption>\S.*)",
    re.ASCII,
)
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
LONGEST_NAME = 34  # letters of 1rem that fit beside each other on a screen of 320 px
LEFT, RIGHT = 13, 87  # percent: room for a number outside the outermost mark
ROW, LEGEND, AXIS = 4.25, 2.5, 3.0  # rem


@dataclass(frozen=True)
class Row:
    """One trial: its name and its two numbers, as the table writes them."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Plot:
    """What is drawn. `low` and `high` are the ends of the axis."""

    caption: str
    a: str
    b: str
    low: float
    high: float
    rows: tuple[Row, ...]

    @property
    def description(self) -> str:
        """The picture in words, for those who hear it."""
        return " ".join(f"{row.name}: {self.a} {row.a}, {self.b} {row.b}." for row in self.rows)


def read(
    header: str, table: list[tuple[int, list[str]]], line: int
) -> tuple[Plot | None, list[tuple[int, str]]]:
    """The plot that a header like "One and Other from 0 to 100: Caption" makes of a table's rows.

    `table` has the line and the cells of each row. Returns the plot, or None where there is nothing
    to draw, and what is wrong: lines and sentences.
    """
    match = HEADER.fullmatch(header)
    if not match:
        return None, [(line, "Write ::: plot One and Other from 0 to 100: Caption")]
    low, high = float(match["low"]), float(match["high"])
    faults = [
        (row_line, sentence) for row_line, cells in table if (sentence := _fault_of_row(cells, low, high))
    ]
    rows = tuple(Row(*cells[:3]) for _, cells in table if not _fault_of_row(cells, low, high))
    if not rows or low >= high:
        return None, [*faults, (line, "There is nothing to draw: a plot needs rows, and its axis a length.")]
    return Plot(match["caption"], match["a"], match["b"], low, high, rows), faults


def _fault_of_row(cells, low, high):
    if len(cells) < 3:
        return "A plot needs a name and two numbers in every row."
    name, a, b = cells[:3]
    if not 0 < len(name) <= LONGEST_NAME:
        return f"The first cell has 1 to {LONGEST_NAME} letters, to fit a phone."
    if not (NUMBER.fullmatch(a) and NUMBER.fullmatch(b)):
        return f'The second and third cell are numbers, not "{a}" and "{b}".'
    if not all(low <= float(number) <= high for number in (a, b)):
        return f"The axis goes from {low:g} to {high:g}; {a} or {b} is outside."
    return ""


def draw(plot: Plot, id: str) -> SafeString:
    """The plot as an SVG element whose title and description have ids that begin with `id`."""
    height = LEGEND + ROW * len(plot.rows) + AXIS
    return format_html(
        '<svg class="plot" role="img" aria-labelledby="{id}-title {id}-desc" width="100%" '
        'height="{height}rem" font-size="1rem">'
        '<title id="{id}-title">{caption}</title><desc id="{id}-desc">{desc}</desc>'
        "{legend}{grid}{rows}</svg>",
        id=id,
        height=_short(height),
        caption=plot.caption,
        desc=plot.description,
        legend=_legend(plot),
        grid=_grid(plot, height),
        rows=format_html_join("", "{}", ((_row(plot, n, row),) for n, row in enumerate(plot.rows))),
    )


def _legend(plot):
    return format_html(
        '{circle}<text class="plot-text" x="0" y="1.1rem" dx="22">{a}</text>'
        '{square}<text class="plot-text" x="50%" y="1.1rem" dx="22">{b}</text>',
        circle=_mark_a("0", 0.75, shift=8),
        square=_mark_b("50%", 0.75, shift=8),
        a=plot.a,
        b=plot.b,
    )


def _grid(plot, height):
    """Upright lines at round numbers, with the numbers below them."""
    bottom = height - AXIS + 0.5
    ticks = [plot.low + (plot.high - plot.low) * quarter / 4 for quarter in range(5)]
    lines = format_html_join(
        "",
        '<line class="plot-grid" x1="{0}" x2="{0}" y1="{1}rem" y2="{2}rem"/>'
        '<text class="plot-text" x="{0}" y="{3}rem" text-anchor="middle">{4}</text>',
        (
            (_across(plot, tick), _short(LEGEND), _short(bottom), _short(bottom + 1.5), _short(tick))
            for tick in ticks
        ),
    )
    axis = format_html(
        '<line class="plot-axis" x1="{}%" x2="{}%" y1="{y}rem" y2="{y}rem"/>', LEFT, RIGHT, y=_short(bottom)
    )
    return lines + axis


def _row(plot, number, row):
    """The name on a line of its own, and below it the two marks with their numbers outside."""
    top = LEGEND + ROW * number
    y = top + 2.9
    a, b = _across(plot, float(row.a)), _across(plot, float(row.b))
    (least, left), (most, right) = sorted(((float(row.a), row.a), (float(row.b), row.b)))
    return format_html(
        '<text class="plot-text" x="0" y="{name_y}rem" font-weight="650">{name}</text>'
        '<line class="plot-link" x1="{a}" x2="{b}" y1="{y}rem" y2="{y}rem"/>{square}{circle}'
        '<text class="plot-text" x="{left_x}" y="{text_y}rem" dx="-14" text-anchor="end">{left}</text>'
        '<text class="plot-text" x="{right_x}" y="{text_y}rem" dx="14">{right}</text>',
        name_y=_short(top + 1.4),
        name=row.name,
        a=a,
        b=b,
        y=_short(y),
        circle=_mark_a(a, y),
        square=_mark_b(b, y),
        left_x=_across(plot, least),
        right_x=_across(plot, most),
        text_y=_short(y + 0.35),
        left=left,
        right=right,
    )


def _mark_a(x, y, shift=0):
    return format_html(
        '<circle class="plot-mark--a" cx="{}" cy="{}rem" r="6" transform="translate({} 0)"/>',
        x,
        _short(y),
        shift,
    )


def _mark_b(x, y, shift=0):
    return format_html(
        '<rect class="plot-mark--b" x="{}" y="{}rem" width="12" height="12" transform="translate({} -6)"/>',
        x,
        _short(y),
        shift - 6,
    )


def _across(plot, value):
    share = (value - plot.low) / (plot.high - plot.low)
    return f"{_short(LEFT + share * (RIGHT - LEFT))}%"


def _short(number):
    return f"{number:.2f}".rstrip("0").rstrip(".")

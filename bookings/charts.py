"""A picture of numbers: upright columns beside each other, drawn as SVG that follows the display.

Across, everything is measured in percent of the width, and down in rem, so that letters keep their
size on a phone and on a wall. Full and empty columns are told apart without colour.
"""

from collections.abc import Sequence
from math import ceil

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

LEFT = 12  # percent: room for the numbers beside the axis
TOP, HEIGHT, LABEL = 2.75, 8, 1.25  # rem
LETTERS = 44  # that fit under the axis on a screen of 320 px
STEPS = [1, 2, 4, 5, 10, 20, 40, 50]
FULL, EMPTY = "plot-mark--a", "plot-mark--b"


def columns(
    id: str,
    caption: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    top: float | None = None,
) -> SafeString:
    """Columns as an SVG element; None draws none. The ids of title and description begin with `id`.

    Each of one or two `series` has a name and one number for each label. `top` is the end of the
    axis, else a round number that is large enough. A label with a line break takes two lines.
    """
    highest = max((number or 0 for _, numbers in series for number in numbers), default=0)
    top = max(top or 0, highest) if top else round_up(highest)
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    return format_html(
        '<svg class="plot" role="img" aria-labelledby="{id}-title {id}-desc" width="100%" '
        'height="{height}rem" font-size="0.8125rem">'
        '<title id="{id}-title">{caption}</title><desc id="{id}-desc">{desc}</desc>'
        "{legend}{grid}{columns}{labels}</svg>",
        id=id,
        height=short(TOP + HEIGHT + 0.5 + LABEL * lines),
        caption=caption,
        desc=in_words(labels, series),
        legend=_legend(series) if len(series) > 1 else "",
        grid=_grid(top),
        columns=format_html_join("", "{}", ((each,) for each in _columns(labels, series, top))),
        labels=_labels(labels),
    )


def in_words(labels, series) -> str:
    """The picture for those who hear it: like “Mar 8: asked 3, answered 2.”"""
    said = []
    for place, label in enumerate(labels):
        numbers = [(name, numbers[place]) for name, numbers in series]
        parts = [f"{name} {'none' if number is None else short(number)}" for name, number in numbers]
        said.append(f"{' '.join(label.split())}: {', '.join(parts)}.")
    return " ".join(said)


def round_up(number: float) -> float:
    """The next round number that can be halved without a remainder to read."""
    scale = 1
    while number > 100 * scale:
        scale *= 10
    return next((step * scale for step in [*STEPS, 100] if step * scale >= max(number, 2)), 100 * scale)


def short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _legend(series):
    marks = [(f"{LEFT + 44 * n}%", kind, name) for n, (kind, (name, _)) in enumerate(_kinds(series))]
    return format_html_join(
        "",
        '<rect class="{1}" x="{0}" y="0.4rem" width="12" height="12"/>'
        '<text class="plot-text" x="{0}" y="1.15rem" dx="20">{2}</text>',
        marks,
    )


def _kinds(series):
    return list(zip([FULL, EMPTY], series, strict=False))


def _grid(top):
    """Level lines at nothing, half and all, with their numbers."""
    return format_html_join(
        "",
        '<line class="{kind}" x1="{left}%" x2="100%" y1="{y}rem" y2="{y}rem"/>'
        '<text class="plot-text" x="{left}%" y="{y}rem" dx="-8" dy="5" text-anchor="end">{number}</text>',
        (
            {
                "kind": "plot-grid" if share else "plot-axis",
                "left": LEFT,
                "y": short(TOP + HEIGHT * (1 - share)),
                "number": short(top * share),
            }
            for share in (0, 0.5, 1)
        ),
    )


def _columns(labels, series, top):
    room = (100 - LEFT) / max(len(labels), 1)
    width = room * 0.7 / len(series)
    for beside, (kind, (_, numbers)) in enumerate(_kinds(series)):
        for place, number in enumerate(numbers):
            if number:
                height = HEIGHT * number / top
                yield format_html(
                    '<rect class="{}" x="{}%" y="{}rem" width="{}%" height="{}rem"/>',
                    kind,
                    short(LEFT + room * (place + 0.15) + width * beside),
                    short(TOP + HEIGHT - height),
                    short(width * 0.92),
                    short(height),
                )


def _labels(labels):
    """As many as fit on a phone: every one, or every second, or every third…"""
    room = (100 - LEFT) / max(len(labels), 1)
    longest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    every = ceil(len(labels) * (longest + 1) / LETTERS) or 1
    return format_html_join(
        "",
        '<text class="plot-text" x="{}%" y="{}rem" text-anchor="middle">{}</text>',
        (
            (short(LEFT + room * (place + 0.5)), short(TOP + HEIGHT + LABEL * (down + 1)), line)
            for place, label in enumerate(labels)
            if place % every == 0
            for down, line in enumerate(label.split("\n"))
        ),
    )

"""One row for each figure, and one table of them all."""

from collections.abc import Iterable
from typing import NamedTuple

from tests.benchmarks.scratch import say

WIDTHS = (50, 12, 34, 8, 17)
HEAD = ("figure", "ours", "reference in the same run", "ratio", "promise")


class Row(NamedTuple):
    """What was measured, what it stands beside, and what was promised of it or of their ratio."""

    figure: str
    ours: float
    unit: str
    reference: float | None = None
    beside: str = ""
    most: float | None = None  # of ours, in its unit
    least_ratio: float | None = None
    most_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours in terms of the reference."""
        return self.ours / self.reference if self.reference else None

    @property
    def promises(self) -> list[tuple[str, bool]]:
        """Each in words, and whether it was kept."""
        made = []
        if self.most is not None:
            made.append((f"<= {number(self.most)} {self.unit}", self.ours <= self.most))
        if self.least_ratio is not None:
            made.append((f">= {self.least_ratio:g} x", self.ratio >= self.least_ratio))
        if self.most_ratio is not None:
            made.append((f"<= {self.most_ratio:g} x", self.ratio <= self.most_ratio))
        return made

    @property
    def is_kept(self) -> bool:
        return all(kept for _, kept in self.promises)


def number(value: float) -> str:
    """Three digits that matter, and thousands with commas."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(rows: Iterable[Row], *, head: bool = True) -> int:
    """Print the rows as a Markdown table, each as soon as it is there; 1 where a promise broke, else 0."""
    if head:
        for cells in (HEAD, tuple("-" * width for width in WIDTHS)):
            say(_line(cells))
    broken = 0
    for row in rows:
        beside = f"{number(row.reference)} {row.unit}, {row.beside}" if row.reference else row.beside
        promise = ", ".join(words for words, _ in row.promises) + ("" if row.is_kept else " BROKEN")
        ratio = number(row.ratio) if row.reference else ""
        say(_line((row.figure, f"{number(row.ours)} {row.unit}", beside, ratio, promise)))
        broken += not row.is_kept
    return int(bool(broken))


def _line(cells):
    padded = (
        f"{cell:>{width}}" if place in (1, 3) else f"{cell:<{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return f"| {' | '.join(padded)} |"

"""Arithmetic of periods, and of starts at equal steps: no database, no clock, no time zone.

A run of starts is a `range` of ticks: what it costs does not depend on how many starts are in it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

Interval = tuple[datetime, datetime]  # half-open, in UTC
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(instant: datetime) -> int:
    """An instant (aware) as whole microseconds since 1970: a `range` of them holds starts at equal steps."""
    return (instant - EPOCH) // timedelta.resolution


def instant_of(tick: int) -> datetime:
    return EPOCH + tick * timedelta.resolution


ALWAYS = (ticks(datetime.min.replace(tzinfo=UTC)), ticks(datetime.max.replace(tzinfo=UTC)))


def merged(intervals: Iterable[tuple]) -> list[tuple]:
    """The same time with as few intervals as can be, in order: of instants or of ticks."""
    joined: list[tuple] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def overlaps_any(interval: Interval, others: Sequence[Interval]) -> bool:
    """Whether the half-open interval shares any time with one of the others, which `merged` has made."""
    start, end = interval
    before_its_end = bisect_left(others, end, key=itemgetter(0))
    return before_its_end > 0 and others[before_its_end - 1][1] > start


def possible_starts(openings: Sequence[Interval], step: timedelta, length: timedelta) -> list[range]:
    """Every start, `step` apart from each opening on, of a visit that fits into open time: a run for each.

    A visit may run on from one opening into the next where they touch, as at midnight.
    """
    open_time = merged(openings)
    begins = [begin for begin, _ in open_time]
    runs = []
    for opens, closes in openings:
        # Open time has no gap within an opening, so one end holds for all of its starts.
        end = open_time[bisect_right(begins, opens) - 1][1]
        stop = min(ticks(closes), ticks(end - length) + 1)
        runs.append(range(ticks(opens), stop, step // timedelta.resolution))
    return [run for run in runs if run]


def without(run: range, refused: Sequence[tuple[int, int]]) -> Iterator[range]:
    """The parts of a run of starts that lie in no refused interval; these are as `merged` makes them."""
    start = run.start
    for number in range(bisect_left(refused, start, key=itemgetter(1)), len(refused)):
        begin, end = refused[number]
        if begin >= run.stop:
            break
        if start < begin:
            yield range(start, begin, run.step)
        start = max(start, end + (run.start - end) % run.step)  # the first step at its end or later
    if start < run.stop:
        yield range(start, run.stop, run.step)

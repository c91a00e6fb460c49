"""A row of figures as one line of block characters."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

BLOCKS = "▁▂▃▄▅▆▇█"
"""Levels from low to high."""
ASCII = "_.-=+*#@"
"""The same for terminals without block characters."""
FAILED = "×"
"""Stands for a value that is absent."""
ASCII_FAILED = "x"

_MOST_PER_CELL = 15


def spark(values: Sequence[float | None], width: int, low: float, high: float, *, ascii_only: bool = False) -> str:
    """`values` in order, the newest at the right, in at most `width` cells; `low` is the bottom level, `high` the top.

    Up to `width` values take a cell each. More are shared out over all cells, each cell then showing the median of its
    values, so that one slow run does not stand for its neighbours, and the whole session stays in view; cells differ by
    at most one value. Of more than 15 values in a cell 15 are taken, evenly, so that ten thousand runs cost what a
    hundred do. A value that is absent (`None`: the request failed) shows as ×, and so does a cell in which nothing but
    failures fell. Values beyond `low` and `high` show as those; where both are the same, in the middle.
    """
    if width <= 0:
        return ""
    levels, failed = (ASCII, ASCII_FAILED) if ascii_only else (BLOCKS, FAILED)
    return "".join(
        failed if value is None else levels[_level(value, low, high, len(levels))] for value in _bucketed(values, width)
    )


def _bucketed(values: Sequence[float | None], width: int) -> Sequence[float | None]:
    count = len(values)
    if count <= width:
        return values
    cuts = [count * cell // width for cell in range(width + 1)]
    cells: list[float | None] = []
    for first, last in pairwise(cuts):
        every = -(-(last - first) // _MOST_PER_CELL)
        present = [value for value in values[first:last:every] if value is not None]
        if not present:
            present = [value for value in values[first:last] if value is not None]
        cells.append(median(present) if present else None)
    return cells


def _level(value: float, low: float, high: float, levels: int) -> int:
    if high <= low:
        return levels // 2
    return max(0, min(levels - 1, int((value - low) / (high - low) * levels)))

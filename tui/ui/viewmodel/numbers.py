"""The numbers of a chart as a table of texts."""

from collections.abc import Callable

import msgspec

Fit = Callable[[str, int], str]
"""Cuts or pads a text to exactly so many cells."""

_GAP = "  "
_WIDEST_NAME = 24


class Numbers(msgspec.Struct, frozen=True):
    """Headings and rows of equal length; the first column names the row."""

    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    """A sentence or several lines below the table."""


def number_lines(numbers: Numbers, fit: Fit) -> list[str]:
    """The table with its columns aligned: names to the left, figures to the right, the note below."""
    table = [numbers.headings, *numbers.rows]
    widths = [max(map(len, column), default=0) for column in zip(*table, strict=True)]
    widths[:1] = [min(_WIDEST_NAME, width) for width in widths[:1]]
    lines = [
        _GAP.join(fit(cell, width) if place == 0 else f"{cell:>{width}}" for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in table)
    ]
    return [*lines, "", *numbers.note.splitlines()] if numbers.note else lines

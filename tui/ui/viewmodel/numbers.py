"""The numbers of a chart as a table of texts."""

from collections.abc import Callable

import msgspec

from tui.core.wording import aligned, cells_of

Fit = Callable[[str, int], str]
"""Cuts or pads a text to exactly that many cells."""

_WIDEST_NAME = 24


class Numbers(msgspec.Struct, frozen=True):
    """Headings and rows of equal length; the first column names the row."""

    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    """A sentence or several lines below the table."""


def number_lines(numbers: Numbers, fit: Fit) -> list[str]:
    """The table with its columns aligned: names to the left, figures to the right, the note below."""
    named = [
        (fit(name, _WIDEST_NAME).rstrip() if cells_of(name) > _WIDEST_NAME else name, *figures)
        for name, *figures in filter(None, (numbers.headings, *numbers.rows))
    ]
    lines = aligned(named)
    return [*lines, "", *numbers.note.splitlines()] if numbers.note else lines

"""Rows of a stream as segments, which tell Textual's selection where in the text they stand.

Textual's selection knows offsets (x, y) that painted segments name: here y is where in the text the row starts, and x
the character in the row. So a selection holds while text arrives and when it moves.
"""

from collections.abc import Iterator
from itertools import pairwise

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.core.events import Kind
from tui.ui.viewmodel.wrapped_text import TextRow

GUTTERS = {Kind.THINKING: "┆ ", Kind.OTHER: "» "}
"""Stand before every row that is not of the answer's text, so that it is told from it without colour."""
GUTTER_CELLS = 2

Mark = tuple[int, int, Style]
"""A stretch of the text, start and end offset, and the style laid over it."""


def row_strip(row: TextRow, width: int, style: Style, marks: list[Mark]) -> Strip:
    """A row of `width` cells in one style, under its marks, the topmost last."""
    segments = _segments(row, width, style)
    return Strip(list(_marked(row, segments, marks) if marks else segments), width)


def blank_strip(offset: int, width: int, style: Style) -> Strip:
    """A row behind the end of the text, at `offset`."""
    return Strip([Segment(" " * width, style + _at(0, offset))], width)


def _segments(row: TextRow, width: int, style: Style) -> Iterator[Segment]:
    """A row in as few segments as can be: every segment costs some 40 bytes to the terminal."""
    text = GUTTERS.get(row.kind, "")
    at = -len(text)
    cells = 0
    for piece in row.pieces:
        if piece.start - row.start != at + len(text):
            yield Segment(text, style + _at(at, row.start))
            cells += cell_len(text)
            text, at = "", piece.start - row.start
        text += piece.text
    yield Segment(text + " " * (width - cells - cell_len(text)), style + _at(at, row.start))


def _marked(row: TextRow, segments: Iterator[Segment], marks: list[Mark]) -> Iterator[Segment]:
    """A row cut where marks begin and end."""
    for text, style, _ in segments:
        assert style is not None
        at, _ = style.meta["offset"]
        within = [(max(0, a - row.start) - at, min(b, row.end) - row.start - at, over) for a, b, over in marks]
        cuts = {cut for start, end, _ in within for cut in (start, end) if 0 < cut < len(text)}
        for first, last in pairwise(sorted({0, len(text)} | cuts)):
            painted = style
            for start, end, over in within:
                if start <= first < end:
                    painted += over
            yield Segment(text[first:last], painted + _at(at + first, row.start))


def _at(index: int, row_start: int) -> Style:
    """The style that tells Textual's selection where a segment begins: character `index` of the row from `row_start`.

    A gutter counts down from -1; blanks after the text count on beyond the row.
    """
    return Style.from_meta({"offset": (index, row_start)})

"""The window through which a pane shows a growing text, and the places of a query in that text."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

from tui.core.events import Kind
from tui.ui.viewmodel.wrapped_text import TextRow, WrappedText


class TextWindow:
    """The rows of a text that are in view. Text that arrives waits until `settle` wraps it.

    A full window that follows moves up half its height at a time, because moving up row by row rewrites every row
    every time.
    """

    def __init__(self, cell_len: Callable[[str], int], *, indent: int) -> None:
        """See `WrappedText`."""
        self.text = WrappedText(80, cell_len, indent=indent)
        self.top = 0
        """Index of the first row in view."""
        self.height = 0
        self._waiting: list[tuple[Kind, str]] = []

    def append(self, kind: Kind, text: str) -> None:
        """Keep text that arrived."""
        self._waiting.append((kind, text))

    @property
    def is_settled(self) -> bool:
        """True if no text waits."""
        return not self._waiting

    def settle(self) -> None:
        """Wrap the text that waits."""
        for kind, text in self._waiting:
            self.text.append(kind, text)
        self._waiting.clear()

    def clear(self) -> None:
        """Forget all text."""
        self._waiting.clear()
        self.text.clear()
        self.top = 0

    def advance(self, *, follow: bool, rows_above: int) -> range | None:
        """Wrap the text that waits; returns the rows of the window to paint anew, None for all of them.

        Rows above the open one change too where a match of a search may reach into them: `rows_above` of them.
        """
        was_empty = not self.text.length
        changed = max(0, len(self.text) - 1 - rows_above)
        self.settle()
        rows = len(self.text)
        if follow and rows > self.top + self.height:
            self.top = max(0, rows - max(1, self.height // 2))
            return None
        if was_empty:
            return None
        return range(max(changed, self.top) - self.top, min(rows, self.top + self.height) - self.top)

    def resize(self, width: int, height: int, *, follow: bool) -> None:
        """Wrap the text for another width and keep the place."""
        self.height = height
        self.settle()
        place = self.first_offset
        self.text.resize(width)
        self.top = self.text.row_of(place)
        if follow and len(self.text) > self.top + height:
            self.top = self.last_top
        self.top = min(self.top, self.last_top)

    @property
    def last_top(self) -> int:
        """The first row in view where the end of the text is."""
        return max(0, len(self.text) - self.height)

    @property
    def first_offset(self) -> int:
        """Offset of the first character in view."""
        return self.text.row(self.top).start if self.top < len(self.text) else self.text.length

    def moved(self, rows: int) -> int:
        """The first row in view after a move down by `rows`, which may be negative, as far as there is text."""
        if rows < 0:
            return max(0, self.top + rows)
        return min(max(self.top, self.last_top), self.top + rows)

    def top_for(self, offset: int) -> int:
        """The first row in view when the row with `offset` is; it stands in the middle where the view must move."""
        row = self.text.row_of(offset)
        if self.top <= row < self.top + self.height:
            return self.top
        return max(0, min(row - self.height // 2, self.last_top))

    def below(self, offset: int, rows: int) -> int:
        """The offset in the same column `rows` further down, which may be negative; else the end or start of all."""
        row = self.text.row_of(offset)
        if not 0 <= row + rows < len(self.text):
            return 0 if rows < 0 else self.text.length
        place = self.text.row(row + rows)
        return min(place.start + offset - self.text.row(row).start, max(place.start, place.end - 1))

    def offset_at(self, row_start: int, column: int) -> int:
        """The offset of a character that was painted as `column` of the row from `row_start`; see `stream_rows`."""
        start = min(row_start, self.text.length)
        row = self.text.row(self.text.row_of(start))
        # Blanks after a row are its end. After a resize no row may start there; then there is no telling.
        end = row.end if row.start == start else self.text.length
        return max(0, min(start + max(0, column), end))

    def selected(self, start: tuple[int, int] | None, end: tuple[int, int] | None) -> tuple[int, int]:
        """Start and end of a selection, offsets of whole clusters.

        Its ends are column and start of a row, as `offset_at` has them the other way about; None is an end of the text.
        """
        return self.text.whole_clusters(
            0 if start is None else self.offset_at(start[1], start[0]),
            self.text.length if end is None else self.offset_at(end[1], end[0]),
        )


class TextSearch:
    """The places at which a query stands in a text that grows, upper and lower case alike, and the one in front.

    Matches are as long as the query and do not overlap. They run across wraps, not from one kind into another.
    """

    def __init__(self, text: WrappedText) -> None:
        self._text = text
        self.begin("")

    def begin(self, query: str) -> None:
        """Search for another query; an empty one ends the search."""
        self.query = query
        self.current: int | None = None
        """Offset of the match in front."""
        self._starts: list[int] = []
        self._pattern = re.compile(re.escape(query), re.IGNORECASE)
        self._scanned = 0

    def places(self) -> list[int]:
        """Offsets of the matches, ascending. Only text that was added since the last call is searched."""
        if not self.query:
            return []
        for start, end, _ in self._text.spans(self._scanned):
            resume = max(start, self._scanned - len(self.query) + 1)
            if self._starts:
                resume = max(resume, self._starts[-1] + len(self.query))
            part = self._text.slice(resume, end)
            self._starts.extend(resume + match.start() for match in self._pattern.finditer(part))
        self._scanned = self._text.length
        return self._starts

    def go_to(self, index: int) -> None:
        """Bring the match with this number to the front, around the ends."""
        places = self.places()
        self.current = places[index % len(places)]

    def step(self, step: int) -> None:
        """Bring the match `step` further on to the front."""
        if self.current is not None:
            self.go_to(self.places().index(self.current) + step)

    def matches_in(self, row: TextRow) -> Iterator[tuple[int, int]]:
        """Start and end of the matches that reach into a row."""
        places = self.places()
        first = bisect_left(places, row.start - len(self.query) + 1)
        for start in places[first : bisect_left(places, row.end)]:
            yield start, start + len(self.query)

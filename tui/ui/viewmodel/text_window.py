"""The window through which a pane shows a growing text, and the places of a query in that text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from tui.core.events import Kind
from tui.core.sanitize import clean
from tui.ui.viewmodel.wrapped_text import TextRow, WrappedText


class TextWindow:
    """The rows of a text that are in view. Text that arrives waits until `settle` wraps it.

    A full window that follows moves up half its height at a time, because moving up row by row rewrites every row
    every time.
    """

    def __init__(self, cell_len: Callable[[str], int], *, indent: int) -> None:
        """See `WrappedText`."""
        self.text = WrappedText(80, cell_len, indent=indent)
        self._answer = AnswerPlaces(self.text)
        self.failing: list[tuple[int, int]] = []
        """Parts of the answer that are marked, start and end offset in the text."""
        self.top = 0
        """Index of the first row in view."""
        self.height = 0
        self._waiting: list[tuple[Kind, str]] = []

    def append(self, kind: Kind, text: str) -> None:
        """Keep text that arrived, made safe for the terminal."""
        safe = clean(text)
        self._waiting.append((kind, safe))
        if kind is Kind.TEXT:
            self._answer.took(text, safe)

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
        self._answer.clear()
        self.failing = []
        self.top = 0

    def mark(self, failing: Sequence[tuple[int, int]]) -> None:
        """Mark these parts of the answer, first and last offset in it as it came; no others from now on."""
        self.settle()
        self.failing = [part for span in failing if (part := self._answer.part(*span)) is not None]

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
        """The offset of a character that was painted as `column` of the row from `row_start`; see `StreamView`."""
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


class AnswerPlaces:
    """Finder of parts of the answer in a text that was cleaned as it came, and that has other kinds in between."""

    def __init__(self, text: WrappedText) -> None:
        self._text = text
        self.clear()

    def clear(self) -> None:
        """Forget all of the answer."""
        self._came = self._kept = 0
        """Characters of the answer so far, and those that were kept of them."""
        self._edited: list[tuple[int, int, str, int]] = []
        """Pieces of which not all was kept: where they stand in the answer and in what was kept, and its length."""

    def took(self, came: str, kept: str) -> None:
        """A piece of the answer came, and this was kept of it."""
        if len(came) != len(kept):
            self._edited.append((self._came, self._kept, came, len(kept)))
        self._came += len(came)
        self._kept += len(kept)

    def part(self, start: int, end: int) -> tuple[int, int] | None:
        """Start and end of a part of the answer, with what stands before it unseen; None where there is nothing."""
        if not self._kept:
            return None
        start, end = self._kept_of(start), self._kept_of(end)
        first = self._offset(start)
        last = self._offset(end - 1) + 1 if end > start else first
        while first > 0 and not self._text.slice(first, last).strip():
            first -= 1
        return first, max(last, first + 1)

    def _kept_of(self, at: int) -> int:
        """Offset in what was kept of the answer."""
        at = max(0, min(at, self._came))
        number = bisect_right(self._edited, at, key=lambda edited: edited[0]) - 1
        if number >= 0:
            came, kept, piece, length = self._edited[number]
            within = at - came
            at = kept + (len(clean(piece[:within])) if within < len(piece) else length + within - len(piece))
        return at

    def _offset(self, at: int) -> int:
        """Offset in the text of a character that was kept; the end behind the last."""
        of_text = [(start, end) for start, end, kind in self._text.spans() if kind is Kind.TEXT]
        for start, end in of_text:
            if at < end - start:
                return start + at
            at -= end - start
        return of_text[-1][1] if of_text else 0


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

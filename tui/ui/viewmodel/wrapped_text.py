"""Text that grows at its end, wrapped into rows of terminal cells as it arrives.

**Source and rows.** The source is everything appended, unchanged; an *offset* is an index into it. Rows cut the source
without a gap: joined, their sources are the whole of it. A row shows its source without the newline that ends it,
without spaces that do not fit, and with tabs as spaces. `RowBreaker` says where rows break; text of another kind
starts a new row.

**Cost.** Only the last row is open. Wrapping resumes at its last cluster, so an append costs its own length, however
much stands above it, and the rows are the same whatever pieces the text came in.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import msgspec

from tui.core.events import Kind

TAB = 4
"""Distance of tab stops, cells."""
LONGEST_ROW = 2_000
"""Most code points in a row's source: bounds the work on text that takes no cells, such as endless combining marks."""

_JOINER = "\u200d"
_FLAG_FIRST, _FLAG_LAST = "\U0001f1e6", "\U0001f1ff"
"""Characters of which two make a flag."""
# Scripts in which every character takes one cell, or every one two, and none combines: no need to look at each.
_NARROW = (
    "\x21-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0559\u05d0-\u05ea\u0621-\u063a\u0641-\u064a"
    "\u1e00-\u1eff\u2010-\u2027\u2500-\u25fc"
)
PLAIN = re.compile(f"[ {_NARROW}]*")
_WIDE_FROM = "\u3000"
"""Runs that begin beyond this character take two cells per character."""


@cache
def alike() -> re.Pattern[str]:
    """The pattern of characters that take one cell each, or two each. Made when text first comes: it takes 1 ms."""
    return re.compile(f"[ {_NARROW}]+|[\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]+")


class Piece(msgspec.Struct, frozen=True):
    """A part of a row that is shown: `text` stands for the source from offset `start` on.

    Character i of `text` is source character `start + i`; a tab is shown as several pieces of one space, all of which
    start at the tab.
    """

    text: str
    start: int


class TextRow(msgspec.Struct, frozen=True):
    """One row as shown. A row has one kind."""

    kind: Kind
    start: int
    """Offset of its first source character."""
    end: int
    """Offset after its last source character, hanging spaces and newline included."""
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The text that is shown."""
        return "".join(piece.text for piece in self.pieces)


class WrappedText:
    """See the module. `cell_len` gives the cells a text takes: those that the painter goes by, or more."""

    def __init__(self, width: int, cell_len: Callable[[str], int], *, indent: int = 0) -> None:
        """`width` is in cells; rows of anything but text are `indent` cells narrower. No row is under two cells."""
        self._cell_len = cell_len
        self._indent = indent
        self._breaker = RowBreaker(cell_len)
        self._width = width
        self.clear()

    def clear(self) -> None:
        """Forget all text."""
        self._rows: list[str] = []
        self._starts: list[int] = []
        self._kinds: list[tuple[int, Kind]] = []
        self._length = 0

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    @property
    def length(self) -> int:
        """Number of source characters."""
        return self._length

    # Growing

    def append(self, kind: Kind, text: str) -> None:
        """Add `text` at the end."""
        if not text:
            return
        if not self._kinds or self._kinds[-1][1] is not kind:
            self._kinds.append((self._length, kind))
            self._start_row()
        self._length += len(text)
        row = self._rows[-1]
        if self._plain and len(row) + len(text) <= self._breaker.room and PLAIN.fullmatch(text):
            self._rows[-1] = row + text
        else:
            self._wrap(row + text)

    def resize(self, width: int) -> None:
        """Wrap all of the text again for `width` cells. Costs the length of the text."""
        if width == self._width:
            return
        self._width = width
        spans = [(kind, self.slice(start, end)) for start, end, kind in self.spans()]
        self.clear()
        for kind, text in spans:
            self.append(kind, text)

    def _start_row(self) -> None:
        if self._rows and not self._rows[-1]:
            # A newline that ended the text so far left an empty row open; the new row takes its place.
            self._rows.pop()
            self._starts.pop()
        self._starts.append(self._length)
        self._rows.append("")
        self._plain = True
        """The open row consists of plain characters only."""
        self._open_row()

    def _open_row(self) -> None:
        self._breaker.open_row(self._room_of(self._kinds[-1][1] if self._kinds else Kind.TEXT))

    def _room_of(self, kind: Kind) -> int:
        return max(2, self._width - (0 if kind is Kind.TEXT else self._indent))

    def _wrap(self, source: str) -> None:
        """Cut `source`, which begins with the open row and ends with the text, into rows; the last one stays open."""
        cuts = [0]
        while (end := self._breaker.row_end(source, cuts[-1])) is not None:
            cuts.append(end)
            self._open_row()
        first = self._starts[-1]
        self._rows[-1:] = [source[a:b] for a, b in pairwise([*cuts, len(source)])]
        self._starts[-1:] = [first + cut for cut in cuts]
        self._plain = PLAIN.fullmatch(source, cuts[-1]) is not None

    # Reading

    def row(self, index: int) -> TextRow:
        """Row `index` as shown."""
        source = self._rows[index]
        start = self._starts[index]
        kind = (
            self._kinds[bisect_right(self._kinds, start, key=lambda span: span[0]) - 1][1] if self._kinds else Kind.TEXT
        )
        shown = source.removesuffix("\n")
        room = self._room_of(kind)
        if "\t" in shown:
            pieces = tuple(self._expand_tabs(shown, start, room))
        else:
            if len(shown) > room // 2 and shown.endswith(" "):
                shown = _without_last(shown, self._cell_len(shown) - room)
            pieces = (Piece(shown, start),)
        return TextRow(kind, start, start + len(source), pieces)

    def _expand_tabs(self, shown: str, start: int, room: int) -> Iterator[Piece]:
        cells = 0
        for part in re.split("(\t)", shown):
            if part == "\t":
                spaces = min(TAB - cells % TAB, room - cells)
                yield from (Piece(" ", start) for _ in range(spaces))
                cells += spaces
            elif part:
                taken = self._cell_len(part)
                # Only hanging spaces can be too many.
                yield Piece(_without_last(part, cells + taken - room), start)
                cells = min(room, cells + taken)
            start += len(part)

    def row_of(self, offset: int) -> int:
        """Index of the row that holds `offset`; the last row for one past the end."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def cluster_at(self, offset: int) -> tuple[int, int]:
        """Start and end of the cluster that `offset` is in, so that nothing is ever cut in its middle."""
        if not 0 <= offset < self._length:
            edge = 0 if offset < 0 else self._length
            return edge, edge
        index = self.row_of(offset)
        source = self._rows[index]
        within = offset - self._starts[index]
        if PLAIN.fullmatch(source, 0, within + 2):
            return offset, offset + 1
        begin = end = 0
        while end <= within:
            begin, end = end, self._breaker.cluster_end(source, end)
        return self._starts[index] + begin, self._starts[index] + end

    def whole_clusters(self, start: int, end: int) -> tuple[int, int]:
        """A stretch from `start` to `end`, widened to whole clusters."""
        return self.cluster_at(start)[0], self.cluster_at(end - 1)[1] if end > 0 else 0

    def slice(self, start: int, end: int) -> str:
        """Source from offset `start` to `end`."""
        if start >= end or not self._rows:
            return ""
        first = self.row_of(start)
        joined = "".join(self._rows[first : self.row_of(end - 1) + 1])
        skipped = start - self._starts[first]
        return joined[skipped : skipped + end - start]

    def extract(self, start: int, end: int) -> str:
        """Source from offset `start` to `end` for reading elsewhere: each change of kind is on a new line."""
        parts = [self.slice(max(start, a), min(end, b)) for a, b, _ in self.spans(start) if a < end]
        text = ""
        for part in parts:
            text += "\n" + part if text and not text.endswith("\n") else part
        return text

    def text(self, kind: Kind) -> str:
        """All source of one kind, joined."""
        return "".join(self.slice(start, end) for start, end, of in self.spans() if of is kind)

    def spans(self, offset: int = 0) -> Iterator[tuple[int, int, Kind]]:
        """Start, end and kind of each stretch of one kind, from the one that holds `offset` on."""
        first = max(0, bisect_right(self._kinds, offset, key=lambda span: span[0]) - 1)
        ends = [start for start, _ in self._kinds[first + 1 :]] + [self._length]
        for (start, kind), end in zip(self._kinds[first:], ends, strict=False):
            yield start, end, kind


def _without_last(text: str, spaces: int) -> str:
    """`text` without so many of the spaces at its end."""
    return text[: max(len(text.rstrip(" ")), len(text) - spaces)] if spaces > 0 else text


class RowBreaker:
    """Finds the end of the open row. Between two calls it remembers how far it came: more text costs its own length.

    A row breaks after spaces, on either side of a wide character (not of one that a selector made wide), and inside a
    word only where the word is longer than a row. Spaces at a break hang past the edge and are not shown. A cluster (a
    character with all that combines with it: marks, selectors, joined emoji, the second half of a flag) is never
    split, unless it is absurdly long.

    `cell_len` gives the cells a text takes.
    """

    def __init__(self, cell_len: Callable[[str], int]) -> None:
        self._cell_len = cell_len
        self._continues: dict[str, bool] = {}
        """Characters that take no cell, and so belong to the one before; and characters that do."""
        self.open_row(2)

    def open_row(self, room: int) -> None:
        """Begin a row of `room` cells."""
        self.room = room
        # All count from the row's start. `_resume` is at or before the cluster that the next text may still add to,
        # `_cells` the width up to there, and `_break` the place where the row would break (0: nowhere).
        self._resume = self._cells = self._break = 0

    def row_end(self, source: str, start: int) -> int | None:
        """The end of the row that begins at `start`; None while it is open."""
        length, limit, room = len(source), start + LONGEST_ROW, self.room
        index, cells, break_at = start + self._resume, self._cells, start + self._break
        while index < length:
            self._resume, self._cells, self._break = index - start, cells, break_at - start
            char = source[index]
            if char == "\n":
                return index + 1
            if index >= limit:
                return index
            hangs = char == " " and cells >= room
            if not hangs and (run := alike().match(source, index, limit)) and run.end() > index + 1:
                # All but its last character, to which what follows may belong.
                last, size = run.end() - 1, 2 if char > _WIDE_FROM else 1
                stop = min(last, index + (room - cells) // size)
                break_at = stop if size == 2 else source.rfind(" ", index, stop) + 1 or break_at
                if stop < last and source[stop] != " ":
                    return break_at if break_at > start else stop
                cells += size * (stop - index)
                index = stop
                continue
            end = self.cluster_end(source, index, limit)
            if end == index + 1 and char in " \t":
                cells += min(TAB - cells % TAB if char == "\t" else 1, max(0, room - cells))
                break_at = end
            else:
                taken, wide = self._size(source, index, end)
                if cells + taken > room and index > start:
                    return index if wide or break_at <= start else break_at
                cells += taken
                break_at = end if wide else break_at
            index = end
        return None

    def _size(self, source: str, index: int, end: int) -> tuple[int, bool]:
        """The cells of a cluster, and whether a row may break beside it."""
        if end == index + 1 and " " < source[index] < "\x7f":
            return 1, False
        taken = self._cell_len(source[index:end])
        # By its first character, since a selector that follows may still widen the last cluster.
        return taken, taken > 1 and self._cell_len(source[index]) > 1

    def cluster_end(self, source: str, index: int, limit: int = LONGEST_ROW) -> int:
        """The end of the cluster that begins at `index`, at most `limit`."""
        end = index + 1
        if source[index] == "\t":
            return end
        limit = min(limit, len(source))
        if end < limit and _FLAG_FIRST <= source[index] <= _FLAG_LAST and _FLAG_FIRST <= source[end] <= _FLAG_LAST:
            end += 1
        while end < limit:
            char = source[end]
            if char in "\n\t":
                break
            # A joiner behind a joiner joins nothing more, or one character could be wider than any pane.
            if source[end - 1] != _JOINER or source[end - 2 : end - 1] == _JOINER:
                continues = self._continues.get(char)
                if continues is None:
                    continues = self._continues[char] = self._cell_len(char) == 0
                if not continues:
                    break
            end += 1
        return end

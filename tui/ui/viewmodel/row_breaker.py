"""Breaks text into rows of terminal cells, one row at a time, while the text still grows.

A row breaks after spaces, on either side of a wide character (not of one that a selector made wide), and inside a word
only where the word is longer than a row. Spaces at a break hang past the edge and are not shown.
A cluster (a character with all that combines with it: marks, selectors, joined emoji, the second half of a flag) is
never split, unless it is absurdly long.
"""

import re
from collections.abc import Callable

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
RUN = re.compile(f"[ {_NARROW}]+|[\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]+")
_WIDE_FROM = "\u3000"
"""Runs that begin beyond this character take two cells per character."""


class RowBreaker:
    """Finds the end of the open row. Between two calls it remembers how far it came: more text costs its own length.

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
            if not hangs and (run := RUN.match(source, index, limit)) and run.end() > index + 1:
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

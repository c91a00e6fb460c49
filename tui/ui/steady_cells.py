"""Text of which terminals disagree how many cells it takes, written so that nothing beside it moves or stays behind.

Terminals have width tables of different age and kind: an emoji takes one cell or two, a family two or eight, a flag two
or four, a vowel sign of Devanagari none or one. Textual lays out by one table. This is done where text becomes bytes,
so that what is shown, copied and exported otherwise is the text as it came:

- An emoji of several code points is drawn as its first one, which takes the same room everywhere: a family as the man,
  a heart with a selector as the plain heart, a flag as its two letters.
- Before it the cells are blanked, since a terminal may fill fewer; after it the cursor is put where the layout has it.
- Signs that take a cell in some terminals may run on into the blanks behind the text (`widest` keeps these free). Where
  there are too few blanks, the last of the signs are left out.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import category

from rich.cells import cell_len

_FLAG_FIRST, _FLAG_LAST, _JOINER = "\U0001f1e6", "\U0001f1ff", "\u200d"
_FLAG = rf"{_FLAG_FIRST}-{_FLAG_LAST}"
# What belongs to the character before: selectors, the key of a keycap, skin tones.
_FOLLOWS = r"\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff"
# Emoji that take two cells; and signs that do so in the newest tables only.
_WIDE = (
    r"\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2630-\u2637\u2648-\u2653\u267f\u268a-\u268f\u2693"
    r"\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b"
    r"\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
    r"\u4dc0-\u4dff\U0001f000-\U0001faff"
)
# Scripts with signs that take a cell in some terminals, and vowels that stand within a Hangul syllable.
_INNER = r"\u1160-\u11ff\ud7b0-\ud7fb"
_SIGNS = (
    r"\u0900-\u0dff\u0f00-\u109f\u1700-\u17ff\u1900-\u1cff\u302e\u302f\ua800-\ua8ff\ua930-\uaaff\uabc0-\uabff"
    rf"\U00011000-\U00011fff{_INNER}"
)
_ARABIC = r"\u0620-\u08ff"
_LETTERS = rf"{_SIGNS}{_ARABIC}\u200c{_JOINER}"
_DOUBTFUL = re.compile(rf"[{_FOLLOWS}{_JOINER}{_WIDE}{_SIGNS}]")
_INNER_SIGN = re.compile(f"[{_INNER}]")
_JOINABLE = f"[{_SIGNS}{_ARABIC}]"
_FOLLOWING = re.compile(f"[{_FOLLOWS}{_JOINER}]")
_MOVE = re.compile(r"(\x1b\[\d+;\d+H|\n)")
_ESCAPE = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))")
_RESET = "\x1b[0m"
_GAP = 3
"""Blanks that are more than a space between words or sentences: what stands behind them is not to move."""
_ASTRAL, _STAND_IN = "\U0001f000", "\u25a1"


@cache
def _part() -> re.Pattern[str]:
    """The pattern of what is told apart. Made when it is first needed: that takes 2 ms, and no start does."""
    return re.compile(
        # Arabic too has joiners, of which the layout takes no notice of what follows.
        rf"(?P<blank>\ +)|(?P<signs>[{_LETTERS}]*[{_SIGNS}][{_LETTERS}]*"
        rf"|[{_ARABIC}][{_ARABIC}\u200c]*{_JOINER}[{_LETTERS}]*)"
        rf"|(?P<emoji>(?:[{_FLAG}]{{2}}|[{_WIDE}{_FOLLOWS}{_JOINER}]|.(?=[{_FOLLOWS}{_JOINER}]))"
        rf"(?:[{_FOLLOWS}\u0300-\u036f]|{_JOINER}.?)*)|(?P<frame>[\u2500-\u259f\U0001fb00-\U0001fbff]+)",
        re.DOTALL,
    )


class _Part(NamedTuple):
    """A piece of a row, of one kind and style."""

    kind: str
    style: str
    text: str
    cells: int
    """Those that the layout gives it."""


def widest(text: str) -> int:
    """The cells that clusters take in the terminal that gives them the most; a single character the layout's."""
    return cell_len(text) + (len(extra_places(text)) if len(text) > 1 and not text.isascii() else 0)


def extra_places(text: str) -> list[int]:
    """Places of the characters that take a cell in some terminals and none in the layout."""
    if not _DOUBTFUL.search(text):
        return []
    return [
        place
        for place, char in enumerate(text)
        if category(char) == "Mc"
        or _INNER_SIGN.match(char)
        or (place and text[place - 1] == _JOINER and re.match(_JOINABLE, char) and cell_len(char))
    ]


def steady(data: str) -> str:
    """Data on their way to the terminal, with all cells of doubtful width held in their place."""
    if data.isascii() or not _DOUBTFUL.search(data):
        return data
    written: list[str] = []
    column: int | None = None
    for part in _MOVE.split(data):
        if _MOVE.match(part):
            column = int(part[:-1].rpartition(";")[2]) if part != "\n" else None
            written.append(part)
        elif _DOUBTFUL.search(part):
            written.append(_Writer(column).write(list(_parts(part))))
        else:
            written.append(part)
    return "".join(written)


def _parts(data: str) -> Iterator[_Part]:
    """The pieces of what is written between two moves of the cursor."""
    style = ""
    for piece in _ESCAPE.split(data):
        if not piece.startswith("\x1b"):
            yield from _parts_of_text(piece, style)
        elif piece.endswith("m"):
            style = "" if piece in (_RESET, "\x1b[m") else style + piece
        else:
            yield _Part("escape", "", piece, 0)


def _parts_of_text(text: str, style: str) -> Iterator[_Part]:
    end = cells = 0
    for match in [*_part().finditer(text), None]:
        start = match.start() if match else len(text)
        for kind, first, last in (("plain", end, start), *([(match.lastgroup or "", *match.span())] if match else [])):
            if first < last:
                # By what stands before too: a selector may widen a character that is not next to it.
                taken = cell_len(text[:last]) - cells
                cells += taken
                yield _Part(kind, style, text[first:last], taken)
        end = match.end() if match else end


class _Writer:
    """Writer of one row from a column on; without one, what is drawn only keeps its room."""

    def __init__(self, column: int | None) -> None:
        self._column = column
        self._written: list[str] = []
        self._style = ""

    def write(self, parts: list[_Part]) -> str:
        """All of the pieces."""
        at = 0
        while at < len(parts):
            part = parts[at]
            end = blanks = at + 1
            if part.kind == "signs":
                end = blanks = _run_end(parts, at)
                while blanks < len(parts) and parts[blanks].kind == "blank":
                    blanks += 1
            if self._column is not None and (part.kind == "signs" or (part.kind == "emoji" and part.cells)):
                self._write_steadily(parts[at:end], parts[end:blanks])
            else:
                for part in parts[at:blanks]:
                    self._put(part.style, _drawn(part, alone=True))
                    if self._column is not None:
                        self._column += part.cells
            at = blanks
        self._put("", "")
        return "".join(self._written)

    def _write_steadily(self, run: list[_Part], blanks: list[_Part]) -> None:
        """A run of pieces that stand in their place together, into the blanks behind them if need be."""
        assert self._column is not None
        room = sum(part.cells for part in blanks)
        for style, parts in groupby((*run, *blanks), lambda part: part.style):
            self._put(style, " " * sum(part.cells for part in parts))
        self._go(self._column)
        for part in _fitting(run, room) if run[0].kind == "signs" else run:
            self._put(part.style, _drawn(part, alone=len(run) == 1))
        self._column += room + sum(part.cells for part in run)
        self._go(self._column)

    def _put(self, style: str, text: str) -> None:
        if style != self._style:
            self._written.append((_RESET if self._style else "") + style)
            self._style = style
        self._written.append(text)

    def _go(self, column: int) -> None:
        self._written.append(f"\x1b[{column}G")


def _run_end(parts: list[_Part], at: int) -> int:
    """The end of what may move together in a terminal that makes signs wide: up to blanks or a frame."""
    end = at + 1
    while end < len(parts) and parts[end].kind not in ("frame", "escape"):
        after = parts[end + 1].kind if end + 1 < len(parts) else "frame"
        if parts[end].kind == "blank" and (parts[end].cells >= _GAP or after in ("blank", "frame", "escape")):
            break
        end += 1
    return end


def _fitting(run: list[_Part], room: int) -> Iterator[_Part]:
    """The run without the last of its signs that find no room in any terminal."""
    extra = [(at, place) for at, part in enumerate(run) if part.kind == "signs" for place in extra_places(part.text)]
    dropped = set(extra[room:])
    for at, part in enumerate(run):
        kept = "".join(char for place, char in enumerate(part.text) if (at, place) not in dropped)
        yield part._replace(text=kept)


def _drawn(part: _Part, *, alone: bool) -> str:
    """An emoji as all terminals draw it, in its room; `alone` if nothing stands behind it that moves with it."""
    if part.kind != "emoji":
        return part.text
    first = part.text[0]
    if _FLAG_FIRST <= first <= _FLAG_LAST:
        text = "".join(chr(ord(char) - ord(_FLAG_FIRST) + ord("A")) for char in part.text[: part.cells])
    elif not alone and first >= _ASTRAL and cell_len(first) < part.cells:
        text = _STAND_IN  # a flag: narrow here, wide elsewhere
    else:
        text = first if cell_len(first) <= part.cells and not _FOLLOWING.match(first) else ""
    return text + " " * (part.cells - cell_len(text))

"""Whatever width a terminal gives to an emoji or a vowel sign, nothing beside it moves, and nothing of before stays."""

import re
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size

from tui.core.events import Kind
from tui.ui.steady_cells import steady, widest
from tui.ui.viewmodel.wrapped_text import WrappedText

LANE, COLUMNS = 16, 34
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
EMOJI = [
    *(
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "⚡\ufe0e",
        "©\ufe0f",
        "\U0001f1ec\U0001f1e7",
        "\U0001f1ec",
        FAMILY,
        "👍🏽",
        "🏽",
        "😀",
        "☰",
    ),
    *(
        "🏳\ufe0f\u200d\U0001f308",
        "🧑\u200d⚕\ufe0f",
        "\ufe0f",
        "❤\u0301\ufe0f",
        "🫩",
        "e\u0301",
        "漢",
        "─",
        "a",
        " ",
    ),
]
SIGNS = ["नमस्ते", "क्ष", "नि", "क्\u200dष", "ि", "தமிழ்", "မြန်မာ", "각", "\u1100\u1161", "ب\u200dب", "┃"]
ROW = st.lists(st.sampled_from([*EMOJI, *EMOJI, "word", "  "]), max_size=12).map("".join)
MIXED = st.lists(st.sampled_from([*SIGNS, *SIGNS, *EMOJI, "  "]), max_size=12).map("".join)

Width = Callable[[str, str], int]
"""The cells that a terminal gives to a character behind what it has drawn of the same cluster."""


def is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Me", "Cf") or char in "\u1161\u11a8"


def is_emoji(char: str) -> bool:
    return "\U0001f000" <= char <= "\U0001faff" or char in "⚡☰"


def old(char: str, _before: str) -> int:
    """A table from before emoji, by which signs take a cell of their own."""
    return 0 if is_mark(char) else 1 if is_emoji(char) else 2 if unicodedata.east_asian_width(char) == "W" else 1


def summed(char: str, _before: str) -> int:
    """Every character for itself, as wide as may be."""
    vowel = char in "\u1161\u11a8"
    return 1 if vowel else 0 if is_mark(char) else 2 if is_emoji(char) or cell_len(char) == 2 else 1


def clustered(char: str, before: str) -> int:
    """By clusters: what joins takes nothing, a selector widens, and so do signs that join two letters."""
    if char == "\ufe0f":
        return 1 if before and cell_len(before[0]) == 1 else 0
    if before and (
        before[-1] in "\u200d\u094d" or (len(before) == 1 and "\U0001f1e6" <= before <= char <= "\U0001f1ff")
    ):
        return 0
    return cell_len(char)


def layout(char: str, before: str) -> int:
    """The table of the layout itself."""
    return cell_len(before + char) - cell_len(before)


TERMINALS = pytest.mark.parametrize("width", [old, summed, clustered, layout])


class Screen:
    """A row of a terminal."""

    def __init__(self, width: Width) -> None:
        self.cells = ["."] * COLUMNS
        self._width = width

    def show(self, data: str) -> None:
        at, before = 0, ""
        characters = iter(data)
        for char in characters:
            if char == "\x1b":
                sequence = "".join(self._sequence(characters))
                if sequence[-1] in "GH":
                    at, before = int(sequence[1:-1].rpartition(";")[2]) - 1, ""
                continue
            taken = self._width(char, before)
            if taken and before and char == "\ufe0f":
                self._set(at, "")
            elif taken == 0:
                before = before and before + char
                continue
            else:
                before = char
                self._set(at, char)
                if taken == 2:
                    self._set(at + 1, "")
            at += taken

    @staticmethod
    def _sequence(characters: Iterator[str]) -> Iterator[str]:
        for char in characters:
            yield char
            if char.isalpha():
                return

    def _set(self, at: int, char: str) -> None:
        """A wide character of which one half is painted over goes."""
        assert at < COLUMNS, "it runs over the edge"
        if char and self.cells[at] == "":
            self.cells[at - 1] = " "
        if at + 1 < COLUMNS and self.cells[at + 1] == "":
            self.cells[at + 1] = " "
        self.cells[at] = char


def lane(column: int, text: str, style: str = "\x1b[1m") -> str:
    """What the program writes of a lane."""
    return f"\x1b[1;{column + 1}H{style}{set_cell_size(text, LANE)}\x1b[0m"


def whole(left: str, right: str) -> str:
    """What it writes of a row of two lanes with a frame between and behind them."""
    return lane(0, left) + "│" + lane(LANE + 1, right).partition("H")[2] + "│"


@TERMINALS
@given(before=MIXED, after=MIXED)
@example(before="word" * 4, after="❤\ufe0f" + FAMILY + "👍🏽")
@example(before="word" * 4, after="नि" * 12)
@example(before="", after="ि")
def test_what_stands_beside_stays(width: Width, before: str, after: str) -> None:
    screen = Screen(width)
    screen.show(steady(whole(before, "beside")))
    screen.show(steady(lane(0, after, "")))
    assert "".join(screen.cells[LANE:]) == "│" + "beside".ljust(LANE) + "│"
    screen.show(steady(lane(LANE + 1, before)))
    assert screen.cells[LANE] == screen.cells[-1] == "│"


@TERMINALS
@given(before=MIXED, after=MIXED)
@example(before="word" * 4, after="❤\ufe0f" + FAMILY + "🇬🇧")
def test_nothing_of_what_was_there_stays(width: Width, before: str, after: str) -> None:
    anew, over = Screen(width), Screen(width)
    over.show(steady(whole(before, before)))
    for screen in (anew, over):
        screen.show(steady(whole(after, "")))
    assert over.cells == anew.cells


@TERMINALS
@given(row=ROW)
@example(row=f"❤\ufe0fa{FAMILY}b🇬🇧c👍🏽d1\ufe0f\u20e3")
def test_what_follows_an_emoji_stands_where_the_layout_has_it(width: Width, row: str) -> None:
    screen = Screen(width)
    screen.show(steady(whole(row, "")))
    shown = set_cell_size(row, LANE)
    for at, char in enumerate(shown):
        if (
            char in "aword─漢"
            and not unicodedata.combining((shown + " ")[at + 1])
            and (shown + " ")[at + 1] not in "\u200d\ufe0f\u20e3"
        ):
            # A joiner at the start of a row hides what follows from the layout.
            if at and shown[at - 1] == "\u200d":
                continue
            assert screen.cells[cell_len(shown[:at])] == char


@TERMINALS
@given(source=MIXED, cells=st.integers(4, LANE))
@example(source="हिन्दी में कीमत कितनी है", cells=LANE)
def test_a_lane_leaves_room_for_all_signs(width: Width, source: str, cells: int) -> None:
    text = WrappedText(cells, widest)
    # Frames are no text of lanes, and a sign without a letter has no room of its own.
    text.append(Kind.TEXT, re.sub("[┃─]|(?<!न)ि", "", source))
    for row in (text.row(index).text for index in range(len(text))):
        written = steady(lane(0, row))
        signs = [char for char in row if unicodedata.category(char) == "Mc"]
        assert [char for char in written if unicodedata.category(char) == "Mc"] == signs


def test_text_that_all_agree_on_is_written_as_it_is() -> None:
    for text in ("plain", "─ ✔ ◌ ★ é e\u0301 漢字 สวัสดี سلام", "\x1b]0;😀 title\x07"):
        assert steady(f"\x1b[2;3H{text}") == f"\x1b[2;3H{text}"


def test_without_a_place_an_emoji_keeps_its_room() -> None:
    assert steady("a❤\ufe0fb🇬🇧") == "a❤ bGB"
    assert steady("\u200d😀a") == "a"


def test_a_style_goes_on_behind_an_emoji() -> None:
    assert steady("\x1b[1;1H\x1b[1ma😀b\x1b[0mc") == "\x1b[1;1H\x1b[1ma  \x1b[2G😀\x1b[4Gb\x1b[0mc"

"""Markdown laid out: its structure is seen, and nothing in it acts."""

import random
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment

from tui.core.sanitize import clean
from tui.ui.screens.text import laid_out
from tui.ui.steady_cells import steady

_PIECES = (
    *("\x1b[31m", "\x1b]0;title\x07", "\x9b5n", "\r", "\u202e", "\u2066", "\u200b", "\ufe0f", "\ud800"),
    *(
        "[red]",
        "[/]",
        "[@click=app.quit]",
        "\\[",
        "]",
        "漢字",
        "👩\u200d💻",
        "e\u0301",
        "ﷺ",
        "\t",
        "word " * 20,
        "x" * 500,
    ),
)
_MARKS = ("# ", "- ", "1. ", "> ", "| a | b |\n|---|---|\n", "```\n", "`", "**", "[x](", ")", "![", "<b>", "&#x202e;")


def _lines(text: str, width: int = 60) -> list[list[Segment]]:
    return Console(width=width).render_lines(laid_out(text), pad=False)


def _shown(text: str, width: int = 60) -> str:
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in _lines(text, width))


def test_tables_lists_and_headings_are_laid_out() -> None:
    shown = _shown("# Head\n\n- one\n- two\n\n| name | n |\n|---|--:|\n| first | 1 |\n\n`code` and **bold**")
    for mark in ("#", "|", "`", "**", "- "):
        assert mark not in shown
    for there in ("Head", " • one", "first", "code and bold"):
        assert there in shown


def test_no_word_of_a_table_is_cut_however_long_or_many() -> None:
    shown = _shown(f"| one | two | three |\n|---|:-:|--:|\n| 1 | https://example.test/{'a' * 80} | {'b' * 30} |", 40)
    assert (shown.count("a"), shown.count("b")) == (81, 30)
    assert "…" not in shown
    heads, cells = ("|".join(f"{what} {number}" for number in range(40)) for what in ("head", "cell"))
    shown = _shown(f"|{heads}|\n|{'---|' * 40}\n|{cells}|")
    for number in range(40):
        assert f"head {number}: cell {number}\n" in f"{shown}\n"


def test_a_link_says_where_it_goes_and_leads_nowhere() -> None:
    lines = _lines("[look](http://example.test/a) ![picture](http://example.test/b.png)")
    assert "look (http://example.test/a)" in "".join(segment.text for segment in lines[0])
    assert all(segment.style is None or (segment.style.link, segment.style.meta) == (None, {}) for segment in lines[0])


def test_html_is_shown_as_it_was_written() -> None:
    assert _shown("<details>kept</details>\n\na <kbd>b</kbd>") == "<details>kept</details>\n\na <kbd>b</kbd>"


@pytest.mark.parametrize("entity", ["&#x202e;", "&#x1b;[31m", "&#x200b;", "&#xE0041;"])
def test_what_an_entity_stands_for_is_cleaned_too(entity: str) -> None:
    shown = _shown(f"a{entity}b\n\n    {entity}\n\n[{entity}]({entity})")
    assert shown == clean(shown)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_model_writes_fits_and_drives_nothing(seed: int) -> None:
    chance = random.Random(seed)
    text = clean("".join(chance.choice((*_MARKS, *_PIECES, "\n", "\n\n")) for _ in range(30)))
    for line in _lines(text, width := chance.choice((20, 58, 120))):
        assert sum(cell_len(segment.text) for segment in line) <= width
        assert all(segment.style is None or not segment.style.link for segment in line)
        assert all(segment.text == clean(segment.text) for segment in line if not segment.control)


def test_of_a_very_long_answer_the_rest_is_shown_as_it_is() -> None:
    text = "**bold** words\n" * 4_000
    shown = _shown(text, 120)
    assert shown.startswith("bold words")
    assert shown.count("bold") == 4_000
    assert "The rest, 20," in shown
    assert shown.rstrip().endswith("**bold** words")


def test_no_sign_of_a_full_row_is_left_out() -> None:
    words = "नमस्ते दुनिया कैसी हो आप सब लोग आज यहाँ पर"
    lines = _lines(f"{words} {words}\n\n| नाम | n |\n|---|--:|\n| {'क्षि' * 6} | 1 |", 30)
    drawn = [steady(f"\x1b[1;1H{''.join(segment.text for segment in line)}\x1b[2;1H") for line in lines]
    assert re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\s", "", "".join(drawn)).startswith((words * 2).replace(" ", ""))
    (row,) = (line for line in drawn if "1" in line and "क्षि" in line)
    assert row.count("क्षि") == 6
    assert len({sum(cell_len(segment.text) for segment in line) for line in lines[-3:-1]}) == 1, "columns stay in line"

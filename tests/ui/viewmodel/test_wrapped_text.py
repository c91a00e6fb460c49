"""Wrapping as text arrives: nothing lost, nothing too wide, and the same rows whatever pieces it came in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.core.events import Kind
from tui.ui.viewmodel.wrapped_text import WrappedText

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PARTS = [
    "a", "word", " ", "  ", "\n", "\t", "-", "é", "e\u0301", "漢", "字", "、", "한", "ก็", "नि", "\u3000", "\u200d", "\ufe0f", "\u0301",
    "❤\ufe0f", "1\ufe0f\u20e3", "\U0001f1ec\U0001f1e7", "\U0001f1ec", FAMILY, "👍🏽", "overlongwordthatfitsnowhere", "\xa0", "—",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PARTS), max_size=40).map("".join) | st.text(max_size=60)
PIECES = st.lists(st.tuples(st.sampled_from(Kind), TEXT), max_size=6)
WIDTH = st.integers(2, 30)


def wrapped(width: int, pieces: list[tuple[Kind, str]], indent: int = 0) -> WrappedText:
    text = WrappedText(width, cell_len, thinking_indent=indent)
    for kind, piece in pieces:
        text.append(kind, piece)
    return text


def rows(text: WrappedText) -> list[object]:
    return [text.row(index) for index in range(len(text))]


def shown(width: int, source: str) -> list[str]:
    text = wrapped(width, [(Kind.TEXT, source)])
    return [text.row(index).text for index in range(len(text))]


@given(WIDTH, PIECES, st.integers(0, 4))
def test_rows_hold_all_of_the_source(width: int, pieces: list[tuple[Kind, str]], indent: int) -> None:
    text = wrapped(width, pieces, indent)
    spans = [(text.row(index).start, text.row(index).end) for index in range(len(text))]
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert "".join(text.slice(*span) for span in spans) == "".join(piece for _, piece in pieces)
    for index in range(len(text)):
        row = text.row(index)
        left_out = text.slice(row.start, row.end).replace("\t", "").removeprefix(row.text.replace(" ", ""))
        if "\t" not in text.slice(row.start, row.end):
            assert set(text.slice(row.start, row.end)[len(row.text) :]) <= {" ", "\n"}
        for piece in row.pieces:
            if piece.text.strip():
                assert text.slice(piece.start, piece.start + len(piece.text)) == piece.text
        assert left_out is not None


@given(WIDTH, PIECES, st.integers(0, 4))
def test_no_row_is_too_wide(width: int, pieces: list[tuple[Kind, str]], indent: int) -> None:
    text = wrapped(width, pieces, indent)
    for index in range(len(text)):
        row = text.row(index)
        room = max(2, width - (indent if row.kind is Kind.THINKING else 0))
        assert sum(cell_len(piece.text) for piece in row.pieces) <= room


@given(WIDTH, st.sampled_from(Kind), TEXT, st.data())
def test_pieces_do_not_matter(width: int, kind: Kind, source: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), max_size=10)))
    pieces = [(kind, source[a:b]) for a, b in pairwise([0, *cuts, len(source)])]
    assert rows(wrapped(width, pieces, 2)) == rows(wrapped(width, [(kind, source)], 2))
    assert rows(wrapped(width, [(kind, char) for char in source], 2)) == rows(wrapped(width, [(kind, source)], 2))


@given(WIDTH, WIDTH, PIECES, PIECES)
def test_resize_is_a_fresh_wrap(
    width: int, other: int, pieces: list[tuple[Kind, str]], more: list[tuple[Kind, str]]
) -> None:
    text = wrapped(width, pieces, 2)
    text.resize(other)
    for kind, piece in more:
        text.append(kind, piece)
    assert rows(text) == rows(wrapped(other, pieces + more, 2))

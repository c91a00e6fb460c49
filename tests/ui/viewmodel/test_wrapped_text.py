"""Wrapping as text arrives: nothing lost, nothing too wide, and the same rows whatever pieces it came in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.core.events import Kind
from tui.ui.viewmodel.wrapped_text import WrappedText

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PARTS = [
    *("a", "word", " ", "  ", "\n", "\t", "-", "overlongwordthatfitsnowhere", "\xa0", "—", "é", "e\u0301", "\u0301"),
    *("漢", "字", "、", "漢字漢字", "한", "\u3000", "ก็", "नि", "\u200d", "\ufe0f"),
    *("❤\ufe0f", "1\ufe0f\u20e3", "\U0001f1ec\U0001f1e7", "\U0001f1ec", FAMILY, "👍🏽"),
]
TEXT = st.lists(st.sampled_from(PARTS), max_size=40).map("".join) | st.text(max_size=60)
PIECES = st.lists(st.tuples(st.sampled_from(Kind), TEXT), max_size=6)
WIDTH = st.integers(2, 30)


def wrapped(width: int, pieces: list[tuple[Kind, str]], indent: int = 0) -> WrappedText:
    text = WrappedText(width, cell_len, indent=indent)
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
        source = text.slice(row.start, row.end)
        for piece in row.pieces:
            shown_source = source[piece.start - row.start :][: len(piece.text)]
            assert shown_source == piece.text or (shown_source[:1], piece.text) == ("\t", " ")
        shown = {offset for piece in row.pieces for offset in range(piece.start, piece.start + len(piece.text))}
        assert {source[offset - row.start] for offset in range(row.start, row.end) if offset not in shown} <= set(
            " \n\t"
        )


@given(WIDTH, PIECES, st.integers(0, 4))
def test_no_row_is_too_wide(width: int, pieces: list[tuple[Kind, str]], indent: int) -> None:
    text = wrapped(width, pieces, indent)
    for index in range(len(text)):
        row = text.row(index)
        room = max(2, width - (indent if row.kind is Kind.THINKING else 0))
        assert sum(cell_len(piece.text) for piece in row.pieces) <= room


def test_joiners_in_a_row_make_no_character_wider_than_the_pane() -> None:
    text = wrapped(2, [(Kind.TEXT, "漢\u200d\u200da")], 0)
    assert [text.row(index).text for index in range(len(text))] == ["漢\u200d\u200d", "a"]


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


@pytest.mark.parametrize(
    ("width", "source", "expected"),
    [
        (11, "the quick brown fox", ["the quick ", "brown fox"]),
        (9, "the quick brown", ["the quick", "brown"]),
        (6, "ab abcdefghij", ["ab ", "abcdef", "ghij"]),
        (8, "    code\n\nmore\n", ["    code", "", "more", ""]),
        (5, "漢字漢字 ab", ["漢字", "漢字 ", "ab"]),
        (6, "ab漢字cd", ["ab漢字", "cd"]),
        (3, "❤\ufe0fa❤\ufe0f", ["❤\ufe0fa", "❤\ufe0f"]),
        (6, "a\tb\tcd", ["a   b ", "cd"]),
        (4, f"a{FAMILY}b{FAMILY}", [f"a{FAMILY}b", FAMILY]),
        (4, "e\u0301" * 5, ["e\u0301" * 4, "e\u0301"]),
        (3, "\U0001f1ec\U0001f1e7\U0001f1eb\U0001f1f7", ["\U0001f1ec\U0001f1e7", "\U0001f1eb\U0001f1f7"]),
    ],
)
def test_where_rows_break(width: int, source: str, expected: list[str]) -> None:
    assert shown(width, source) == expected


def test_another_kind_starts_a_row() -> None:
    text = wrapped(10, [(Kind.THINKING, "hm"), (Kind.TEXT, "ah")], 2)
    assert [(text.row(index).kind, text.row(index).text) for index in range(len(text))] == [
        (Kind.THINKING, "hm"),
        (Kind.TEXT, "ah"),
    ]
    assert text.extract(0, text.length) == "hm\nah"
    assert text.text(Kind.TEXT) == "ah"


def test_endless_marks_take_bounded_rows() -> None:
    text = wrapped(10, [(Kind.TEXT, "\u0301" * 10_000)])
    assert max(text.row(index).end - text.row(index).start for index in range(len(text))) <= 2_000


@given(WIDTH, PIECES, st.data())
def test_every_offset_is_in_its_cluster_and_row(
    width: int, pieces: list[tuple[Kind, str]], data: st.DataObject
) -> None:
    text = wrapped(width, pieces)
    if text.length:
        offset = data.draw(st.integers(0, text.length - 1))
        start, end = text.cluster_at(offset)
        row = text.row(text.row_of(offset))
        assert row.start <= start <= offset < end <= row.end


@given(WIDTH, PIECES, st.data())
def test_rows_may_be_cut_between_clusters(width: int, pieces: list[tuple[Kind, str]], data: st.DataObject) -> None:
    text = wrapped(width, pieces)
    row = text.row(data.draw(st.integers(0, len(text) - 1))) if len(text) else None
    if row is not None and row.end > row.start:
        cut = text.cluster_at(data.draw(st.integers(row.start, row.end - 1)))[0] - row.start
        if len(row.pieces) == 1:
            assert cell_len(row.text[:cut]) + cell_len(row.text[cut:]) == cell_len(row.text)

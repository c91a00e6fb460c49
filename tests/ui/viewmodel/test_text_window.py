"""A window on a growing text keeps its place, and a search goes on where it stopped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.core.events import Kind
from tui.core.sanitize import clean
from tui.ui.viewmodel.text_window import AnswerPlaces, TextSearch, TextWindow
from tui.ui.viewmodel.wrapped_text import WrappedText

TEXT = st.lists(st.sampled_from(["a", "word", " ", "\n", "漢", "字", "e\u0301", "Word", "  "]), max_size=30).map(
    "".join
)
PIECES = st.lists(st.tuples(st.sampled_from(Kind), TEXT), max_size=6)


def window_of(lines: int, height: int = 4) -> TextWindow:
    """A window of 10 cells on numbered lines."""
    window = TextWindow(cell_len, indent=2)
    window.resize(10, height, follow=False)
    window.append(Kind.TEXT, "\n".join(f"line {number}" for number in range(lines)))
    return window


def wrapped(pieces: list[tuple[Kind, str]], width: int = 8) -> WrappedText:
    text = WrappedText(width, cell_len, indent=2)
    for kind, piece in pieces:
        text.append(kind, piece)
    return text


def test_a_full_window_that_follows_moves_up_half_its_height() -> None:
    window = window_of(4)
    assert window.advance(follow=True, rows_above=0) is None
    assert window.top == 0
    window.append(Kind.TEXT, "\nline 4")
    assert window.advance(follow=True, rows_above=0) is None
    assert window.top == 3


@pytest.mark.parametrize(("rows_above", "first"), [(0, 1), (2, 0)])
def test_of_a_window_with_room_only_changed_rows_are_painted(rows_above: int, first: int) -> None:
    window = window_of(2)
    window.advance(follow=True, rows_above=0)
    window.append(Kind.TEXT, "0\nmore")
    assert window.advance(follow=True, rows_above=rows_above) == range(first, 3)


def test_what_arrives_below_the_window_paints_nothing() -> None:
    window = window_of(10)
    window.settle()
    window.append(Kind.TEXT, " more")
    assert not window.advance(follow=False, rows_above=0)
    assert window.top == 0


def test_moves_end_where_the_text_does() -> None:
    window = window_of(10)
    window.settle()
    assert (window.moved(-3), window.moved(3), window.moved(99)) == (0, 3, 6)
    window.top = 9  # a half page was left free below the end
    assert (window.moved(5), window.moved(-2)) == (9, 7)


def test_a_row_that_is_shown_stands_in_the_middle_where_the_view_must_move() -> None:
    window = window_of(20)
    window.settle()
    place = window.text.row(10).start
    assert window.top_for(place) == 8
    window.top = 9
    assert window.top_for(place) == 9


def test_another_width_keeps_the_place() -> None:
    window = window_of(20)
    window.settle()
    window.top = 7
    place = window.first_offset
    window.resize(4, 4, follow=False)
    assert window.text.row(window.top).start <= place < window.text.row(window.top).end


def test_below_is_the_same_column_of_a_row_further_down() -> None:
    window = window_of(5)
    window.settle()
    starts = [window.text.row(row).start for row in range(5)]
    assert window.below(starts[1] + 2, 1) == starts[2] + 2
    assert window.below(starts[1] + 2, -9) == 0
    assert window.below(starts[1] + 2, 9) == window.text.length


@given(PIECES, PIECES, st.sampled_from(["a", "Word", "字", "e\u0301", "  "]))
def test_search_goes_on_where_it_stopped(
    pieces: list[tuple[Kind, str]], more: list[tuple[Kind, str]], query: str
) -> None:
    text = wrapped(pieces)
    search = TextSearch(text)
    search.begin(query)
    search.places()
    for kind, piece in more:
        text.append(kind, piece)
    afresh = TextSearch(wrapped(pieces + more))
    afresh.begin(query)
    assert search.places() == afresh.places()
    assert all(text.slice(at, at + len(query)).lower() == query.lower() for at in search.places())


@pytest.mark.parametrize(("query", "expected"), [("e t", [2]), ("two", [4, 7, 11]), ("otwo", []), ("", [])])
def test_search_crosses_wraps_but_not_kinds(query: str, expected: list[int]) -> None:
    search = TextSearch(wrapped([(Kind.THINKING, "one TWO"), (Kind.TEXT, "Two two")], 4))
    search.begin(query)
    assert search.places() == expected


def test_steps_go_around_the_ends() -> None:
    search = TextSearch(wrapped([(Kind.TEXT, "two two two")]))
    search.begin("two")
    search.go_to(0)
    shown = []
    for step in (1, 1, 1, -1):
        search.step(step)
        shown.append(search.current)
    assert shown == [4, 8, 0, 8]


UNSAFE = st.lists(
    st.sampled_from(["a", "b c", "\n", "\r\n", "\x1b[", "\u200b", "漢", "e\u0301" + "\u0301" * 12]), max_size=8
)


@given(st.lists(st.tuples(st.sampled_from(Kind), UNSAFE.map("".join)), max_size=6), st.data())
def test_a_part_of_the_answer_is_found_in_what_was_kept_of_it(
    pieces: list[tuple[Kind, str]], data: st.DataObject
) -> None:
    text = wrapped([])
    places = AnswerPlaces(text)
    for kind, piece in pieces:
        text.append(kind, clean(piece))
        if kind is Kind.TEXT:
            places.took(piece, clean(piece))
    answer = "".join(piece for kind, piece in pieces if kind is Kind.TEXT)
    start = data.draw(st.integers(0, len(answer)))
    end = data.draw(st.integers(start, len(answer)))
    part = places.part(start, end)
    assert (part is None) == (not text.text(Kind.TEXT))
    if part is not None:
        assert 0 <= part[0] < part[1] <= text.length
        shown = "".join(
            text.slice(max(part[0], a), min(part[1], b)) for a, b, kind in text.spans() if kind is Kind.TEXT
        )
        letters = [char for char in clean(answer[start:end]) if char in "abc漢"]
        assert not letters or [char for char in shown if char in "abc漢"] == letters


def test_a_part_that_cannot_be_seen_takes_what_stands_before_it() -> None:
    text = wrapped([(Kind.THINKING, "hm"), (Kind.TEXT, "ab\n")])
    places = AnswerPlaces(text)
    places.took("ab\n", "ab\n")
    assert places.part(0, 1) == (2, 3)
    assert places.part(2, 3) == (3, 5)
    assert places.part(3, 3) == (3, 5)
    assert places.part(900, 900) == (3, 5)

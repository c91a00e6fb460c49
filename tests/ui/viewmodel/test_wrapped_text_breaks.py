"""Scripts that are measured without a look at each character take what is assumed of them."""

import pytest
from rich.cells import cell_len

from tui.ui.viewmodel.wrapped_text import PLAIN, RowBreaker, alike


@pytest.mark.parametrize("first", [0x20, 0xA0, 0x370, 0x5D0, 0x1E00, 0x2010, 0x2500])
def test_plain_characters_take_a_cell(first: int) -> None:
    plain = [char for char in map(chr, range(first, first + 0x400)) if PLAIN.fullmatch(char)]
    assert {cell_len(char) for char in plain} == {1}


@pytest.mark.parametrize("first", [0x3001, 0x4E00, 0xAC00])
def test_wide_runs_take_two_cells_each(first: int) -> None:
    wide = [char for char in map(chr, range(first, first + 0x2000)) if alike().fullmatch(char)]
    assert {cell_len(char) for char in wide} == {2}


def test_a_row_stays_open_until_something_does_not_fit() -> None:
    breaker = RowBreaker(cell_len)
    breaker.open_row(6)
    assert breaker.row_end("ab cd", 0) is None
    assert breaker.row_end("ab cde", 0) is None
    assert breaker.row_end("ab cdef", 0) == 3

"""Sparklines stay readable from one run to ten thousand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.viewmodel.sparkline import ASCII, ASCII_FAILED, BLOCKS, FAILED, spark

VALUES = st.lists(st.none() | st.floats(-10, 110), max_size=200)


@given(VALUES, st.integers(0, 30), st.booleans())
def test_one_cell_a_value_until_they_are_full(values: list[float | None], width: int, ascii_only: bool) -> None:
    line = spark(values, width, 0, 100, ascii_only=ascii_only)
    assert len(line) == min(len(values), width)
    assert set(line) <= set(ASCII + ASCII_FAILED if ascii_only else BLOCKS + FAILED)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 50, 100], "▁▅█"),
        ([-5, 105], "▁█"),
        ([10, None, 90], "▁×█"),
        (list(range(0, 100, 13)), "▁▂▃▄▅▆▇█"),
        ([], ""),
    ],
)
def test_levels(values: list[float | None], expected: str) -> None:
    assert spark(values, 10, 0, 100) == expected


def test_a_cell_of_several_values_shows_their_median() -> None:
    assert spark([0, 0, 100, 100, 100, 0], 2, 0, 100) == "▁█"
    assert spark([None, None, 100, None], 2, 0, 100) == "×█"


def test_ten_thousand_runs_keep_their_trend() -> None:
    assert spark(list(range(10_000)), 8, 0, 10_000) == BLOCKS


def test_equal_values_stand_in_the_middle() -> None:
    assert spark([5, 5], 4, 5, 5) == "▅▅"

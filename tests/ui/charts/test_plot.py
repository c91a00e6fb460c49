"""Drawings as data: at most two points per column, axes with room for their values, round marks."""

import pytest
from chart_samples import NS
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.charts.parts import LOOKS, Part
from tui.ui.charts.plot import (
    Axis,
    AxisUnit,
    Bar,
    BarRow,
    around,
    from_zero,
    round_ticks,
    thinned,
    tick_labels,
    ticks_on,
    time_axis,
)

POINTS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=300).map(sorted)


@given(POINTS, st.integers(1, 40))
def test_at_most_two_points_per_column_and_they_are_its_extremes(
    points: list[tuple[float, float]], columns: int
) -> None:
    low, high = (points[0][0], points[-1][0]) if points else (0.0, 1.0)
    kept = thinned(points, columns, low, high)
    assert set(kept) <= set(points)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    if len(points) > columns:
        assert len(kept) <= 2 * columns
    assert {max((y for _, y in points), default=0)} == {max((y for _, y in kept), default=0)}
    assert {min((y for _, y in points), default=0)} == {min((y for _, y in kept), default=0)}


def test_few_points_are_all_kept() -> None:
    assert thinned([(0, 1), (0, 2), (0, 3)], 3, 0, 1) == [(0, 1), (0, 2), (0, 3)]
    assert thinned([(0, 1), (0, 2), (0, 3), (1, 0)], 3, 0, 1) == [(0, 1), (0, 3), (1, 0)]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(2, 12))
def test_ticks_are_few_even_and_around_the_values(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    ticks = round_ticks(low, high, most)
    assert 2 <= len(ticks) <= most + 1
    slack = 1e-6 * max(1.0, high)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert ticks == sorted(set(ticks))
    assert len(tick_labels(ticks, AxisUnit.SECONDS)) == len(ticks)


@pytest.mark.parametrize(
    ("ticks", "unit", "expected"),
    [
        ([0, 0.1, 0.2], AxisUnit.SECONDS, ["0", "100", "200 ms"]),
        ([0, 0.5, 1], AxisUnit.SECONDS, ["0", "0.5", "1 s"]),
        ([0, 0.5, 1], AxisUnit.SHARE, ["0%", "50%", "100%"]),
        ([0, 1000], AxisUnit.COUNT, ["0", "1,000"]),
        ([], AxisUnit.SECONDS, []),
    ],
)
def test_tick_labels(ticks: list[float], unit: AxisUnit, expected: list[str]) -> None:
    assert tick_labels(ticks, unit) == expected


@given(st.lists(NS.map(lambda ns: ns / 1e9), max_size=20), st.integers(0, 10))
def test_axes_have_room_and_marks(values: list[float], most: int) -> None:
    for axis in (from_zero(values), around(values)):
        assert axis.low < axis.high
        assert all(axis.low <= value <= axis.high for value in values)
        assert len(ticks_on(axis, most)) >= 2
        assert all(axis.low <= tick <= axis.high for tick in ticks_on(axis, most))


def test_counts_have_whole_marks() -> None:
    assert ticks_on(Axis(1, 2, AxisUnit.COUNT), 6) == [1, 2]


@pytest.mark.parametrize(
    ("end_s", "most", "expected"),
    [
        (0, 4, [0, 0.05, 0.1]),
        (1.9, 5, [0, 0.5, 1, 1.5, 2]),
        (2.0, 4, [0, 0.5, 1, 1.5, 2]),
        (61, 4, [0, 20, 40, 60, 80]),
    ],
)
def test_marks_of_an_axis_of_time_go_beyond_its_end(end_s: float, most: int, expected: list[float]) -> None:
    look = LOOKS[Part.OUTPUT]
    axis = time_axis([BarRow("lane", (Bar(0, end_s, look),))])
    assert axis.low == 0
    assert round_ticks(axis.low, axis.high, most) == expected

"""Distribution functions and histograms hold every sample."""

from bisect import bisect_right
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.ui.charts.distribution import ecdf, histogram


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted))
def test_ecdf_and_histogram_hold_every_sample(ascending: list[float]) -> None:
    points = ecdf(ascending)
    assert points[-1][1] == 1
    assert [y for _, y in points] == sorted(y for _, y in points)
    for x, y in points[1:]:
        assert y <= bisect_right(ascending, x) / len(ascending)
    bars = histogram(ascending)
    assert sum(bars.heights) == len(ascending)
    assert bars.width > 0
    assert bars.low <= ascending[0]
    assert bars.low + bars.width * len(bars.heights) >= ascending[-1] * (1 - 1e-9)


def test_the_empirical_distribution_is_level_between_samples_and_rises_at_each() -> None:
    assert ecdf([1, 2, 4, 8]) == ((1, 0), (1, 0.25), (2, 0.25), (2, 0.5), (4, 0.5), (4, 0.75), (8, 0.75), (8, 1))
    for (x, y), (next_x, next_y) in pairwise(ecdf(list(range(1000)))):
        assert x == next_x or y == next_y


def test_histogram_counts() -> None:
    bars = histogram([0, 0, 1, 2, 3, 3, 3, 4])
    assert (bars.width, bars.heights) == (1, (2, 1, 1, 4))

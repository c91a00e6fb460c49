"""Gaps are those of the stream, and a long stream costs what a short one does."""

from itertools import pairwise

import pytest
from chart_samples import MS, check, record_with, stamps
from hypothesis import given

from tui.ui.charts.gaps import BUCKETS, gaps_numbers, gaps_plot, stall_from_ns
from tui.ui.charts.plot import STALL
from tui.ui.charts.speed import speeds


@given(stamps())
def test_gaps_are_finite_few_and_those_of_the_stream(moments: list[int]) -> None:
    plot = gaps_plot(record_with(moments))
    check(plot)
    if len(moments) < 2:
        assert not plot.curves
        return
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    points = plot.curves[0].points
    assert len(points) <= 2 * BUCKETS
    assert max(y for _, y in points) == pytest.approx(max(gaps) / 1e9)
    assert {round(y * 1e9) for _, y in points} <= set(gaps)
    stalls = [curve for curve in plot.curves if curve.colour == STALL]
    assert bool(stalls) is (max(gaps) >= stall_from_ns(moments))


def test_a_long_stream_is_bounded_and_its_stalls_are_found() -> None:
    moments = [20 * MS]
    for chunk in range(50_000):
        moments.append(moments[-1] + (400 * MS if chunk in (7_000, 30_000) else 10 * MS))
    record = record_with(moments)
    plot = gaps_plot(record)
    assert len(plot.curves[0].points) <= 2 * BUCKETS
    assert [round(y, 3) for _, y in plot.curves[1].points] == [0.4, 0.4]
    assert gaps_numbers(record).note == "50,001 chunks, 2 stalls"


def test_of_content_that_was_summed_up_no_gap_is_drawn() -> None:
    record = record_with([20 * MS, 30 * MS, 800 * MS])
    assert gaps_plot(record).curves
    summary = record.timeline.summary(1)
    assert summary is not None
    record.apply(summary)
    assert gaps_plot(record).curves == ()
    assert speeds(record, in_tokens=False) == ()


def test_a_stall_is_five_times_the_typical_gap_and_not_short() -> None:
    assert stall_from_ns([0, 20 * MS, 40 * MS, 60 * MS]) == 100 * MS
    assert stall_from_ns([0, MS, 2 * MS]) == 50 * MS

"""The speed of a stream adds up to what came."""

import pytest
from chart_samples import MS, check, check_numbers, lane_with, record_with, stamps
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.charts.source import ChartSource
from tui.ui.charts.speed import speed_numbers, speed_plot, speeds


@given(stamps(), st.booleans())
def test_speed_integrates_to_what_came(moments: list[int], in_tokens: bool) -> None:
    record = record_with(moments)
    points = speeds(record, in_tokens=in_tokens)
    if moments[-1] == moments[0]:
        assert points == ()
        return
    stretch_s = (moments[-1] - moments[0]) / len(points) / 1e9
    came = 39 if in_tokens else len(moments) - 1
    assert sum(speed * stretch_s for _, speed in points) == pytest.approx(came)
    lane = lane_with("lane", [], record)
    source = ChartSource(lanes=[lane], current=lane, now_ns=0)
    check(speed_plot(source))
    check_numbers(speed_numbers(source))


def test_speeds_of_all_lanes_have_one_unit() -> None:
    done, streaming = (lane_with(name, [], record_with([20 * MS, 30 * MS, 40 * MS])) for name in ("a", "b"))
    streaming.record = record_with([20 * MS, 30 * MS, 40 * MS], tokens=None)
    for lanes, expected in (([done], 1_950), ([done, streaming], 100)):
        plot = speed_plot(ChartSource(lanes=lanes, current=done, now_ns=0))
        assert plot.curves[0].points[0][1] == pytest.approx(expected)
